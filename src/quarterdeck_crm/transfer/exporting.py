"""Export to CSV in pieces; importing the file again gives the same state.

A piece is a query of its own and holds no connection while the client reads it. A server-side
cursor would hold one for as long as the slowest reader takes, and asyncmy, which reads ahead of
its caller, would still fill the memory.

A file has all records in the order of their ids, or those of a list in the order of the list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from quarterdeck_crm.extras.reading import Record, read_extras
from quarterdeck_crm.lists.selection import Selection
from quarterdeck_crm.models import (
    Account,
    Contact,
    Good,
    Label,
    Order,
    OrderLine,
    Person,
    PersonEmail,
    PersonPhone,
    User,
)

from .columns import Table
from .csvfile import with_guard
from .extras import cells_of, extended
from .tables import ACCOUNTS, GOODS, LINES, ORDERS

PIECE = 500  # accounts, goods, or orders
Chunks = AsyncIterator[str]
Progress = Callable[[int, int | None], None]
Row = tuple[int, Sequence[str]]  # the id of its record, and its cells
Read = Callable[[ColumnElement[bool]], Awaitable[Sequence[Row]]]

_EMAIL = (
    select(PersonEmail.email)
    .where(PersonEmail.person_id == Person.id)
    .order_by(PersonEmail.position)
    .limit(1)
    .scalar_subquery()
)


def _number(*, fax: bool) -> Any:
    """Return the first phone or fax number of a person, as ``Person`` has it."""
    is_fax = PersonPhone.label == Label.FAX
    numbers = select(PersonPhone.number).where(PersonPhone.person_id == Person.id)
    first = numbers.where(is_fax if fax else ~is_fax).order_by(PersonPhone.position)
    return first.limit(1).scalar_subquery()


class Export(Protocol):
    """The signature of the functions of this module.

    Args:
        session: The db session.
        progress: See ``stream_read``.
        chosen: The records; all of them if not given.
    """

    def __call__(
        self,
        session: AsyncSession,
        progress: Progress | None = None,
        chosen: Selection | None = None,
    ) -> Chunks: ...


def export_accounts(
    session: AsyncSession, progress: Progress | None = None, chosen: Selection | None = None
) -> Chunks:
    """Return the accounts as CSV, a row for each contact of an account."""
    statement = (
        select(
            Account.code, case((Account.code.is_(None), Account.reference)),
            Account.name, User.email, Account.email, Account.phone, Account.website,
            Account.address, Account.city, Account.region, Account.postal_code, Account.country,
            Account.archived_at, Person.reference, Person.name, Contact.title, _EMAIL,
            _number(fax=False), _number(fax=True),
        )
        .outerjoin(Account.owner)
        .outerjoin(Account.contacts)
        .outerjoin(Contact.person)
        .order_by(Account.id, Person.name_key, Person.reference)
    )  # fmt: skip
    archived = ACCOUNTS.names.index("archived")
    return stream(
        session, ACCOUNTS, statement, Account.id, progress, chosen, flag=archived, model=Account
    )


def export_goods(
    session: AsyncSession, progress: Progress | None = None, chosen: Selection | None = None
) -> Chunks:
    """Return the goods as CSV."""
    statement = select(
        Good.code, Good.name, Good.category, Good.unit, Good.price, Good.currency, Good.stock,
        Good.description, Good.archived_at,
    ).order_by(Good.id)  # fmt: skip
    archived = GOODS.names.index("archived")
    return stream(session, GOODS, statement, Good.id, progress, chosen, flag=archived, model=Good)


def export_orders(
    session: AsyncSession, progress: Progress | None = None, chosen: Selection | None = None
) -> Chunks:
    """Return the orders, without their lines, as CSV."""
    statement = (
        select(
            Order.number, func.coalesce(Account.code, Account.reference),
            Order.state, Order.currency, User.email, Order.ordered_on, Order.required_on,
            Order.shipped_on, Order.freight, Order.ship_name, Order.ship_address, Order.ship_city,
            Order.ship_region, Order.ship_postal_code, Order.ship_country, Order.remark,
        )
        .outerjoin(Order.account)
        .outerjoin(Order.owner)
        .order_by(Order.id)
    )  # fmt: skip
    return stream(session, ORDERS, statement, Order.id, progress, chosen, model=Order)


def export_lines(
    session: AsyncSession, progress: Progress | None = None, chosen: Selection | None = None
) -> Chunks:
    """Return the lines of all orders as CSV."""
    statement = (
        select(Order.number, Good.code, OrderLine.quantity, OrderLine.price, OrderLine.discount)
        .select_from(OrderLine)
        .outerjoin(OrderLine.order)
        .outerjoin(OrderLine.good)
        .order_by(OrderLine.order_id, OrderLine.position)
    )
    return stream(session, LINES, statement, OrderLine.order_id, progress, chosen)


def stream(
    session: AsyncSession,
    table: Table,
    statement: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[int],
    progress: Progress | None,
    chosen: Selection | None = None,
    *,
    flag: int | None = None,
    model: type[Record] | None = None,
) -> Chunks:
    """Return the rows of a statement as CSV.

    Args:
        session: The db session.
        table: Its column names make the header.
        statement: Selects the columns in the table's order. Its joins are outer ones, so that
            the database begins with the records of the piece.
        key: The column with the ids of the records.
        progress: See ``stream_read``.
        chosen: The records; all of them if not given.
        flag: Position of a moment that is written as yes or no.
        model: The kind of record whose tags and custom fields the file has; ``key`` is its id.
    """

    async def read(condition: ColumnElement[bool]) -> list[Row]:
        found = (await session.execute(statement.add_columns(key).where(condition))).all()
        rows = [
            (row[-1], [cell(value, as_flag=i == flag) for i, value in enumerate(row[:-1])])
            for row in found
        ]
        if model is not None:
            extras = await read_extras(session, model, {id_ for id_, _cells in rows})
            for id_, cells in rows:
                cells += map(cell, cells_of(extras, id_))
        return [*rows]

    return stream_read(session, table, read, key, progress, chosen, model=model)


async def stream_read(
    session: AsyncSession,
    table: Table,
    read: Read,
    key: InstrumentedAttribute[int],
    progress: Progress | None,
    chosen: Selection | None = None,
    *,
    model: type[Record] | None = None,
) -> Chunks:
    """Yield the header, and then the rows in pieces.

    Args:
        session: The db session; it holds no connection between the pieces.
        table: Its column names make the header.
        read: Returns the rows that meet a condition, in the order of ``key``.
        key: The column with the ids of the records.
        progress: Called after each piece with how far the key has come, and how far it goes; of
            a list, with how many records were read, and None.
        chosen: The records; all of them if not given.
        model: The kind of record whose tags and custom fields the file has.
    """
    if model is not None:
        table = await extended(session, table, model)
        await session.commit()
    yield _text([table.names])
    pieces = (
        _all_rows(session, read, key) if chosen is None else _rows_of(session, read, key, chosen)
    )
    async for rows, done, total in pieces:
        await session.commit()  # no connection is held while the client reads
        if rows:
            yield _text(cells for _id, cells in rows)
        if progress:
            progress(done, total)


async def _all_rows(
    session: AsyncSession, read: Read, key: InstrumentedAttribute[int]
) -> AsyncIterator[tuple[Sequence[Row], int, int | None]]:
    """Yield the present rows by ranges of their ids."""
    first, last = (await session.execute(select(func.min(key), func.max(key)))).one()
    for start in range(first or 0, (last or -1) + 1, PIECE):
        rows = await read(key.between(start, start + PIECE - 1))
        yield rows, min(start + PIECE, last + 1) - first, last + 1 - first


async def _rows_of(
    session: AsyncSession, read: Read, key: InstrumentedAttribute[int], chosen: Selection
) -> AsyncIterator[tuple[Sequence[Row], int, int | None]]:
    """Yield the rows of a list in its order."""
    done = 0
    async for ids in chosen.pieces(session, PIECE):
        session.expunge_all()  # what the list shows of its records
        places = {id_: place for place, id_ in enumerate(ids)}
        rows = await read(key.in_(ids))
        done += len(ids)
        yield sorted(rows, key=lambda row: places[row[0]]), done, None


def cell(value: Any, *, as_flag: bool = False) -> str:
    """Return a value as a cell: empty for None, with a guard against formulas."""
    if as_flag:
        return "0" if value is None else "1"
    return "" if value is None else with_guard(format(value, ""))


def _text(rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()
