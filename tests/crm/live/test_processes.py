"""Three ``crm serve`` that share one database and one Redis."""

from __future__ import annotations

import asyncio
import http.client
import http.cookiejar
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from quarterdeck.sockets.event import parse_id
from quarterdeck_crm.demo.cli import PASSWORD
from tests.demonstration import Demonstrations
from tests.servers import Server, redis_server
from tests.serving import Site

from .crowd import ROOMS

pytestmark = [
    pytest.mark.feature("WS3"),
    pytest.mark.timeout(300),
    pytest.mark.external_service("redis"),
]

ROOT = Path(__file__).parents[3]
WAIT = 30.0  # what a busy machine may need for anything


class Company(NamedTuple):
    """Three processes, and the tokens of two users."""

    folder: Path
    settings: dict[str, str]
    sites: list[Site]
    redis: Server
    token: str
    other_token: str


@pytest.fixture(scope="module")
def company(
    demonstrations: Demonstrations, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("company")
    redis = redis_server(folder)
    redis.start()
    tokens = demonstrations.copy(folder)
    settings = {
        "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        "CRM_SOCKETS_RATE": "10000",  # one user says what a whole team would
        "CRM_SOCKETS_BURST": "10000",
        **dict.fromkeys(("CRM_LIMIT_API", "CRM_LIMIT_SAY", "CRM_LIMIT_WEBSOCKETS"), "10000/minute"),
    }
    sites = [Site(folder, **settings) for _ in range(3)]
    for site in sites:
        site.begin()
    for site in sites:
        site.wait()
    yield Company(folder, settings, sites, redis, tokens["admin"], tokens["user"])
    for site in sites:
        site.kill()
    redis.kill()


@asynccontextmanager
async def connected(site: Site, token: str = "", **headers: str) -> AsyncIterator[ClientConnection]:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    url = f"ws://127.0.0.1:{site.port}/ws"
    async with connect(
        url, additional_headers=headers, compression=None, ping_interval=None, open_timeout=WAIT
    ) as connection:
        yield connection


async def say(connection: ClientConnection, **message: Any) -> None:
    await connection.send(msgspec.json.encode(message), text=True)


async def hear(connection: ClientConnection, *types: str) -> dict[str, Any]:
    """Return the next message of one of these types."""
    async with asyncio.timeout(WAIT):
        while True:
            message: dict[str, Any] = msgspec.json.decode(await connection.recv())
            if message["type"] in types:
                return message


async def subscribe(connection: ClientConnection, room: str, **more: str) -> None:
    await say(connection, type="subscribe", room=room, **more)
    await hear(connection, "subscribed")


def test_1000_events_to_300_sockets_each_once_and_in_order(company: Company) -> None:
    """Said by somebody on each process; what is right for one is compared with all others."""
    urls = [f"ws://127.0.0.1:{site.port}/ws" for site in company.sites]
    command = [sys.executable, "-m", "tests.crm.live.crowd", company.token, "300", "1000", *urls]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    everything, *others = json.loads(done.stdout)
    events = [json.loads(event) for event in everything]
    numbers = [int(event["data"]["text"]) for event in events]
    ids = [parse_id(event["id"]) for event in events]
    assert sorted(numbers) == list(range(1000))
    assert ids == sorted(set(ids))
    assert all(_grows(numbers[k] for k in range(1000) if numbers[k] % 3 == n) for n in range(3))
    by_room = {
        room: [raw for raw, event in zip(everything, events, strict=True) if event["room"] == room]
        for room in ROOMS
    }
    assert len(others) == 299
    for heard in others:
        assert heard in (everything, *by_room.values())


def _grows(numbers: Iterable[int]) -> bool:
    listed = list(numbers)
    return listed == sorted(listed)


async def here(connection: ClientConnection, *names: str) -> None:
    """Wait until these users are in the room."""
    async with asyncio.timeout(WAIT):
        while [each["name"] for each in (await hear(connection, "presence"))["here"]] != [*names]:
            pass


@pytest.mark.feature("AP6")
async def test_workers_of_one_crm_serve_share_everything(
    company: Company,
) -> None:
    """And when one is killed, the others serve, and another one takes its place."""
    site = Site(company.folder, CRM_WORKERS="2", **company.settings)
    async with AsyncExitStack() as stack:
        stack.callback(site.kill)
        await asyncio.to_thread(site.start)
        sockets = [
            await stack.enter_async_context(connected(site, company.token)) for _ in range(12)
        ]
        for socket in sockets:
            await subscribe(socket, "account:1")
        assert await asyncio.to_thread(_move_account, site, company.token, "Oslo") == 200
        for socket in sockets:
            assert (await hear(socket, "event"))["room"] == "account:1"

        before = site.workers
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        async with asyncio.timeout(WAIT):
            while len(site.workers) < 2 or before[0] in site.workers:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert before[1] in site.workers
        assert await asyncio.to_thread(_move_account, site, company.token, "Bergen") == 200
        alive = [socket for socket in sockets if not await is_closed(socket)]
        for socket in alive:
            assert (await hear(socket, "event"))["room"] == "account:1"

        assert await asyncio.to_thread(site.stop) == 0
        for socket in alive:
            with pytest.raises(ConnectionClosed) as closed:
                await hear(socket, "nothing")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012


async def is_closed(socket: ClientConnection) -> bool:
    """Whether the other side has gone; a ping would not come back."""
    try:
        await asyncio.wait_for(await socket.ping(), WAIT)
    except ConnectionClosed:
        return True
    return False


async def test_people_of_a_killed_process_are_gone_within_15_seconds(company: Company) -> None:
    doomed, site, _ = company.sites
    async with connected(site, company.token) as ada, connected(doomed, company.other_token) as uma:
        await subscribe(ada, "team")
        await subscribe(uma, "team", doing="editing")
        await here(ada, "Ada Anker", "Uma Usher")

        killed = time.monotonic()
        await asyncio.to_thread(doomed.kill)
        await here(ada, "Ada Anker")

        assert time.monotonic() - killed < 15
    await asyncio.to_thread(doomed.start)


async def test_every_order_of_a_killed_process_has_an_event_or_a_gap(company: Company) -> None:
    """It is killed at a random moment under load, again and again.

    An order can be committed and its event not yet be published, so the gap must come each time.
    """
    doomed, site, _ = company.sites
    chance = random.Random(11)  # noqa: S311 - the same moments each time, as far as a machine can
    async with connected(site, company.token) as ada:
        await subscribe(ada, "orders")
        for _ in range(2):
            placed: list[str] = []
            ordering = [asyncio.create_task(_order_until_killed(doomed, company.token, placed))]
            while len(placed) < 3:  # noqa: ASYNC110 - the answers tell
                await asyncio.sleep(0.02)
            await asyncio.sleep(chance.uniform(0, 0.3))
            await asyncio.to_thread(doomed.kill)
            await asyncio.gather(*ordering)

            seen: set[str] = set()
            is_gap = False
            while not (is_gap and seen & set(placed)):  # an earlier kill has a gap of its own
                message = await hear(ada, "event", "gap")
                is_gap = message["type"] == "gap"
                seen.add(message.get("data", {}).get("number"))
            await asyncio.to_thread(doomed.start)


async def _order_until_killed(site: Site, token: str, placed: list[str]) -> None:
    """Place orders one after the other; write down those that were acknowledged."""
    body = {"account_id": 1, "currency": "EUR", "lines": [{"good_id": 1, "quantity": 1}]}
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=site.url, headers=headers, timeout=WAIT) as client:
        while True:
            try:
                answer = await client.post("/api/v1/orders", json=body)
            except httpx.TransportError:
                return
            assert answer.status_code == 201, answer.text
            placed.append(answer.json()["number"])


