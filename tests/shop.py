"""A served CRM with something to sell, clients that order from it, and what must be true then.

A client asks again with the same key until it is answered, as programs should; so whatever
happens to the servers, each of its orders must be there once, whole, and paid for in stock.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families
from quart import Quart
from sqlalchemy import case, func, or_, select, text

from quarterdeck import migrate
from quarterdeck_crm import create_app
from quarterdeck_crm.accounts.services import create_account
from quarterdeck_crm.extensions import db
from quarterdeck_crm.goods.services import create_good
from quarterdeck_crm.models import (
    Activity,
    Good,
    IdempotencyKey,
    Order,
    OrderLine,
    OrderState,
    Role,
    User,
)
from quarterdeck_crm.tokens.services import create_token
from tests.servers import Server
from tests.serving import serving

API = "/api/v1"
PRICE = Decimal("0.333")
CONFIRMED = Order.state == OrderState.CONFIRMED
PATIENCE_SECONDS = 30.0
UNAVAILABLE = {502, 503, 504}  # the first and the last are said by proxies


@dataclass
class Attempt:
    """One request: when it began and ended, and its status; 0 if there was no answer."""

    began: float
    ended: float
    status: int


@dataclass
class Shop:
    """A CRM with one good in stock.

    Attributes:
        app: An app of the test on the same database, not the one that serves.
        placed: The ids of the orders that were acknowledged, by the client's key.
        attempts: All requests of all clients, in the order of their ends.
        is_open: Whether clients go on ordering.
    """

    folder: Path
    uri: str
    app: Quart
    token: str = ""
    account_id: int = 0
    good_id: int = 0
    pieces: int = 0
    placed: dict[str, int] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    is_open: bool = True

    @contextmanager
    def served(self) -> Iterator[str]:
        """Run ``crm serve`` on it, and give its address."""
        with serving(self.folder, DATABASE_URL=self.uri) as base:
            yield base

    def failures(self, since: float) -> list[Attempt]:
        """Return the requests that failed though they ended after a moment."""
        failed = [one for one in self.attempts if one.status in {0, *UNAVAILABLE}]
        return [one for one in failed if one.ended > since]

    def longest_silence(self, since: float) -> float:
        """Return the longest time without a good answer, from a moment on, in seconds."""
        good = [one.ended for one in self.attempts if one.status < 300 and one.status]
        ends = [since, *sorted(end for end in good if end > since)]
        return max(later - sooner for sooner, later in itertools.pairwise(ends))


def open_shop(folder: Path, uri: str, *, pieces: int) -> Shop:
    """Make or empty the tables; add a user with a token, an account, and a good in stock."""
    shop = Shop(folder, uri, create_app("testing", INSTANCE=str(folder), DATABASE_URL=uri))
    asyncio.run(_stock(shop, pieces))
    return shop


async def _stock(shop: Shop, pieces: int) -> None:
    async with shop.app.test_app(), shop.app.app_context():
        await migrate.upgrade()
        async with db.transaction() as session:
            for table in reversed(db.Model.metadata.sorted_tables):
                await session.execute(table.delete())  # those of a shop before it
            user = User(email="ada@example.com", name="Ada", role=Role.ADMIN, password_hash="-")
            session.add(user)
            await session.flush()
            _, shop.token = await create_token(session, user=user, name="load")
            account = await create_account(session, actor=user, values={"name": "Ernst"})
            values = {"name": "Chai", "code": "1", "price": PRICE, "currency": "EUR"}
            good = await create_good(session, actor=None, values=values | {"stock": pieces})
        shop.account_id, shop.good_id, shop.pieces = account.id, good.id, pieces


class Client:
    """Places orders of one piece and confirms them, one request after the other."""

    def __init__(self, shop: Shop, base: str, name: str) -> None:
        self.shop = shop
        self.name = name
        self._address = urlsplit(base)
        headers = {"Authorization": f"Bearer {shop.token}"}
        self._http = httpx.AsyncClient(
            base_url=base + API,
            headers=headers,
            timeout=20,
            trust_env=False,
            verify=False,  # noqa: S501 - plain http; certificates take long to read
        )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def order(self, most: int) -> None:
        """Place and confirm orders as long as the shop is open."""
        for number in range(most):
            if not self.shop.is_open:
                return
            key = f"{self.name}-{number}"
            await self.place(key)
            path = f"/orders/{self.shop.placed[key]}/moves"
            moved = await self._insist(path, {"to": "confirmed"}, f"{key}-confirm")
            assert moved.status_code in {200, 409}, moved.text

    async def place(self, key: str) -> None:
        """Place an order, and remember its id as acknowledged."""
        made = await self._insist("/orders", self._body, key)
        assert made.status_code == 201, made.text
        self.shop.placed[key] = made.json()["id"]

    async def hang_up(self, key: str, seconds: float) -> None:
        """Send an order and leave, mostly before the answer."""
        body = json.dumps(self._body)
        head = (
            f"POST {API}/orders HTTP/1.1\r\nHost: {self._address.netloc}\r\n"
            f"Authorization: Bearer {self.shop.token}\r\nIdempotency-Key: {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        _, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        writer.write((head + body).encode())
        await asyncio.sleep(seconds)
        writer.close()

    @property
    def _body(self) -> dict[str, Any]:
        line = {"good_id": self.shop.good_id, "quantity": 1}
        return {"account_id": self.shop.account_id, "currency": "EUR", "lines": [line]}

    async def _insist(self, path: str, body: dict[str, Any], key: str) -> httpx.Response:
        """Send it until it is answered, as slowly as the server asks for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = await self._send(path, body, key)
            if answer is not None and answer.status_code not in UNAVAILABLE:
                return answer
            assert time.monotonic() < deadline, "not served again"
            await asyncio.sleep(float(answer.headers.get("Retry-After", "0.1")) if answer else 0.1)

    async def _send(self, path: str, body: dict[str, Any], key: str) -> httpx.Response | None:
        began = time.monotonic()
        answer = None
        with suppress(httpx.TransportError):
            answer = await self._http.post(path, json=body, headers={"Idempotency-Key": key})
        status = answer.status_code if answer is not None else 0
        self.shop.attempts.append(Attempt(began, time.monotonic(), status))
        return answer


