"""The sums of orders, compared with the orders themselves, or made from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, String, cast, delete, extract, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from quarterdeck.sqlalchemy import no_time_limit
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Order, OrderLine, OrderSum
from quarterdeck_crm.models.sums import from_parts, millionths_sum, whole_sum
from quarterdeck_crm.money import rounded

from .states import TAKEN
from .sums import ACCOUNT, GOOD, OWNER, Key, Sums, add_sums

NOTHING = (0, Decimal(0))
_STATE: Any = cast(Order.state, String)
_SOLD = _STATE.in_([state.value for state in TAKEN])
_YEAR: Any = extract("year", Order.ordered_on)
_MONTH: Any = _YEAR * 100 + extract("month", Order.ordered_on)


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that is not that of the orders, each with the number and the net."""

    key: Key
    stored: tuple[int, Decimal]
    real: tuple[int, Decimal]

    def __str__(self) -> str:
        series, currency, period, subject_id = self.key
        name = f"{series} {subject_id}" if subject_id else series
        return (
            f"{name}, {currency}, {period or 'all time'}: {_worded(self.stored, currency)}, "
            f"but the orders give {_worded(self.real, currency)}"
        )


def _worded(orders: tuple[int, Decimal], currency: str) -> str:
    """Return a number and a net; further decimals are shown where there are any."""
    number, net = orders
    shown = rounded(net, currency)
    return f"{number:,} with {shown if shown == net else net.normalize():,f}"


async def compare_sums() -> list[Difference]:
    """Return the sums that differ from the orders, sorted.

    All orders are read, which takes about 17 seconds of CPU time for a million. They may change
    at the same time.
    """
    async with _consistent() as connection:
        return await connection.run_sync(_compare)


async def rebuild_sums() -> int:
    """Make all sums from the orders and return their number.

    All orders are read, which takes about 17 seconds of CPU time for a million. Transactions
    that change orders wait until it ends, and are counted.
    """
    async with _consistent() as connection:
        count = await connection.run_sync(fill_sums)
        await connection.commit()
        return count


def fill_sums(connection: Connection) -> int:
    """Make all sums from the orders, in the transaction of ``connection``."""
    # The deletion comes first: it waits for those that are changing sums, and stops others.
    connection.execute(delete(OrderSum))
    sums = _sum_orders(connection)
    add_sums(connection, sums)
    return len(sums)


@asynccontextmanager
async def _consistent() -> AsyncIterator[AsyncConnection]:
    """A connection all of whose statements see the same orders."""
    with no_time_limit():
        async with db.engine.connect() as connection:
            if connection.dialect.name != "sqlite":  # which has no other transactions
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection


def _compare(connection: Connection) -> list[Difference]:
    real, stored = _sum_orders(connection), _read(connection)
    return [
        Difference(key, stored.get(key, NOTHING), real.get(key, NOTHING))
        for key in sorted(real.keys() | stored.keys())
        if stored.get(key, NOTHING) != real.get(key, NOTHING)
    ]


def _read(connection: Connection) -> Sums:
    columns = [getattr(OrderSum, name) for name in (*Key._fields, "number", "whole", "millionths")]
    return Sums(
        {
            Key(*key): (number, from_parts(whole, millionths))
            for *key, number, whole, millionths in connection.execute(select(*columns))
            if number or whole or millionths
        }
    )


def _sum_orders(connection: Connection) -> Sums:
    sums = Sums()
    for state, currency, month, *sum_ in _groups(connection, _STATE, Order.currency, _MONTH):
        sums.add(Key(state, currency, month, 0), *sum_)
    for currency, month, owner_id, *sum_ in _groups(
        connection, Order.currency, _MONTH, Order.owner_id, only_sold=True
    ):
        sums.add(Key(OWNER, currency, month, owner_id or 0), *sum_)
    for currency, year, account_id, *sum_ in _groups(
        connection, Order.currency, _YEAR, Order.account_id, only_sold=True
    ):
        sums.add_by_year(ACCOUNT, currency, year, account_id, *sum_)
    goods: Any = (
        select(Order.currency, _YEAR, OrderLine.good_id, func.sum(OrderLine.quantity))
        .add_columns(whole_sum(OrderLine.amount), millionths_sum(OrderLine.amount))
        .join(Order, OrderLine.order_id == Order.id)
        .where(_SOLD)
        .group_by(Order.currency, _YEAR, OrderLine.good_id)
    )
    for currency, year, good_id, pieces, *parts in connection.execute(goods):
        sums.add_by_year(GOOD, currency, year, good_id, int(pieces), from_parts(*parts))
    return sums


def _groups(connection: Connection, *by: Any, only_sold: bool = False) -> Sequence[Any]:
    """Return each group of orders with its number and net."""
    counted = (func.count(), whole_sum(Order.net), millionths_sum(Order.net))
    statement = select(*by, *counted).group_by(*by)
    if only_sold:
        statement = statement.where(_SOLD)
    rows = connection.execute(statement).all()
    return [(*row[:-3], row[-3], from_parts(*row[-2:])) for row in rows]