async def test_who_comes_back_to_another_process_misses_nothing(company: Company) -> None:
    one, other, third = company.sites
    async with connected(one, company.token) as ada:
        async with connected(other, company.other_token) as uma:
            for connection in (ada, uma):
                await subscribe(connection, "orders")
            await say(ada, type="say", room="orders", text="seen")
            since = (await hear(uma, "event"))["id"]
        for text in ("missed", "this", "too"):
            await say(ada, type="say", room="orders", text=text)
            await hear(ada, "event")
        async with connected(third, company.other_token) as uma:
            await say(uma, type="subscribe", room="orders", since=since)
            told = [await hear(uma, "event", "gap", "subscribed") for _ in range(4)]

    assert [message.get("data", {}).get("text") for message in told] == [
        *("missed", "this", "too"),
        None,
    ]
    assert told[3]["replayed"] == 3


class Browser:
    """Somebody who signs in and out on pages."""

    def __init__(self) -> None:
        self._cookies = http.cookiejar.CookieJar()
        handler = urllib.request.HTTPCookieProcessor(self._cookies)
        self._opener = urllib.request.build_opener(handler)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)

    def post(self, site: Site, page: str, path: str, **fields: str) -> None:
        """Post a form with the token that a page shows."""
        with self._opener.open(f"{site.url}{page}") as answer:
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.read().decode())
        assert found
        data = urllib.parse.urlencode(fields | {"csrf_token": found[1]}).encode()
        self._opener.open(f"{site.url}{path}", data).close()


