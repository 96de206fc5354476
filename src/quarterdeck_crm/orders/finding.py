"""How a page out of a million orders is found without sorting them.

A list is read in its order from an index where there is one for the filters and the sort
together. Where there is none, the orders that match are counted up to ``MOST_COUNTED``: so
few are sorted; if there are more, the index of the sort alone is read until the page is
full, which does not take long because so many match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from quart import abort
from sqlalchemy import (
    ColumnElement,
    Select,
    UnaryExpression,
    and_,
    func,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.operators import custom_op

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Order, OrderState, User
from quarterdeck_crm.searching import begins, found_by

MOST_COUNTED = 10_000
MYSQL = ("mysql", "mariadb")

SORTS: dict[str, tuple[Any, ...]] = {
    "number": (Order.number,),
    "date": (Order.ordered_on, Order.id),
    "account": (Account.name, Account.id, Order.ordered_on, Order.id),
    "owner": (User.name, User.id, Order.ordered_on, Order.id),
    "net": (Order.net, Order.id),
    "state": (Order.state, Order.ordered_on, Order.id),
}
BY_NAME = ("account", "owner")  # sorts by a column of another table
# By the filters in use: the sorts that have an index, which begins with the columns filtered by.
INDEXES: dict[tuple[str, ...], dict[str, str]] = {
    (): {
        "number": "uq_order_number",
        "date": "ix_order_ordered_on",
        "net": "ix_order_net",
        "state": "ix_order_state_order_ordered_on",
    },
    ("account",): {"date": "ix_order_account_id_order_ordered_on"},
    ("owner",): {"date": "ix_order_owner_id_order_ordered_on"},
    ("owner", "state"): {"date": "ix_order_owner_id_order_state_order_ordered_on"},
    ("state",): {
        "date": "ix_order_state_order_ordered_on",
        "number": "ix_order_state_order_number",
    },
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What the orders of a list have in common; what is empty does not matter."""

    states: tuple[OrderState, ...] = ()
    account_id: int | None = None
    owner_id: int | None = None
    words: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The filters in use."""
        used = {
            "account": self.account_id,
            "owner": self.owner_id,
            "state": self.states,
            "words": self.words,
        }
        return tuple(name for name, value in used.items() if value not in (None, ()))

    def conditions(self, *, indexed: bool = True) -> list[ColumnElement[bool]]:
        """Return the SQL; if not ``indexed``, in a form for which SQLite takes no index."""
        column = _same if indexed else _unindexed
        conditions = []
        if self.states:
            conditions.append(column(Order.state).in_(self.states))
        if self.account_id is not None:
            conditions.append(column(Order.account_id) == self.account_id)
        if self.owner_id is not None:
            conditions.append(column(Order.owner_id) == self.owner_id)
        if self.words and not indexed:
            ways = self.searches(_unindexed(Order.number), _unindexed(Order.account_id))
            conditions.append(or_(*(and_(*way) for way in ways)))
        return conditions

    def searches(
        self, number: Any = Order.number, account_id: Any = Order.account_id
    ) -> list[list[ColumnElement[bool]]]:
        """Return the ways in which the words may be found, each in ANDs that an index serves.

        All are words of the account, or one of them begins the number and the others are.
        """
        named = {word: found_by(word, Account) for word in self.words}
        ways = [[account_id.in_(ids) for ids in named.values()]]
        for word in self.words:
            others = [ids for other, ids in named.items() if other != word]
            begun = [_unindexed(Order.account_id).in_(ids) for ids in others]
            ways.append([begins(number, word), *begun])
        return ways


def _same(column: Any) -> Any:
    return column


def _unindexed(column: Any) -> Any:
    """Return ``+column``, the same value to which SQLite applies no index; MySQL drops it."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


async def find_orders(
    session: AsyncSession, *, listing: Listing, wanted: Filter
) -> Pagination[Order]:
    """Return a page of orders with the names of their accounts and owners."""
    sort = _simplified(listing.sort, wanted)
    index = INDEXES.get(wanted.names, {}).get(sort)
    matches = None if index or not wanted.names else await _count(session, wanted)
    if index and len(wanted.states) > 1:
        page = await _merge(session, listing, sort, wanted)
    elif index:
        page = await _read(session, listing, sort, wanted.conditions(), index)
    elif matches is not None and matches <= MOST_COUNTED:
        page = await _sort(session, listing, sort, wanted)
    elif sort in BY_NAME:
        page = await _read_by_name(session, listing, sort, wanted.conditions(indexed=False))
    else:
        unfiltered = INDEXES[()][sort]
        page = await _read(session, listing, sort, wanted.conditions(indexed=False), unfiltered)
    if matches is None:
        is_last = not (page.has_next or listing.after or listing.before)
        matches = page.last if is_last else await _count(session, wanted)
    page.total, page.is_total_exact = min(matches, MOST_COUNTED), matches <= MOST_COUNTED
    return page


def _simplified(sort: str, wanted: Filter) -> str:
    """Return the sort that is left where a filter makes all values of the first column equal."""
    is_one = {
        "account": wanted.account_id,
        "owner": wanted.owner_id,
        "state": len(wanted.states) == 1,
    }
    return "date" if is_one.get(sort) else sort


async def _count(session: AsyncSession, wanted: Filter) -> int:
    """Return how many orders match, at most one more than ``MOST_COUNTED``."""
    few = _few(wanted).subquery()
    return await session.scalar(select(func.count()).select_from(few)) or 0


