"""Lists of very many orders are read from an index, whatever they are filtered and sorted by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import or_, select

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm import create_app
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Order, OrderState
from quarterdeck_crm.orders import day_ranges, queries
from quarterdeck_crm.orders.services import FILTERS, SORTS, STATES, list_orders
from quarterdeck_crm.orders.shapes import OrderRow
from tests import databases

from .many import make_orders
from .plans import asked, is_wasteful, plan, reads_all

pytestmark = [pytest.mark.feature("D4"), pytest.mark.timeout(180)]

FEW, MANY = 100, 60_000
NUMBERS = ("uq_order_number_key", "sqlite_autoindex_order_1")  # the index, by database
COUNTED = 60  # of the few, in the place of 10,000
# What the pages filter by; each kind of answer is among them: nothing, few, and very many.
CASES: tuple[dict[str, str], ...] = (
    {},
    {"state": "open"},
    {"state": "paid"},
    {"state": "draft"},
    {"state": "sold", "currency": "EUR", "date_from": "2020-03-01"},
    {"currency": "XXX"},
    {"account": "7"},
    {"owner": "3"},
    {"owner": "3", "state": "open"},
    {"owner": "3", "state": "paid"},
    {"account": "7", "state": "paid"},
    {"account": "7", "owner": "3", "state": "open"},
    {"q": "wool"},
    {"q": "q0000"},
    {"q": "ltd q0001"},
    {"q": "oak harb", "state": "paid"},
    {"q": "nobody"},
    {"date_from": "1990-01-01", "date_to": "2030-01-01"},
    {"date_from": "2021-03-01"},
    {"date_from": "2020-03-01", "date_to": "2023-01-31", "owner": "3"},
    {"date_to": "2025-05-31", "state": "open"},
    {"net_from": "10", "net_to": "60000"},
    {"net_from": "50000", "account": "7"},
    {"owner": "none"},
)


def without_q(case: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in case.items() if name != "q"}


LISTS = [
    Listing(sort=sort, descending=descending, q=case.get("q", ""), filters=without_q(case))
    for case in CASES
    for sort in SORTS
    for descending in (False, True)
]
# Each case and sort in one direction, both directions of each case and of each sort. To follow all
# their links takes thousands of statements, which a server answers one after the other.
WALKED = [listing for place, listing in enumerate(LISTS) if (place // 2 + place // 12 + place) % 2]


def make_app(folder: Path) -> Quart:
    return create_app("testing", INSTANCE=str(folder), DATABASE_URL=databases.uri(folder))


@pytest.fixture(scope="module")
def many_orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database with very many orders."""
    folder = tmp_path_factory.mktemp("many")
    asyncio.run(fill(make_app(folder), MANY))
    return folder


@pytest.fixture
def many(many_orders: Path) -> Quart:
    return make_app(many_orders)


@pytest.fixture
def few(tmp_path: Path) -> Quart:
    asyncio.run(fill(make_app(tmp_path), FEW))
    return make_app(tmp_path)


async def fill(app: Quart, orders: int) -> None:
    async with opened(app):
        await db.create_database()
        await db.create_all()
        await make_orders(orders)


@asynccontextmanager
async def opened(app: Quart) -> AsyncIterator[None]:
    async with app.test_app(), app.app_context():
        yield