async def test_signing_out_on_one_process_ends_the_socket_on_another(company: Company) -> None:
    one, other, _ = company.sites
    browser = Browser()
    fields = {"email": "user@quarterdeck.example", "password": PASSWORD}
    await asyncio.to_thread(browser.post, one, "/auth/login", "/auth/login", **fields)

    async with connected(other, Cookie=browser.cookie, Origin=other.url) as connection:
        await subscribe(connection, "orders")
        await asyncio.to_thread(browser.post, one, "/", "/auth/logout")

        async with asyncio.timeout(5):
            with suppress(ConnectionClosed):
                while True:
                    await connection.recv()

    assert connection.close_code == 4401


async def test_ready_names_live_while_redis_is_away(company: Company) -> None:
    """Pages go on to work meanwhile."""
    site = company.sites[0]
    company.redis.freeze()
    try:
        status, answer = await asyncio.to_thread(_ready, site)
        assert (status, answer["down"]) == (503, ["live"])
        browser = Browser()
        fields = {"email": "user@quarterdeck.example", "password": PASSWORD}
        await asyncio.to_thread(browser.post, site, "/auth/login", "/auth/login", **fields)
    finally:
        company.redis.thaw()
    await asyncio.to_thread(_wait_until_ready, site)


@pytest.mark.hazard("Redis listeners die for good on a 1 s outage")
async def test_a_change_is_saved_while_redis_is_frozen_and_told_afterwards(
    company: Company,
) -> None:
    one, other, _ = company.sites
    cities = [f"Port {number}" for number in range(10)]
    async with connected(other, company.token) as ada:
        await subscribe(ada, "account:1")
        company.redis.freeze()
        try:
            began = time.monotonic()
            for city in cities:
                assert await asyncio.to_thread(_move_account, one, company.token, city) == 200
            seconds = time.monotonic() - began
        finally:
            company.redis.thaw()
        told = [(await hear(ada, "event"))["data"] for _ in cities]

    assert seconds < 8, "one of the ten waits for a second, not each"
    versions = [data["version"] for data in told]
    assert versions == list(range(versions[0], versions[0] + len(cities)))


def _move_account(site: Site, token: str, city: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "If-Match": "*"}
    headers["Content-Type"] = "application/merge-patch+json"
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=WAIT)
    connection.request("PATCH", "/api/v1/accounts/1", json.dumps({"city": city}), headers)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def _wait_until_ready(site: Site) -> None:
    deadline = time.monotonic() + WAIT
    while _ready(site)[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _ready(site: Site) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=WAIT)
    connection.request("GET", "/health/ready")
    answer = connection.getresponse()
    try:
        return answer.status, json.load(answer)
    finally:
        connection.close()