def _few(wanted: Filter) -> Select[int]:
    """Return the ids of the orders that match, as many as are counted."""
    few = select(Order.id).where(*wanted.conditions()).limit(MOST_COUNTED + 1)
    if not wanted.words:
        return few
    ways = [few.where(*search).subquery() for search in wanted.searches()]
    merged = union(*(select(way.c.id) for way in ways)).subquery()
    return select(merged.c.id).limit(MOST_COUNTED + 1)


async def _read(
    session: AsyncSession,
    listing: Listing,
    sort: str,
    conditions: Sequence[ColumnElement[bool]],
    index: str,
) -> Pagination[Order]:
    """Read an index in its order until the page is full."""
    by = _by(listing, SORTS[sort])
    is_deep = listing.page * listing.per_page > MOST_COUNTED
    if is_deep and not (listing.after or listing.before):
        # Somebody typed the number of a page: what is skipped is read from the index alone.
        ids = select(Order.id).where(*conditions).order_by(*by)
        return await _load(session, listing, _forced(ids, Order, index))
    return await db.paginate(
        _forced(_rows().where(*conditions), Order, index),
        by=by,
        count=False,
        page=listing.page,
        per_page=listing.per_page,
        after=listing.after,
        before=listing.before,
        session=session,
    )


async def _sort(
    session: AsyncSession, listing: Listing, sort: str, wanted: Filter
) -> Pagination[Order]:
    """Sort the few orders that match."""
    few, columns = _few(wanted).subquery(), SORTS[sort]
    names, then = (columns[:2], columns[2:]) if sort in BY_NAME else (columns, ())
    ids = (
        _straight(select(few.c.id))
        .join(Order, Order.id == few.c.id)
        .outerjoin(Order.account)
        .outerjoin(Order.owner)
        .order_by(*_by(listing, names), *then)
    )
    return await _load(session, listing, ids)


async def _merge(
    session: AsyncSession, listing: Listing, sort: str, wanted: Filter
) -> Pagination[Order]:
    """Read an index once for each state, and sort what it gave."""
    by, most = _by(listing, SORTS[sort]), listing.page * listing.per_page + 1
    heads = [
        select(Order.id, *(c for c in SORTS[sort] if c is not Order.id))
        .where(*replace(wanted, states=(state,)).conditions())
        .order_by(*by)
        .limit(most)
        .subquery()
        for state in wanted.states
    ]
    merged = union_all(*(select(head) for head in heads)).subquery()
    columns = _by(listing, [merged.c[column.key] for column in SORTS[sort]])
    return await _load(session, listing, select(merged.c.id).order_by(*columns))


async def _read_by_name(
    session: AsyncSession,
    listing: Listing,
    sort: str,
    conditions: Sequence[ColumnElement[bool]],
) -> Pagination[Order]:
    """Read accounts or people by name, and the orders of each from an index, oldest first.

    Orders that belong to nobody are a part of their own.

    MySQL sorts everything as soon as ORDER BY names columns of two tables. So there it names
    the first alone, and the orders of each come as the index has them.
    """
    model, column = (Account, Order.account_id) if sort == "account" else (User, Order.owner_id)
    index = f"ix_order_{column.key}_order_ordered_on"
    oldest = [Order.ordered_on, Order.id]
    named = model.__table__.alias("named")
    by = _by(listing, [named.c.name, named.c.id])
    if session.get_bind(Order).dialect.name not in MYSQL:
        by += oldest
    joined = and_(column == named.c.id, *conditions)
    ids = _straight(select(Order.id)).select_from(named).join(Order, joined).order_by(*by)
    parts = [_forced(ids, Order, index)]
    if sort == "owner":
        nobody = select(Order.id).where(column.is_(None), *conditions).order_by(*oldest)
        parts.insert(1 if listing.descending else 0, _forced(nobody, Order, index))
    return await _load(session, listing, *parts)


async def _load(session: AsyncSession, listing: Listing, *parts: Select[int]) -> Pagination[Order]:
    """Return the page of the orders with these ids, in their order, one part after the other."""
    offset, most = (listing.page - 1) * listing.per_page, listing.per_page + 1
    found: list[int] = []
    for part in parts:
        ids = (await session.scalars(part.limit(most - len(found)).offset(offset))).all()
        found += ids
        if len(found) == most or part is parts[-1]:
            break
        # The part has ended: what is left to skip is left for the next.
        offset = 0 if ids else offset - await _length(session, part, offset)
    if not found and listing.page > 1:
        abort(404)
    shown = found[: listing.per_page]
    rows = {order.id: order for order in await session.scalars(_rows().where(Order.id.in_(shown)))}
    return Pagination(
        [rows[id_] for id_ in shown if id_ in rows],
        page=listing.page,
        per_page=listing.per_page,
        total=None,
        more=len(found) > listing.per_page,
    )


async def _length(session: AsyncSession, part: Select[int], most: int) -> int:
    counted = part.order_by(None).limit(most).subquery()
    return await session.scalar(select(func.count()).select_from(counted)) or 0


def _rows() -> Select[Order]:
    return select(Order).options(
        joinedload(Order.account).load_only(Account.name),
        joinedload(Order.owner).load_only(User.name),
    )


def _by(listing: Listing, columns: Sequence[Any]) -> list[Any]:
    return [column.desc() if listing.descending else column.asc() for column in columns]


def _forced(statement: Select[Any], table: Any, index: str) -> Select[Any]:
    """Let MySQL read this index, whatever it thinks of the others."""
    for dialect in MYSQL:
        statement = statement.with_hint(table, f"FORCE INDEX ({index})", dialect)
    return statement


def _straight(statement: Select[Any]) -> Select[Any]:
    """Let MySQL join the tables in the order in which they are named."""
    for dialect in MYSQL:
        statement = statement.prefix_with("STRAIGHT_JOIN", dialect=dialect)
    return statement
