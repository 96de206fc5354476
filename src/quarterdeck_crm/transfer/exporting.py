"""Exporting to CSV as a stream: what is written imports again to the same state."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import Account, Contact, Good, Order, OrderLine, User

from .columns import Table
from .csvfile import BATCH, with_guard
from .tables import ACCOUNTS, GOODS, LINES, ORDERS


async def export_accounts(session: AsyncSession) -> AsyncIterator[str]:
    """Yield the accounts as CSV, a row for each contact of an account."""
    statement = (
        select(
            Account.code, Account.name, User.email, Account.email, Account.phone, Account.website,
            Account.address, Account.city, Account.region, Account.postal_code, Account.country,
            Account.archived_at, Contact.name, Contact.title, Contact.email, Contact.phone,
            Contact.fax,
        )
        .outerjoin(Account.owner)
        .outerjoin(Account.contacts)
        .order_by(Account.id, Contact.id)
    )  # fmt: skip
    archived = ACCOUNTS.names.index("archived")
    async for chunk in _stream(session, ACCOUNTS, statement, flag=archived):
        yield chunk


async def export_goods(session: AsyncSession) -> AsyncIterator[str]:
    """Yield the catalogue as CSV."""
    statement = select(
        Good.code, Good.name, Good.category, Good.unit, Good.price, Good.currency, Good.stock,
        Good.description, Good.archived_at,
    ).order_by(Good.id)  # fmt: skip
    async for chunk in _stream(session, GOODS, statement, flag=GOODS.names.index("archived")):
        yield chunk


async def export_orders(session: AsyncSession) -> AsyncIterator[str]:
    """Yield the orders, without their lines, as CSV."""
    statement = (
        select(
            Order.number, Account.code, Order.state, Order.currency, User.email,
            Order.ordered_on, Order.required_on, Order.shipped_on, Order.freight,
            Order.ship_name, Order.ship_address, Order.ship_city, Order.ship_region,
            Order.ship_postal_code, Order.ship_country, Order.remark,
        )
        .join(Order.account)
        .outerjoin(Order.owner)
        .order_by(Order.id)
    )  # fmt: skip
    async for chunk in _stream(session, ORDERS, statement):
        yield chunk


async def export_lines(session: AsyncSession) -> AsyncIterator[str]:
    """Yield the lines of all orders as CSV."""
    statement = (
        select(Order.number, Good.code, OrderLine.quantity, OrderLine.price, OrderLine.discount)
        .join(OrderLine.order)
        .join(OrderLine.good)
        .order_by(OrderLine.order_id, OrderLine.position)
    )
    async for chunk in _stream(session, LINES, statement):
        yield chunk


async def _stream(
    session: AsyncSession,
    table: Table,
    statement: Select[*tuple[Any, ...]],
    *,
    flag: int | None = None,
) -> AsyncIterator[str]:
    """Yield the header and then the rows, a thousand at a time.

    Args:
        session: The db session, kept busy until the last row.
        table: Whose column names make the header.
        statement: Selects the columns in the table's order.
        flag: Position of a moment that is written as yes or no.
    """
    yield _text([table.names])
    result = await session.stream(statement, execution_options={"yield_per": BATCH})
    async for rows in result.partitions():
        yield _text([_cell(value, as_flag=i == flag) for i, value in enumerate(r)] for r in rows)


def _cell(value: Any, *, as_flag: bool) -> str:
    if as_flag:
        return "0" if value is None else "1"
    return "" if value is None else with_guard(format(value, ""))


def _text(rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()