@asynccontextmanager
async def clients_of(shop: Shop, base: str, count: int) -> AsyncIterator[list[Client]]:
    """Give clients whose keys are like nobody else's."""
    async with AsyncExitStack() as stack:
        names = [f"{time.monotonic_ns()}-{number}" for number in range(count)]
        yield [await stack.enter_async_context(Client(shop, base, name)) for name in names]


async def order_at(shop: Shop, base: str, *, clients: int, each: int = 10_000) -> None:
    """Let some clients order at once, so many times each or until the shop closes."""
    async with clients_of(shop, base, clients) as them:
        await asyncio.gather(*(client.order(each) for client in them))


@dataclass(frozen=True)
class Visits:
    """How many orders were waited for, and how many were sent by somebody who left for good."""

    waited: int = 0
    left: int = 0


async def hang_up_some(shop: Shop, base: str, *, clients: int, each: int) -> Visits:
    """Place orders; a third of the clients do not wait, and every second of these comes back."""
    dice = random.Random(1)  # noqa: S311
    left: list[str] = []

    async def visit(client: Client) -> None:
        for number in range(each):
            key = f"{client.name}-{number}"
            if number % 3 == 1:
                await client.hang_up(key, dice.uniform(0, 0.1))
            if number % 6 == 1:
                left.append(key)
            else:
                await client.place(key)

    async with clients_of(shop, base, clients) as them:
        await asyncio.gather(*map(visit, them))
    return Visits(clients * each - len(left), len(left))


async def order_during(
    shop: Shop, base: str, fault: Callable[[], None], *, clients: int, each: int
) -> float:
    """Order before and during a fault, and some times each after it; return when it was over."""
    shop.attempts.clear()
    ordering = asyncio.create_task(order_at(shop, base, clients=clients))
    await _answers(shop, 2 * clients, ordering)
    await asyncio.to_thread(fault)
    healed = time.monotonic()
    await _answers(shop, each * clients, ordering, since=healed)
    shop.is_open = False
    await ordering
    shop.is_open = True
    return healed