async def test_no_list_reads_or_sorts_a_whole_table(
    many: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_COUNTED", 1_000)
    wasteful = {}
    async with opened(many):
        for listing in LISTS:
            with asked() as statements:
                await list_orders(db.session, listing=listing)
            plans = {text: await plan(text, values) for text, values in statements}
            is_filtered = bool(listing.q or listing.filters)
            if any(
                is_wasteful(steps) or (is_filtered and "count(" in text and reads_all(steps))
                for text, steps in plans.items()
            ):
                wasteful[str(listing)] = plans
    assert wasteful == {}


async def test_days_by_number_read_an_index_of_the_days(
    many: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first 12,000 numbers are of earlier days, and the last ones of later days."""
    monkeypatch.setattr(queries, "MAX_COUNTED", 1_000)
    days = {"date_from": "2021-02-04", "date_to": "2024-03-01"}
    async with opened(many):
        for descending in (False, True):
            listing = Listing(sort="number", descending=descending, filters=days, per_page=50)
            with asked() as statements:
                page = await list_orders(db.session, listing=listing)
            assert len(page.items) == listing.per_page
            plans = [" ".join(await plan(text, values)) for text, values in statements]
            by_number = [steps for steps in plans if any(name in steps for name in NUMBERS)]
            by_day = [steps for steps in plans if day_ranges.INDEX in steps]
            assert len(by_number) == 1, "the first numbers, up to WINDOW"
            assert len(by_day) == 3, "the days, and the two that fill the page"


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"state": "paid"}, "ix_order_state_order_ordered_on"),
        ({"state": "sold"}, "ix_order_state_order_ordered_on"),
        ({"owner": "3"}, "ix_order_owner_id_order_ordered_on"),
        ({"owner": "3", "state": "paid"}, "ix_order_owner_id_order_state_order_ordered_on"),
        ({"state": "sold", "currency": "EUR"}, "ix_order_currency_order_state_order_ordered_on"),
    ],
)
async def test_days_with_other_filters_by_number_read_the_index_of_the_filters(
    many: Quart, monkeypatch: pytest.MonkeyPatch, filters: dict[str, str], index: str
) -> None:
    monkeypatch.setattr(queries, "MAX_COUNTED", 50)
    days = {"date_from": "2021-02-04", "date_to": "2024-03-01"}
    async with opened(many):
        for descending in (False, True):
            listing = Listing(sort="number", descending=descending, filters=filters | days)
            with asked() as statements:
                page = await list_orders(db.session, listing=listing)
            assert len(page.items) == listing.per_page
            plans = [" ".join(await plan(text, values)) for text, values in statements]
            by_number = [steps for steps in plans if any(name in steps for name in NUMBERS)]
            of_days = [
                steps
                for (text, _), steps in zip(statements, plans, strict=True)
                if index in steps and "count(" not in text
            ]
            assert len(by_number) == 1, "the first numbers, up to FILTERED_WINDOW"
            assert 1 <= len(of_days) <= 4, "the groups of days that fill the page"


async def test_every_list_is_whole_and_in_order(
    few: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Follow the links of the pages to the end, and back to the first."""
    monkeypatch.setattr(queries, "MAX_COUNTED", COUNTED)
    monkeypatch.setattr(queries, "WINDOW", 41)
    monkeypatch.setattr(queries, "FILTERED_WINDOW", 41)
    monkeypatch.setattr(day_ranges, "MAX_DAYS", 8)
    async with opened(few):
        for listing in WALKED:
            forth = await follow(replace(listing, per_page=20), 1)
            found = [order for page in forth for order in page]
            assert {order.id for order in found} == await matching_ids(listing), listing
            assert len({order.id for order in found}) == len(found), listing
            keys = [KEYS[listing.sort](order) for order in found]
            assert keys == sorted(keys, reverse=listing.descending), listing
            total, first = len(found), forth[0]
            assert (first.total, first.is_total_exact) == (min(total, COUNTED), total <= COUNTED)
            back = await follow(replace(listing, per_page=20), -1, forth[-1])
            assert [page.items for page in back[::-1]] == [page.items for page in forth[:-1]]


KEYS: dict[str, Callable[[OrderRow], Any]] = {
    "number": lambda order: order.number,
    "date": lambda order: (order.ordered_on, order.id),
    "account": lambda order: order.account.name.lower(),
    "owner": lambda order: order.owner.name.lower() if order.owner else "",
    "net": lambda order: (order.net, order.id),
    "state": lambda order: (order.state.value, order.ordered_on, order.id),
}


async def follow(
    listing: Listing, step: int, page: Pagination[OrderRow] | None = None
) -> list[Pagination[OrderRow]]:
    """Return the pages to which the links of the pager lead, beginning with the first page."""
    found = []
    if page is None:
        page = await list_orders(db.session, listing=listing)
        found.append(page)
    while page.has_next if step > 0 else page.has_prev:
        asked = listing.args(**listing.beside(page, step))
        listing = Listing.from_args(
            {name: str(value) for name, value in asked.items()},
            sorts=SORTS,
            default="",
            filters=FILTERS,
        )
        page = await list_orders(db.session, listing=listing)
        found.append(page)
    return found


async def matching_ids(listing: Listing) -> set[int]:
    """Return the ids of the orders that a list should have."""
    filters = listing.filters
    statement = select(Order.id).join(Order.account)
    for word in listing.q.split():
        # The names are of single words and the numbers of one, so this is the same.
        begins = (" " + Account.name).ilike(f"% {word}%")
        statement = statement.where(or_(Order.number.ilike(f"{word}%"), begins))
    if state := filters.get("state"):
        states = STATES.get(state) or (OrderState(state),)
        statement = statement.where(Order.state.in_(states))
    if currency := filters.get("currency"):
        statement = statement.where(Order.currency == currency)
    for name, column in (("account", Order.account_id), ("owner", Order.owner_id)):
        if name in filters:
            value = filters[name]
            statement = statement.where(column == (None if value == "none" else int(value)))
    ranges: tuple[tuple[str, Any, Callable[[str], Any]], ...] = (
        ("date", Order.ordered_on, date.fromisoformat),
        ("net", Order.net, Decimal),
    )
    for name, ranged, read in ranges:
        if first := filters.get(f"{name}_from"):
            statement = statement.where(ranged >= read(first))
        if last := filters.get(f"{name}_to"):
            statement = statement.where(ranged <= read(last))
    return set(await db.session.scalars(statement))
