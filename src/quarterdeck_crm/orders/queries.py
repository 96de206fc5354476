"""How a page out of a million orders is found without sorting them.

A list is read in its order from an index where there is one for the filters and the sort
together. Where there is none, the orders that match are counted up to ``MAX_COUNTED``: so
few are sorted; if there are more, the index of the sort alone is read until the page is
full, which does not take long because so many match.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

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

from quarterdeck.exceptions import BadCursorError
from quarterdeck.sqlalchemy import Keys, Pagination
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.listing import MAX_COUNTED, NO_SUCH_PAGE, Listing, paginate, require_page
from quarterdeck_crm.models import Account, Order, OrderState, User
from quarterdeck_crm.search.conditions import begins, found_by, ordering

MYSQL = ("mysql", "mariadb")

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
POSITIONS: dict[str, Callable[[Order], Sequence[Any]]] = {
    "account": lambda order: (
        order.account.name_key,
        order.account_id,
        order.ordered_on,
        order.id,
    ),
    "owner": lambda order: (
        order.owner.name_key if order.owner else "",
        order.owner_id or 0,
        order.ordered_on,
        order.id,
    ),
}
# By the filters in use: the sorts that have an index, which begins with the columns filtered by.
INDEXES: dict[tuple[str, ...], dict[str, str]] = {
    (): {
        "number": "uq_order_number_key",
        "date": "ix_order_ordered_on",
        "net": "ix_order_net",
        "state": "ix_order_state_order_ordered_on",
    },
    ("account",): {"date": "ix_order_account_id_order_ordered_on"},
    ("owner",): {"date": "ix_order_owner_id_order_ordered_on"},
    ("owner", "state"): {"date": "ix_order_owner_id_order_state_order_ordered_on"},
    ("state",): {
        "date": "ix_order_state_order_ordered_on",
        "number": "ix_order_state_order_number_key",
    },
}


@dataclass(frozen=True, slots=True)
class Filter:
    """The conditions of a list of orders; empty ones do not apply."""

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
            ways = self.searches(_unindexed(Order.number_key), _unindexed(Order.account_id))
            conditions.append(or_(*(and_(*way) for way in ways)))
        return conditions

    def searches(
        self, number: Any = Order.number_key, account_id: Any = Order.account_id
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
    """Return a page of orders with the names of their accounts and owners.

    Raises:
        NotFoundError: If the list ends before this page.
    """
    sort = _simplified(listing.sort, wanted)
    if sort in BY_NAME and not listing.after:
        listing = replace(listing, before=None)  # such pages offer none, see ``_read_by_name``
    index = INDEXES.get(wanted.names, {}).get(sort)
    matches = None if index or not wanted.names else await _count(session, wanted)
    try:
        if index and len(wanted.states) > 1:
            page = await _merge(session, listing, sort, wanted)
        elif index:
            page = await _read(session, listing, sort, wanted.conditions(), index)
        elif matches is not None and matches <= MAX_COUNTED:
            page = await _sort(session, listing, sort, wanted)
        elif sort in BY_NAME:
            page = await _read_by_name(session, listing, sort, wanted.conditions(indexed=False))
        else:
            unfiltered = INDEXES[()][sort]
            page = await _read(session, listing, sort, wanted.conditions(indexed=False), unfiltered)
    except BadCursorError:
        raise NotFoundError(NO_SUCH_PAGE) from None
    if matches is None:
        is_last = not (page.has_next or listing.is_beside)
        matches = page.last if is_last else await _count(session, wanted)
    page.total, page.is_total_exact = min(matches, MAX_COUNTED), matches <= MAX_COUNTED
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
    """Return how many orders match, at most one more than ``MAX_COUNTED``."""
    few = _few(wanted).subquery()
    return await session.scalar(select(func.count()).select_from(few)) or 0


def _few(wanted: Filter) -> Select[int]:
    """Return the ids of the orders that match, as many as are counted."""
    few = select(Order.id).where(*wanted.conditions()).limit(MAX_COUNTED + 1)
    if not wanted.words:
        return few
    ways = [few.where(*search).subquery() for search in wanted.searches()]
    merged = union(*(select(way.c.id) for way in ways)).subquery()
    return select(merged.c.id).limit(MAX_COUNTED + 1)


async def _read(
    session: AsyncSession,
    listing: Listing,
    sort: str,
    conditions: Sequence[ColumnElement[bool]],
    index: str,
) -> Pagination[Order]:
    """Read an index in its order until the page is full."""
    by = ordering(listing, *SORTS[sort])
    is_deep = listing.page * listing.per_page > MAX_COUNTED
    if is_deep and not listing.is_beside:
        # A deep page number was typed: the skipped rows are read from the index alone.
        ids = select(Order.id).where(*conditions).order_by(*by)
        return await _load(session, listing, sort, _forced(ids, Order, index))
    rows = _forced(_rows().where(*conditions), Order, index)
    return await paginate(session, rows, listing, by=by, count=False)


async def _sort(
    session: AsyncSession, listing: Listing, sort: str, wanted: Filter
) -> Pagination[Order]:
    """Sort the few orders that match."""
    few = _few(wanted).subquery()
    ids = (
        _straight(select(few.c.id))
        .join(Order, Order.id == few.c.id)
        .outerjoin(Order.account)
        .outerjoin(Order.owner)
    )
    return await _load(session, listing, sort, _beside(session, ids, _keys(listing, sort), listing))


async def _merge(
    session: AsyncSession, listing: Listing, sort: str, wanted: Filter
) -> Pagination[Order]:
    """Read an index once for each state, and sort the results."""
    keys, pages = _keys(listing, sort), 1 if listing.is_beside else listing.page
    rows = select(Order.id, *(c for c in SORTS[sort] if c is not Order.id))
    heads = [
        _beside(session, rows.where(*one_state.conditions()), keys, listing)
        .limit(pages * listing.per_page + 1)
        .subquery()
        for one_state in (replace(wanted, states=(state,)) for state in wanted.states)
    ]
    merged = union_all(*(select(head) for head in heads)).subquery()
    columns = ordering(listing, *(merged.c[column.key] for column in SORTS[sort]))
    way = Keys(columns).turned() if _is_back(listing) else Keys(columns)
    return await _load(session, listing, sort, select(merged.c.id).order_by(*way.by))


async def _read_by_name(
    session: AsyncSession,
    listing: Listing,
    sort: str,
    conditions: Sequence[ColumnElement[bool]],
) -> Pagination[Order]:
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
    ids = _straight(select(Order.id)).select_from(named).join(Order, joined).order_by(*by)
    orders = _forced(select(Order.id).where(*conditions).order_by(*oldest.by), Order, index)
    unowned = [orders.where(column.is_(None))] if sort == "owner" else []
    if listing.after is None:
        named_parts = [_forced(ids, Order, index)]
        parts = [*named_parts, *unowned] if listing.descending else [*unowned, *named_parts]
        return await _load(session, listing, sort, *parts)
    name, id_, *place = _keys(listing, sort).values(listing.after)
    rows = not _is_mysql(session)
    parts = [orders.where(column == (id_ or None), oldest.beyond(place, rows=rows))]
    if id_:
        ids = ids.where(names.beyond([name, id_], rows=rows))
    if id_ or not listing.descending:
        parts.append(_forced(ids, Order, index))
    if id_ and listing.descending:
        parts += unowned
    return await _load(session, listing, sort, *parts)


async def _load(
    session: AsyncSession, listing: Listing, sort: str, *parts: Select[int]
) -> Pagination[Order]:
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
    is_back = _is_back(listing)
    shown = found[: listing.per_page][:: -1 if is_back else 1]
    rows = {order.id: order for order in await session.scalars(_rows().where(Order.id.in_(shown)))}
    items = [rows[id_] for id_ in shown if id_ in rows]
    keys, position = _keys(listing, sort), POSITIONS.get(sort)
    ends = [keys.cursor((position or keys.position)(item)) for item in items[:1] + items[-1:]]
    page = Pagination(
        items,
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


def _rows() -> Select[Order]:
    return select(Order).options(
        joinedload(Order.account).load_only(Account.name, Account.name_key),
        joinedload(Order.owner).load_only(User.name, User.name_key),
    )


def _keys(listing: Listing, sort: str) -> Keys:
    """Return the order of a list; the orders of one account or owner are always oldest first."""
    columns = SORTS[sort]
    if sort not in BY_NAME:
        return Keys(ordering(listing, *columns))
    return Keys([*ordering(listing, *columns[:2]), *(column.asc() for column in columns[2:])])


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
