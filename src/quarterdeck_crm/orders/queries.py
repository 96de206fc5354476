"""How a page out of a million orders is found without sorting them.

A list is read in its order from an index where there is one for the filters and the sort
together. Where there is none, the orders that match are counted up to ``MAX_COUNTED``: so
few are sorted; if there are more, the index of the sort alone is read until the page is
full, which does not take long because so many match. An exception are the numbers of a range
of days, also together with a state, an owner or an account: see ``day_ranges``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    select,
    union,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.exceptions import BadCursorError
from quarterdeck.sqlalchemy import Keys, Pagination
from quarterdeck_crm.errors import NoSuchPageError
from quarterdeck_crm.listing import MAX_COUNTED, NO_SUCH_PAGE, Listing, require_page
from quarterdeck_crm.models import Account, Order, User
from quarterdeck_crm.search.conditions import ordering

from .day_ranges import DayRange
from .filters import PREPARED, Filter
from .hints import MYSQL, forced, straight
from .shapes import Shape

T = TypeVar("T")

WINDOW = 1_000  # orders that are read by number before the days of a range are
# The same where other filters apply: more than ``MAX_COUNTED`` of a million match.
FILTERED_WINDOW = 5_000
SORTS: dict[str, tuple[Any, ...]] = {
    "number": (Order.number_key,),
    "date": (Order.ordered_on, Order.id),
    "account": (Account.name_key, Account.id, Order.ordered_on, Order.id),
    "owner": (
        func.coalesce(User.name_key, ""),
        func.coalesce(User.id, 0),
        Order.ordered_on,
        Order.id,
    ),
    "net": (Order.net, Order.id),
    "state": (Order.state, Order.ordered_on, Order.id),
}
BY_NAME = ("account", "owner")  # sorts by a column of another table
# By the filters in use: the sorts that have an index, which begins with the columns filtered by.
INDEXES: dict[tuple[str, ...], dict[str, str]] = {
    (): {
        "number": "uq_order_number_key",
        "date": "ix_order_ordered_on",
        "net": "ix_order_net",
        "state": "ix_order_state_order_ordered_on",
    },
    ("account",): {"date": "ix_order_account_id_order_ordered_on"},
    ("account", "date"): {"date": "ix_order_account_id_order_ordered_on"},
    ("currency", "date", "state"): {"date": "ix_order_currency_order_state_order_ordered_on"},
    ("currency", "state"): {"date": "ix_order_currency_order_state_order_ordered_on"},
    ("date",): {"date": "ix_order_ordered_on"},
    ("date", "owner"): {"date": "ix_order_owner_id_order_ordered_on"},
    ("date", "owner", "state"): {"date": "ix_order_owner_id_order_state_order_ordered_on"},
    ("date", "state"): {"date": "ix_order_state_order_ordered_on"},
    ("date", "unowned"): {"date": "ix_order_owner_id_order_ordered_on"},
    ("net",): {"net": "ix_order_net"},
    ("unowned",): {"date": "ix_order_owner_id_order_ordered_on"},
    ("owner",): {"date": "ix_order_owner_id_order_ordered_on"},
    ("owner", "state"): {"date": "ix_order_owner_id_order_state_order_ordered_on"},
    ("state",): {
        "date": "ix_order_state_order_ordered_on",
        "number": "ix_order_state_order_number_key",
    },
}


async def find_orders(
    session: AsyncSession, *, listing: Listing, wanted: Filter, shape: Shape[T]
) -> Pagination[T]:
    """Return a page of orders.

    Raises:
        NoSuchPageError: If the list ends before this page.
    """
    sort = _simplified(listing.sort, wanted)
    if sort in BY_NAME and not listing.after:
        listing = replace(listing, before=None)  # such pages offer none, see ``_read_by_name``
    index = INDEXES.get(wanted.names, {}).get(sort)
    matches = None if index or not wanted.names else await _count(session, wanted)
    try:
        if index and len(wanted.states) > 1:
            page = await _merge(session, listing, sort, wanted, shape)
        elif index and not (listing.is_beside or _is_deep(listing)):
            page, matches = await _read_prepared(session, listing, sort, wanted, shape)
        elif index:
            page = await _read(session, listing, sort, wanted.conditions(), index, shape)
        elif matches is not None and matches <= MAX_COUNTED:
            page = await _sort(session, listing, sort, wanted, shape)
        else:
            unindexed = wanted.conditions(indexed=False)
            if sort in BY_NAME:
                page = await _read_by_name(session, listing, sort, unindexed, shape)
            elif sort == "number" and _has_days(wanted) and _wanted(listing) <= WINDOW:
                page = await _read_days(session, listing, wanted, shape)
            else:
                index = INDEXES[()][sort]
                page = await _read(session, listing, sort, unindexed, index, shape)
    except BadCursorError:
        raise NoSuchPageError(NO_SUCH_PAGE) from None
    if matches is None and listing.is_counted:
        is_last = not (page.has_next or listing.is_beside)
        matches = page.last if is_last else await _count(session, wanted)
    if matches is not None:
        page.total, page.is_total_exact = min(matches, MAX_COUNTED), matches <= MAX_COUNTED
    return page


def _simplified(sort: str, wanted: Filter) -> str:
    """Return the sort that is left where a filter makes all values of the first column equal."""
    is_one = {
        "account": wanted.account_id,
        "owner": wanted.owner_id or wanted.is_unowned,
        "state": len(wanted.states) == 1,
    }
    return "date" if is_one.get(sort) else sort


async def _count(session: AsyncSession, wanted: Filter) -> int:
    """Return how many orders match, at most one more than ``MAX_COUNTED``."""
    if wanted.words:
        few = _few(wanted).subquery()
        return await session.scalar(select(func.count()).select_from(few)) or 0
    counted = _counted(wanted.names, MAX_COUNTED)
    return await session.scalar(counted, wanted.values) or 0


@lru_cache
def _counted(names: tuple[str, ...], most: int) -> Select[int]:
    """Return the statement that counts the orders of some filters."""
    few = select(Order.id).where(*(PREPARED[name] for name in names)).limit(most + 1)
    up_to_most = select(func.count()).select_from(few.subquery())
    if names:
        return up_to_most
    # Where all ids are small there are few orders. To count all is quick then: SQLite adds up
    # the lengths of its pages.
    highest = select(func.max(Order.id)).correlate(None).scalar_subquery()
    every = select(func.count()).select_from(Order).correlate(None).scalar_subquery()
    is_small = highest <= 2 * most
    return select(case((is_small, every), else_=up_to_most.scalar_subquery()))


def _few(wanted: Filter) -> Select[int]:
    """Return the ids of the orders that match, as many as are counted."""
    few = select(Order.id).where(*wanted.conditions()).limit(MAX_COUNTED + 1)
    if not wanted.words:
        return few
    ways = [few.where(*search).subquery() for search in wanted.searches()]
    merged = union(*(select(way.c.id) for way in ways)).subquery()
    return select(merged.c.id).limit(MAX_COUNTED + 1)


async def _read_prepared(
    session: AsyncSession, listing: Listing, sort: str, wanted: Filter, shape: Shape[T]
) -> tuple[Pagination[T], int | None]:
    """Read an index in its order, with a statement that is built once.

    Returns:
        The page, and how many orders match; None if the page is empty.
    """
    statement = _prepared(sort, listing.descending, wanted.names, shape)
    per_page = listing.per_page
    limits = {"most": per_page + 1, "skipped": (listing.page - 1) * per_page}
    found = (await session.execute(statement, wanted.values | limits)).all()
    return _as_page(listing, sort, shape, found), found[0].matches if found else None


@lru_cache
def _prepared(
    sort: str, descending: bool, names: tuple[str, ...], shape: Shape[Any]
) -> Select[Any]:
    conditions = (PREPARED[name] for name in names)
    # Counted in the same statement: another one costs more than the count itself.
    matches = _counted(names, MAX_COUNTED).scalar_subquery().label("matches")
    rows = _rows(shape, sort).add_columns(matches)
    statement = rows.where(*conditions).order_by(*_keys(sort, descending).by)
    limited = statement.limit(bindparam("most", type_=Integer))
    return forced(limited.offset(bindparam("skipped", type_=Integer)), Order, INDEXES[names][sort])


async def _read(
    session: AsyncSession,
    listing: Listing,
    sort: str,
    conditions: Sequence[ColumnElement[bool]],
    index: str,
    shape: Shape[T],
) -> Pagination[T]:
    """Read an index in its order until the page is full."""
    if _is_deep(listing) and not listing.is_beside:
        # A deep page number was typed: the skipped rows are read from the index alone.
        ids = select(Order.id).where(*conditions).order_by(*_keys(sort, listing.descending).by)
        return await _load(session, listing, sort, shape, forced(ids, Order, index))
    rows = forced(_rows(shape, sort).where(*conditions), Order, index)
    rows = _beside(session, rows, _keys(sort, listing.descending), listing).limit(
        listing.per_page + 1
    )
    if not listing.is_beside:
        rows = rows.offset((listing.page - 1) * listing.per_page)
    return _as_page(listing, sort, shape, (await session.execute(rows)).all())


def _is_deep(listing: Listing) -> bool:
    return listing.page * listing.per_page > MAX_COUNTED


async def _read_days(
    session: AsyncSession, listing: Listing, wanted: Filter, shape: Shape[T]
) -> Pagination[T]:
    """Read orders of a range of days by number.

    If enough of the first numbers match, these alone are read.
    """
    keys, most, is_back = _keys("number", listing.descending), _wanted(listing), _is_back(listing)
    first, last = wanted.values["first_day"], wanted.values["last_day"]
    columns: Sequence[Any] = (Order.id, Order.number_key, Order.ordered_on)
    numbers = select(*columns)
    others = replace(wanted, days=None)
    size = FILTERED_WINDOW if others.names else WINDOW
    numbers = _beside(session, numbers, keys, listing).limit(size)
    window = forced(numbers, Order, INDEXES[()]["number"]).subquery()
    by = Keys(ordering(listing, window.c.number_key))
    nearest = select(window.c.id).where(window.c.ordered_on.between(first, last)).limit(most)
    if others.names:
        nearest = straight(nearest).join(Order, Order.id == window.c.id)
        nearest = nearest.where(*others.conditions(indexed=False))
    found = await session.scalars(nearest.order_by(*(by.turned() if is_back else by).by))
    ids = found.all()
    if len(ids) < most:
        cursor = listing.after or listing.before
        ids = await DayRange(
            first=first,
            last=last,
            descending=listing.descending != is_back,
            beyond=keys.values(cursor)[0] if cursor else None,
            filters=[way.conditions() for way in _ways(others)] if others.names else (),
            index=INDEXES[wanted.names]["date"],
        ).read(session, most)
    skipped = most - listing.per_page - 1
    return await _show(session, listing, "number", shape, ids[skipped:])


def _ways(wanted: Filter) -> list[Filter]:
    """Return a filter for each state, as an index serves one at a time."""
    return [replace(wanted, states=(state,)) for state in wanted.states] or [wanted]


def _has_days(wanted: Filter) -> bool:
    """Whether a range of days is a filter, and an index has all filters by day."""
    return wanted.days is not None and "date" in INDEXES.get(wanted.names, {})


def _wanted(listing: Listing) -> int:
    """Return how many orders are read for a page, with those before it and one after it."""
    return (1 if listing.is_beside else listing.page) * listing.per_page + 1


async def _sort(
    session: AsyncSession, listing: Listing, sort: str, wanted: Filter, shape: Shape[T]
) -> Pagination[T]:
    """Sort the few orders that match."""
    few = _few(wanted).subquery()
    ids = (
        straight(select(few.c.id))
        .join(Order, Order.id == few.c.id)
        .outerjoin(Order.account)
        .outerjoin(Order.owner)
    )
    ids = _beside(session, ids, _keys(sort, listing.descending), listing)
    return await _load(session, listing, sort, shape, ids)


async def _merge(
    session: AsyncSession, listing: Listing, sort: str, wanted: Filter, shape: Shape[T]
) -> Pagination[T]:
    """Read an index once for each state, and sort the results."""
    keys = _keys(sort, listing.descending)
    rows = select(Order.id, *(c for c in SORTS[sort] if c is not Order.id))
    heads = [
        _beside(session, rows.where(*one_state.conditions()), keys, listing)
        .limit(_wanted(listing))
        .subquery()
        for one_state in _ways(wanted)
    ]
    merged = union_all(*(select(head) for head in heads)).subquery()
    columns = ordering(listing, *(merged.c[column.key] for column in SORTS[sort]))
    way = Keys(columns).turned() if _is_back(listing) else Keys(columns)
    return await _load(session, listing, sort, shape, select(merged.c.id).order_by(*way.by))


async def _read_by_name(
    session: AsyncSession,
    listing: Listing,
    sort: str,
    conditions: Sequence[ColumnElement[bool]],
    shape: Shape[T],
) -> Pagination[T]:
    """Read accounts or users by name, and the orders of each from an index, oldest first.

    Orders without an owner are a part of their own, and behind a cursor so are those that are
    left of its name.

    MySQL sorts everything as soon as ORDER BY names columns of two tables. So there it names
    the first alone, and the orders of each come as the index has them.
    """
    model, column = (Account, Order.account_id) if sort == "account" else (User, Order.owner_id)
    index = f"ix_order_{column.key}_order_ordered_on"
    oldest = Keys([Order.ordered_on.asc(), Order.id.asc()])
    named = model.__table__.alias("named")
    names = Keys(ordering(listing, named.c.name_key, named.c.id))
    by = [*names.by] if _is_mysql(session) else [*names.by, *oldest.by]
    joined = and_(column == named.c.id, *conditions)
    ids = straight(select(Order.id)).select_from(named).join(Order, joined).order_by(*by)
    orders = forced(select(Order.id).where(*conditions).order_by(*oldest.by), Order, index)
    unowned = [orders.where(column.is_(None))] if sort == "owner" else []
    if listing.after is None:
        named_parts = [forced(ids, Order, index)]
        parts = [*named_parts, *unowned] if listing.descending else [*unowned, *named_parts]
        return await _load(session, listing, sort, shape, *parts)
    name, id_, *place = _keys(sort, listing.descending).values(listing.after)
    rows = not _is_mysql(session)
    parts = [orders.where(column == (id_ or None), oldest.beyond(place, rows=rows))]
    if id_:
        ids = ids.where(names.beyond([name, id_], rows=rows))
    if id_ or not listing.descending:
        parts.append(forced(ids, Order, index))
    if id_ and listing.descending:
        parts += unowned
    return await _load(session, listing, sort, shape, *parts)


async def _load(
    session: AsyncSession, listing: Listing, sort: str, shape: Shape[T], *parts: Select[int]
) -> Pagination[T]:
    """Return the page of the orders with these ids, in their order, one part after the other."""
    offset, most = (listing.page - 1) * listing.per_page, listing.per_page + 1
    if listing.is_beside:
        offset = 0
    found: list[int] = []
    for part in parts:
        ids = (await session.scalars(part.limit(most - len(found)).offset(offset))).all()
        found += ids
        if len(found) == most or part is parts[-1]:
            break
        # The part has ended: the rest of the offset applies to the next.
        offset = 0 if ids else offset - await _length(session, part, offset)
    return await _show(session, listing, sort, shape, found)


async def _show(
    session: AsyncSession, listing: Listing, sort: str, shape: Shape[T], found: Sequence[int]
) -> Pagination[T]:
    """Return the page of the orders with these ids, in this order."""
    shown = _rows(shape, sort).add_columns(Order.id.label("found_id")).where(Order.id.in_(found))
    rows = {row.found_id: row for row in await session.execute(shown)}
    return _as_page(listing, sort, shape, [rows[id_] for id_ in found if id_ in rows])


def _as_page(
    listing: Listing, sort: str, shape: Shape[T], found: Sequence[Row[Any]]
) -> Pagination[T]:
    """Return the page of some rows and one more, which stand in the opposite order before a cursor.

    Raises:
        NoSuchPageError: If the list ends before this page.
    """
    is_back, width = _is_back(listing), len(shape.columns)
    rows = found[: listing.per_page][:: -1 if is_back else 1]
    keys = _keys(sort, listing.descending)
    end = width + len(keys.columns)
    ends = [keys.cursor(row[width:end]) for row in (*rows[:1], *rows[-1:])]
    page = Pagination(
        [shape.make(*row[:width]) for row in rows],
        page=listing.page,
        per_page=listing.per_page,
        total=None,
        more=is_back or len(found) > listing.per_page,
        after=ends[-1] if ends else None,
        before=ends[0] if ends and sort not in BY_NAME else None,
    )
    if not listing.is_beside:
        require_page(page)
    return page


async def _length(session: AsyncSession, part: Select[int], most: int) -> int:
    counted = part.order_by(None).limit(most).subquery()
    return await session.scalar(select(func.count()).select_from(counted)) or 0


def _rows(shape: Shape[Any], sort: str) -> Select[Any]:
    """Return the columns of a shape, then those of the sort."""
    columns = (*shape.columns, *(column.label(None) for column in SORTS[sort]))
    return select(*columns).select_from(Order).outerjoin(Order.account).outerjoin(Order.owner)


@lru_cache
def _keys(sort: str, descending: bool) -> Keys:
    """Return the order of a list; the orders of one account or owner are always oldest first."""
    columns = SORTS[sort]
    turned = len(columns) if sort not in BY_NAME else 2
    return Keys(
        [
            column.desc() if descending and place < turned else column.asc()
            for place, column in enumerate(columns)
        ]
    )


def _beside(
    session: AsyncSession, statement: Select[Any], keys: Keys, listing: Listing
) -> Select[Any]:
    return keys.beside(
        statement, after=listing.after, before=listing.before, rows=not _is_mysql(session)
    )


def _is_back(listing: Listing) -> bool:
    return bool(listing.before and not listing.after)


def _is_mysql(session: AsyncSession) -> bool:
    return session.get_bind(Order).dialect.name in MYSQL
