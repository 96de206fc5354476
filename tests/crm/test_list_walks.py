"""Lists that change while a user turns their pages: no row is missed, none is shown twice."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.sqlalchemy import Keys
from quarterdeck_crm.accounts.services import SORTS as ACCOUNT_SORTS
from quarterdeck_crm.accounts.services import list_accounts
from quarterdeck_crm.api.pagination import MAX_CURSOR
from quarterdeck_crm.extensions import db
from quarterdeck_crm.goods.services import SORTS as GOOD_SORTS
from quarterdeck_crm.goods.services import list_goods
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Contact, Good, Order, OrderState, Person, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.orders import queries
from quarterdeck_crm.orders.services import SORTS as ORDER_SORTS
from quarterdeck_crm.people.services import SORTS as PERSON_SORTS
from quarterdeck_crm.people.services import list_people
from quarterdeck_crm.team.services import SORTS as USER_SORTS
from tests import databases

from .conftest import Auth
from .plans import asked, is_wasteful, plan
from .trading import Trade

pytestmark = [pytest.mark.feature("D4"), pytest.mark.timeout(120)]

API = "/api/v1"
NAMES = ("Oak", "oak", "Anchor", "Ähre", "Zinc", "Lamp", "Lamp", "Rope", "Tea")
PER_PAGE = 3


@dataclass(frozen=True)
class Walk:
    """A list that is read from its first page to its last.

    Attributes:
        model: The model of its rows.
        sorts: The keys that it can be sorted by.
        make: Makes a row from a number and the ids of possible owners.
        path: Where it is.
    """

    model: type[Any]
    sorts: Iterable[str]
    make: Callable[[int, Sequence[int]], Any]
    path: str


def an_account(n: int, owners: Sequence[int]) -> Account:
    place = None if n % 2 else NAMES[n % 4]
    return Account(
        name=NAMES[n % len(NAMES)],
        code=f"C{n}" if n % 3 else None,
        city=place,
        country=place,
        owner_id=owners[n % len(owners)] if n % 3 else None,
    )


def a_person(n: int, owners: Sequence[int]) -> Person:
    return Person(name=NAMES[n % len(NAMES)])


def a_good(n: int, owners: Sequence[int]) -> Good:
    return Good(
        name=NAMES[n % len(NAMES)],
        code=f"G{n}",
        category=None if n % 2 else NAMES[n % 4],
        price=Decimal(n % 4),
        currency="EUR",
        stock=n % 3,
    )


def an_order(n: int, owners: Sequence[int]) -> Order:
    return Order(
        number=f"Q{n:06}",
        account_id=1 + n % 4,
        owner_id=owners[n % len(owners)] if n % 3 else None,
        ordered_on=date(2026, 1, 1 + n % 5),
        currency="EUR",
        net=Decimal(n % 4),
        state=[OrderState.DRAFT, OrderState.CONFIRMED, OrderState.SHIPPED][n % 3],
    )


def a_user(n: int, owners: Sequence[int]) -> User:
    return User(
        email=f"w{n * 7 % 10}.{n}@example.com",
        name=NAMES[n % len(NAMES)],
        department=None if n % 2 else NAMES[n % 4],
        password_hash="none",
    )


async def add(session: AsyncSession, walk: Walk, numbers: Iterable[int]) -> None:
    owners = (await session.scalars(select(User.id).where(User.email.like("w%")))).all()
    session.add_all(walk.make(n, owners) for n in numbers)


async def remove(session: AsyncSession, row: Any) -> None:
    """Take a row off the list: accounts, people and goods are archived, others deleted."""
    if isinstance(row, Account | Good | Person):
        archived = update(type(row)).values(archived_at=utc_now())
        await session.execute(archived.where(type(row).id == row.id))
    else:
        await session.execute(delete(type(row)).where(type(row).id == row.id))


WALKS = {
    "accounts": Walk(Account, ACCOUNT_SORTS.keys() - {"orders"}, an_account, f"{API}/accounts?"),
    "goods": Walk(Good, GOOD_SORTS, a_good, f"{API}/goods?"),
    "people": Walk(Person, PERSON_SORTS, a_person, f"{API}/people?"),
    "orders": Walk(Order, ORDER_SORTS, an_order, f"{API}/orders?"),
    "open orders": Walk(Order, ORDER_SORTS, an_order, f"{API}/orders?state=open&"),
    "found orders": Walk(Order, ORDER_SORTS, an_order, f"{API}/orders?q=q&"),
    "page of accounts": Walk(Account, ["name"], an_account, "/accounts/?"),
    "page of goods": Walk(Good, ["name"], a_good, "/goods/?"),
    "page of orders": Walk(Order, ["date", "account"], an_order, "/orders/?"),
    "page of the team": Walk(User, USER_SORTS, a_user, "/team/?q=example&"),
}


async def read(browser: Auth, path: str) -> tuple[list[int], str | None]:
    """Return the ids of a page of a list, of the API or not, and the path of the next."""
    response = await browser.get(path)
    assert response.status_code == 200, path
    if path.startswith(API):
        found = await response.get_json()
        return [item["id"] for item in found["items"]], found["links"]["next"]
    text = await response.get_data(as_text=True)
    ids = [int(id_) for id_ in re.findall(r'class="row-link" href="[^"]*?(\d+)"', text)]
    after = re.search(r'<a href="([^"]*)" rel="next"', text)
    return ids, path.partition("?")[0] + html.unescape(after[1]) if after else None


async def walk_through(
    browser: Auth, path: str, change: Callable[[list[int]], Awaitable[None]]
) -> list[int]:
    """Return all ids that a list shows to a user that follows its links, while it changes."""
    seen: list[int] = []
    following: str | None = path
    while following:
        ids, following = await read(browser, following)
        seen += ids
        await change(seen)
    return seen


async def present(session: AsyncSession, model: type[Any]) -> dict[int, Any]:
    """Return the rows of a list by their ids."""
    shown = select(model)
    if model in (Account, Good, Person):
        shown = shown.where(model.archived_at.is_(None))
    return {row.id: row for row in await session.scalars(shown)}


@pytest.mark.parametrize("name", WALKS)
async def test_each_row_is_seen_once_while_others_come_and_go(
    as_admin: Auth, trade: Trade, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk, numbers = WALKS[name], iter(range(20, 1000))
    async with trade.session() as session:
        await add(session, WALKS["page of the team"], range(4))
        if walk.model is Order:
            await add(session, WALKS["accounts"], range(4))
        await add(session, walk, range(4, 13))

    async def change(seen: list[int]) -> None:
        """Remove the first row of the list, and add two; ids of removed rows come again."""
        async with trade.session() as session:
            here = await present(session, walk.model)
            removable = [id_ for id_ in seen if id_ in here and id_ not in (1, max(here))]
            if len(here) < 14:
                for id_ in removable[:1]:
                    await remove(session, here[id_])
                await add(session, walk, [next(numbers), next(numbers)])

    for limit in (10_000, PER_PAGE + 1) if walk.model is Order else (10_000,):
        monkeypatch.setattr(queries, "MAX_COUNTED", limit)
        for sort in [f"{sign}{sort}" for sort in walk.sorts for sign in ("", "-")]:
            async with trade.session() as session:
                before = await present(session, walk.model)
                for id_ in list(before)[9:]:
                    await remove(session, before.pop(id_))

            path = f"{walk.path}sort={sort}&per_page={PER_PAGE}"
            seen = await walk_through(as_admin, path, change)

            async with trade.session() as session:
                after = await present(session, walk.model)
            lasting = before.keys() & after.keys()
            assert len(seen) == len(set(seen)), (sort, limit)
            assert lasting <= set(seen), (sort, limit)


async def test_contacts_while_others_come_and_go(as_admin: Auth, trade: Trade) -> None:
    account = await trade.account()
    async with trade.session() as session:
        session.add_all(Contact(account_id=account.id, person=Person(name=name)) for name in NAMES)
    async with trade.session() as session:
        before = await present(session, Contact)

    async def change(seen: list[int]) -> None:
        async with trade.session() as session:
            here = await present(session, Contact)
            if len(here) > 6:
                await remove(session, here[next(id_ for id_ in seen if id_ in here)])

    path = f"{API}/accounts/{account.id}/contacts?per_page=2"
    seen = await walk_through(as_admin, path, change)

    assert len(seen) == len(set(seen))
    async with trade.session() as session:
        assert before.keys() & (await present(session, Contact)).keys() <= set(seen)


async def test_accounts_by_open_orders_have_page_numbers(as_admin: Auth, trade: Trade) -> None:
    for _ in range(3):
        await trade.account()

    _, following = await read(as_admin, f"{API}/accounts?sort=orders&per_page=1")

    assert following == f"{API}/accounts?sort=orders&per_page=1&page=2"


UNINDEXED = {("accounts", "owner"), ("accounts", "orders")}
# The details of the rows of one page are few, so they may be sorted.
OF_A_PAGE = re.compile(r"WHERE \w+\.person_id IN")
# Accounts without a code come last, and MariaDB sorts these by id.
SORTED = {("accounts", "code", True)}


async def test_lists_of_accounts_people_and_goods_are_read_from_indexes(trade: Trade) -> None:
    async with trade.session() as session:
        session.add_all(an_account(n, []) for n in range(0, 6000, 3))
        session.add_all(a_good(n, []) for n in range(2000))
        session.add_all(a_person(n, []) for n in range(2000))
    wasteful = {}
    async with trade.app.app_context():
        if not databases.is_sqlite():
            async with db.engine.connect() as connection:
                await connection.exec_driver_sql("ANALYZE TABLE account, good, person")
        lists: dict[str, tuple[Any, Any]] = {
            "accounts": (list_accounts, ACCOUNT_SORTS),
            "goods": (list_goods, GOOD_SORTS),
            "people": (list_people, PERSON_SORTS),
        }
        for name, (read_list, sorts) in lists.items():
            for sort in [sort for sort in sorts if (name, sort) not in UNINDEXED]:
                for down in (False, True):
                    listing = Listing(sort=sort, descending=down, page=50)
                    after = (await read_list(db.session, listing=listing)).after
                    with asked() as statements:
                        await read_list(db.session, listing=replace(listing, after=after))
                    plans = {text: await plan(text, values) for text, values in statements}
                    bad = {
                        text: steps
                        for text, steps in plans.items()
                        if is_wasteful(steps) and not OF_A_PAGE.search(text)
                    }
                    if bad and (name, sort, down) not in SORTED:
                        wasteful[name, sort, down] = bad
    assert wasteful == {}


@pytest.mark.parametrize("path", ["/accounts", "/orders"])
async def test_a_page_after_the_last_row_is_empty(as_admin: Auth, trade: Trade, path: str) -> None:
    accounts = [await trade.account(name=name) for name in "AB"]
    orders = [await trade.order(account=account) for account in accounts]
    where = f"{path}/?per_page=1&sort={'name' if path == '/accounts' else 'account'}"
    _, following = await read(as_admin, where)
    assert following
    async with trade.session() as session:
        await remove(session, orders[1])
        await remove(session, accounts[1])

    text = await (await as_admin.get(following)).get_data(as_text=True)

    assert "No more" in text
    assert "First page" in text


@pytest.mark.parametrize("path", ["/accounts?", "/goods?", "/orders?state=open&", "/orders?q=q&"])
@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0"])
async def test_an_invalid_cursor_is_not_found(as_admin: Auth, path: str, cursor: str) -> None:
    for name in ("after", "before"):
        response = await as_admin.get(f"{API}{path}{name}={cursor}")
        assert response.status_code == 404, name


@pytest.mark.parametrize(
    ("sorts", "model"),
    [(ACCOUNT_SORTS, Account), (GOOD_SORTS, Good), (ORDER_SORTS, Order)],
    ids=["accounts", "goods", "orders"],
)
def test_the_longest_cursor_is_within_the_limit_of_the_api(sorts: Any, model: Any) -> None:
    for key, columns in sorts.items():
        keys = Keys([*columns] if isinstance(columns, tuple) else [columns, model.id])
        longest = keys.cursor([widest(column.type) for column in keys.columns])
        assert len(longest) <= MAX_CURSOR, key


def widest(type_: Any) -> Any:
    """Return the value of a column that takes most space in a cursor."""
    kind = type_.python_type
    if issubclass(kind, str):
        return "\U0001f6a2" * (getattr(type_, "length", None) or 200)
    return {int: 2**63 - 1, Decimal: "9" * 18 + "." + "9" * 6}.get(kind, utc_now())
