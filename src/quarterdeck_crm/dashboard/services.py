"""The figures of the dashboard, in a few short queries.

Sales are confirmed, shipped and paid orders: drafts are wishes, cancelled orders are history.
Amounts of different currencies are never added up.

Figures of all orders are read from ``OrderSum``, so the cost does not grow with the orders, only
with months, states and currencies.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.extensions import mail, scheduler
from quarterdeck_crm.listing import MAX_COUNTED
from quarterdeck_crm.models import Account, Good, OrderState, OrderSum
from quarterdeck_crm.models.order_sum import ALL_TIME
from quarterdeck_crm.models.sums import from_parts
from quarterdeck_crm.orders.states import OPEN
from quarterdeck_crm.orders.states import TAKEN as SOLD
from quarterdeck_crm.orders.sums import ACCOUNT, GOOD

MONTHS = 12
BEST = 8


_SALES = select(OrderSum.period, OrderSum.number, OrderSum.whole, OrderSum.millionths).where(
    OrderSum.series.in_([state.value for state in SOLD]),
    OrderSum.currency == bindparam("currency"),
    OrderSum.period.in_(bindparam("periods", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is in use, and how much is put away.

    Each is counted up to one more than ``MAX_COUNTED``.
    """

    accounts: int
    archived_accounts: int
    goods: int
    archived_goods: int


@dataclass(frozen=True, slots=True)
class Stand:
    """The orders of one currency in one state; ``latest`` is the first day of the last month."""

    currency: str
    state: OrderState
    orders: int
    net: Decimal
    latest: date


@dataclass(frozen=True, slots=True)
class Best:
    """An account or a good among the best, with its sales."""

    id: int
    name: str
    net: Decimal
    number: int


class Month(NamedTuple):
    """The sales of a month in one currency."""

    day: date
    net: Decimal
    orders: int

    @property
    def last_day(self) -> date:
        return last_day_of(self.day)


@dataclass(frozen=True, slots=True)
class Standing:
    """All orders by currency and state."""

    rows: tuple[Stand, ...]

    @property
    def orders(self) -> int:
        return sum(row.orders for row in self.rows)

    @property
    def sales(self) -> dict[str, Decimal]:
        """The net sales by currency, the currency of most orders first."""
        orders: dict[str, int] = {}
        net: dict[str, Decimal] = {}
        for row in self.rows:
            if row.state in SOLD:
                orders[row.currency] = orders.get(row.currency, 0) + row.orders
                net[row.currency] = net.get(row.currency, Decimal(0)) + row.net
        return {currency: net[currency] for currency in sorted(net, key=lambda c: (-orders[c], c))}

    @property
    def open(self) -> list[tuple[OrderState, list[Stand]]]:
        """The states in which an order still needs work, with their orders."""
        return [(state, [row for row in self.rows if row.state is state]) for state in OPEN]

    def latest_sale(self, currency: str) -> date:
        """Return the month of the last sale in one of the currencies of ``sales``."""
        return max(r.latest for r in self.rows if r.currency == currency and r.state in SOLD)


async def count_everything(session: AsyncSession) -> Counts:
    """Count accounts and goods in one statement."""
    row = (await session.execute(_everything())).one()
    return Counts(*row)


@cache
def _everything() -> Select[Any]:
    few = [
        select(model.id).where(condition).limit(MAX_COUNTED + 1).subquery()
        for model in (Account, Good)
        for condition in (model.archived_at.is_(None), model.archived_at.is_not(None))
    ]
    parts = [select(func.count()).select_from(each) for each in few]
    return select(*(part.scalar_subquery() for part in parts))


async def read_standing(session: AsyncSession) -> Standing:
    """Return the orders and their net by currency and state."""
    # MySQL sums integers to DECIMAL.
    return Standing(
        tuple(
            Stand(currency, OrderState(state), int(orders), from_parts(*net), first_day_of(month))
            for currency, state, orders, *net, month in await session.execute(_standing())
        )
    )


@cache
def _standing() -> Select[str, str, int, int, int, int]:
    by = (OrderSum.currency, OrderSum.series)
    sums = (func.sum(OrderSum.number), func.sum(OrderSum.whole), func.sum(OrderSum.millionths))
    return (
        select(*by, *sums, func.max(OrderSum.period))
        .where(OrderSum.series.in_([state.value for state in OrderState]), OrderSum.number > 0)
        .group_by(*by)
        .order_by(*by)
    )


async def sales_by_month(
    session: AsyncSession, *, currency: str, months: Collection[date]
) -> dict[date, Month]:
    """Return the sales of some months by their first day, none left out."""
    values = {"currency": currency, "periods": [month_of(day) for day in months]}
    found: dict[date, Month] = {day: Month(day, Decimal(0), 0) for day in months}
    for period, orders, *net in await session.execute(_SALES, values):
        day = first_day_of(period)
        _, before, number = found[day]
        found[day] = Month(day, before + from_parts(*net), number + orders)
    return found


async def best_accounts(session: AsyncSession, *, currency: str, limit: int = BEST) -> list[Best]:
    """Return the accounts that bought most, with the number of their orders."""
    return await _best(session, Account, ACCOUNT, currency, limit)


async def best_goods(session: AsyncSession, *, currency: str, limit: int = BEST) -> list[Best]:
    """Return the goods that sold best, with the number of pieces."""
    return await _best(session, Good, GOOD, currency, limit)


def best_sums(series: str, limit: int) -> Select[Any]:
    """Return the statement for the largest sums of a series, the largest first.

    Its parameters are ``currency`` and ``period``.
    """
    # All in one direction, so that an index has the rows in order.
    most = (OrderSum.whole.desc(), OrderSum.millionths.desc(), OrderSum.subject_id.desc())
    of_series = (
        OrderSum.series == series,
        OrderSum.currency == bindparam("currency"),
        OrderSum.period == bindparam("period"),
    )
    return select(OrderSum).where(*of_series).order_by(*most).limit(limit)


async def _best(
    session: AsyncSession, model: type[Account | Good], series: str, currency: str, limit: int
) -> list[Best]:
    values = {"currency": currency, "period": ALL_TIME}
    return [
        Best(id_, name, from_parts(*net), number)
        for id_, name, *net, number in await session.execute(_named(model, series, limit), values)
    ]


@cache
def _named(model: type[Account | Good], series: str, limit: int) -> Select[Any]:
    rows = best_sums(series, limit).subquery().c
    return (
        select(model.id, model.name, rows.whole, rows.millionths, rows.number)
        .join(model, rows.subject_id == model.id)
        .where(rows.number > 0)
        .order_by(rows.whole.desc(), rows.millionths.desc(), model.id.desc())
    )


def month_of(day: date) -> int:
    """Return the period of the month of a day."""
    return day.year * 100 + day.month


def first_day_of(month: int) -> date:
    """Return the first day of a month."""
    return date(month // 100, month % 100, 1)


def months_before(day: date, months: int) -> date:
    """Return the first day of the month that lies so many months before a day's."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def months_until(day: date, months: int = MONTHS) -> list[date]:
    """Return the first days of the last months, that of ``day`` included."""
    return [months_before(day, back) for back in reversed(range(months))]


def last_day_of(day: date) -> date:
    """Return the last day of the month of a day."""
    return months_before(day, -1) - timedelta(days=1)


async def count_failures() -> dict[str, int]:
    """Return how many mails were given up, and how many jobs failed at their latest run."""
    latest = await scheduler.get_latest_runs(await scheduler.get_jobs())
    failed = sum(run.is_failure for run in latest.values())
    return {"mails": (await mail.outbox.status()).dead, "jobs": failed}