async def _answers(
    shop: Shop, count: int, ordering: asyncio.Task[None], *, since: float = 0.0
) -> None:
    """Wait for a number of good answers to requests after a moment."""

    def good() -> int:
        return sum(200 <= one.status < 300 and one.began > since for one in shop.attempts)

    async with asyncio.timeout(PATIENCE_SECONDS):
        while good() < count and not ordering.done():  # noqa: ASYNC110 - of several clients
            await asyncio.sleep(0.02)


def kill(maria: Server) -> None:
    maria.kill()
    maria.start()


def restart(maria: Server) -> None:
    maria.stop()
    maria.start()


def freeze(maria: Server) -> None:
    maria.freeze()
    time.sleep(2.5)
    maria.thaw()


@dataclass(frozen=True)
class Books:
    """What the database holds in the end."""

    orders: set[int]
    confirmed: int
    stock: int
    half_done: int
    open_transactions: int


def audit(shop: Shop) -> Books:
    """Read the books, and check all that must be true of them whatever happened."""
    books = asyncio.run(_books(shop))
    assert books.half_done == 0
    assert set(shop.placed.values()) <= books.orders, "nothing acknowledged is missing"
    assert len(set(shop.placed.values())) == len(shop.placed), "no two keys made one order"
    assert books.stock == shop.pieces - books.confirmed
    assert books.stock >= 0
    assert books.open_transactions == 0
    return books


async def _books(shop: Shop) -> Books:
    async with shop.app.test_app(), shop.app.app_context():
        session = db.session
        return Books(
            orders=set(await session.scalars(select(Order.id))),
            confirmed=await _count(Order, CONFIRMED),
            stock=await session.scalar(select(Good.stock).where(Good.id == shop.good_id)) or 0,
            half_done=await _half_done(),
            open_transactions=await _open_transactions(),
        )


async def _half_done() -> int:
    """Count what lacks a part: each order has a line, its amount, a history and a key."""
    lines = select(func.count()).where(OrderLine.order_id == Order.id, OrderLine.amount == PRICE)
    about_it = (Activity.subject_type == "order", Activity.subject_id == Order.id)
    steps = select(func.count()).where(*about_it).scalar_subquery()
    expected = case((Order.state == OrderState.CONFIRMED, 2), else_=1)
    wrong = or_(
        lines.scalar_subquery() != 1,
        Order.net != PRICE,
        Order.number.not_like("Q%"),
        steps != expected,
    )
    return (
        await _count(Order, wrong)
        + abs(await _count(IdempotencyKey, IdempotencyKey.status == 201) - await _count(Order))
        + abs(await _count(Activity, Activity.action == "sold") - await _count(Order, CONFIRMED))
    )


async def _count(model: Any, *conditions: Any) -> int:
    return await db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


async def _open_transactions() -> int:
    """Count the transactions that do not end.

    The server rolls one back after it sees that the connection of a client that left is closed.
    """
    if db.engine.dialect.name == "sqlite":
        return 0
    statement = text("SELECT COUNT(*) FROM information_schema.innodb_trx")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        await db.session.rollback()
        found = await db.session.scalar(statement) or 0
        if not found or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.2)  # the server reads the table again after 0.1 s


def settled(base: str) -> dict[str, float]:
    """Return the figures of ``/metrics`` once the requests of clients that left have ended.

    On a busy machine they wait for each other for some time. A connection that is lost stays.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := figures(base))["connections checked_out"] and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def figures(base: str) -> dict[str, float]:
    """Return what ``/metrics`` says of the database: ``connections checked_out``, ``waiting``."""
    found: dict[str, float] = {}
    answer = httpx.get(f"{base}/metrics", trust_env=False, verify=False)  # noqa: S501 - plain http
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            if sample.name.startswith("crm_database_"):
                words = [sample.name.removeprefix("crm_database_"), *sample.labels.values()]
                found[" ".join(words)] = sample.value
    return found
