"""Keeping the sums of orders exact: ``OrderSum`` changes in the transaction of each order.

Every flush of the ORM is followed: pages, the API and jobs need not think of the sums. Code that
writes orders with ``insert()``, ``update()`` or ``delete()`` calls ``note_changes`` before, or
``count_inserted`` afterwards.

An order that changes is read before its first change and before the commit, and the difference
is added to the sums. So a savepoint that was rolled back counts for nothing. The sums are written
last, in the order of their keys: a transaction that holds one of their rows waits for nothing
but further sums, so that two transactions never wait for each other here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Insert, event, func, inspect, literal_column, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from quarterdeck_crm.models import Order, OrderLine, OrderState, OrderSum
from quarterdeck_crm.models.order_sum import ALL_TIME
from quarterdeck_crm.models.sums import MILLION, to_parts

from .states import TAKEN as SOLD

OWNER, ACCOUNT, GOOD = "owner", "account", "good"
COUNTED = ("state", "currency", "ordered_on", "account_id", "owner_id", "net")
LINE_COUNTED = ("order_id", "good_id", "quantity", "amount")
BATCH = 500
_NOTED = "quarterdeck_crm.order_sums"


class Key(NamedTuple):
    """The key of a row of ``OrderSum``."""

    series: str
    currency: str
    period: int
    subject_id: int


class Sums(dict[Key, tuple[int, Decimal]]):
    """Numbers and nets by key."""

    def add(self, key: Key, number: int, net: Decimal) -> None:
        old_number, old_net = self.get(key, (0, Decimal(0)))
        self[key] = (old_number + number, old_net + net)

    def add_by_year(
        self, series: str, currency: str, year: int, subject_id: int, number: int, net: Decimal
    ) -> None:
        """Add to the sum of a year, and to that of all time."""
        for period in (year, ALL_TIME):
            self.add(Key(series, currency, period, subject_id), number, net)


@dataclass(slots=True)
class _Changes:
    """What a transaction has changed so far.

    Attributes:
        ids: Orders that were there before; what they added to the sums is subtracted in ``sums``.
        new: Orders that were not.
        sums: The difference so far.
    """

    ids: set[int] = field(default_factory=set)
    new: list[Order] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)


async def note_changes(session: AsyncSession, order_ids: Collection[int]) -> None:
    """Note that a statement is going to change or delete orders or their lines.

    Call it in the transaction, before the statement. It locks the orders.
    """
    await session.run_sync(_note, order_ids)


async def count_inserted(session: AsyncSession, order_ids: Collection[int]) -> None:
    """Count orders that a statement has inserted in this transaction, with all their lines."""
    await session.run_sync(_count_inserted, order_ids)


def _count_inserted(session: Session, ids: Collection[int]) -> None:
    _count(session.connection(), ids, _changes(session).sums, sign=1)


@event.listens_for(Session, "before_flush")
def _follow(session: Session, _context: Any, _instances: Any) -> None:
    ids: set[int] = set()
    for row in session.new:
        if isinstance(row, Order):
            _changes(session).new.append(row)
        elif isinstance(row, OrderLine):
            ids |= _orders_of(row)
    for row in (*session.dirty, *session.deleted):
        if isinstance(row, Order):
            if row in session.deleted or _has_changed(row, COUNTED):
                ids.add(row.id)
        elif isinstance(row, OrderLine) and (
            row in session.deleted or _has_changed(row, LINE_COUNTED)
        ):
            ids |= _orders_of(row)
    if ids:
        _note(session, ids)


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    changes: _Changes | None = session.info.pop(_NOTED, None)
    if changes is None:
        return
    connection = session.connection()
    unread = set(changes.ids)
    for order in changes.new:
        if not _add_new(order, changes.sums):
            unread.add(order.id)
    _count(connection, unread, changes.sums, sign=1)
    add_sums(connection, changes.sums)


@event.listens_for(Session, "after_transaction_end")
def _end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_NOTED, None)


def add_sums(connection: Connection, sums: Sums) -> None:
    """Add numbers and nets to the rows of the sums, in the order of the keys."""
    rows = [
        {
            **key._asdict(),
            "number": number,
            "whole": (parts := to_parts(net))[0],
            "millionths": parts[1],
        }
        for key, (number, net) in sorted(sums.items())
        if number or net
    ]
    for start in range(0, len(rows), BATCH):
        connection.execute(_upsert(connection.dialect.name), rows[start : start + BATCH])


def _changes(session: Session) -> _Changes:
    changes: _Changes = session.info.setdefault(_NOTED, _Changes())
    return changes


def _note(session: Session, ids: Collection[int]) -> None:
    changes = _changes(session)
    new = {order.id for order in changes.new}
    first = set(ids) - changes.ids - new
    _count(session.connection(), first, changes.sums, sign=-1)
    changes.ids |= first


def _add_new(order: Order, sums: Sums) -> bool:
    """Add an order that this transaction wrote, and return whether its values in memory suffice.

    They do for most new orders: drafts, all of whose values are loaded. A savepoint that was
    rolled back leaves an object that is not persistent any more.
    """
    state = inspect(order)
    if not state.persistent or state.unloaded.intersection(COUNTED) or order.state in SOLD:
        return False
    net = Order.net.type.exact(order.net)
    sums.add(_by_month(order.state, order.currency, order.ordered_on), 1, net)
    return True


def _by_month(state: OrderState, currency: str, day: date) -> Key:
    return Key(state.value, currency, day.year * 100 + day.month, 0)


def _orders_of(line: OrderLine) -> set[int]:
    """Return the ids of the orders that a line belongs to, or did before this flush."""
    order = line.__dict__.get("order")
    before = inspect(line).attrs["order_id"].history.deleted or ()
    ids = {line.order_id, None if order is None else order.id, *before}
    return {id_ for id_ in ids if id_ is not None}


def _has_changed(row: Any, names: Iterable[str]) -> bool:
    attributes = inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in names)


def _count(connection: Connection, ids: Collection[int], sums: Sums, *, sign: int) -> None:
    """Add what some orders contribute to ``sums``, or subtract it, and lock the orders."""
    columns = [getattr(Order, name) for name in COUNTED]
    for batch in _batches(ids):
        found = select(Order.id, *columns).where(Order.id.in_(batch)).order_by(Order.id)
        sold = {}
        for id_, state, currency, day, account_id, owner_id, net in connection.execute(
            found.with_for_update()
        ):
            by_month = _by_month(state, currency, day)
            sums.add(by_month, sign, sign * net)
            if state in SOLD:
                sold[id_] = currency, day.year
                by_owner = by_month._replace(series=OWNER, subject_id=owner_id or 0)
                sums.add(by_owner, sign, sign * net)
                sums.add_by_year(ACCOUNT, currency, day.year, account_id, sign, sign * net)
        if sold:
            lines = select(
                OrderLine.order_id, OrderLine.good_id, OrderLine.quantity, OrderLine.amount
            ).where(OrderLine.order_id.in_(sold))
            for id_, good_id, quantity, amount in connection.execute(lines):
                sums.add_by_year(GOOD, *sold[id_], good_id, sign * quantity, sign * amount)


def _batches(ids: Collection[int]) -> Iterator[list[int]]:
    rest = iter(sorted(ids))
    while batch := list(islice(rest, BATCH)):
        yield batch


@cache
def _upsert(dialect: str) -> Insert:
    """Return the statement that adds to a row, or makes it."""
    million: Any = literal_column(str(MILLION))
    key = list(Key._fields)
    if dialect == "sqlite":
        insert = sqlite.insert(OrderSum)
        carry = OrderSum.millionths + insert.excluded.millionths
        return insert.on_conflict_do_update(
            index_elements=key,
            set_={
                "number": OrderSum.number + insert.excluded.number,
                "whole": OrderSum.whole + insert.excluded.whole + carry // million,
                "millionths": carry % million,
            },
        )
    into = mysql.insert(OrderSum)
    carry = OrderSum.millionths + into.inserted.millionths
    # MySQL assigns from left to right: 'whole' needs the millionths as they were before.
    return into.on_duplicate_key_update(
        [
            ("number", OrderSum.number + into.inserted.number),
            ("whole", OrderSum.whole + into.inserted.whole + func.floor(carry / million)),
            ("millionths", func.mod(carry, million)),
        ]
    )
