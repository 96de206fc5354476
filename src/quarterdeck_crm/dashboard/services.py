"""The figures of the dashboard, in a few grouped queries.

Sales are confirmed, shipped and paid orders: drafts are wishes, cancelled orders are history.
Amounts of different currencies are never added up.

The cost with very many orders: ``read_standing`` reads one index from end to end, which
nothing else here does; the months are a range of the same index, and the best are taken from
at most ``MAX_SUMMED`` sales, the latest. Order lines are counted up to ``MAX_LINES``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.extensions import mail, scheduler
from quarterdeck_crm.models import Account, Good, Order, OrderLine, OrderState
from quarterdeck_crm.models.sums import large_sum
from quarterdeck_crm.orders.states import OPEN
from quarterdeck_crm.orders.states import TAKEN as SOLD

MONTHS = 12
BEST = 8
MAX_SUMMED = 20_000
MAX_LINES = 50_000


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of everything, and how much of it is put away.

    ``lines`` is counted up to one more than ``MAX_LINES``.
    """

    accounts: int
    archived_accounts: int
    goods: int
    archived_goods: int
    lines: int


@dataclass(frozen=True, slots=True)
class Stand:
    """The orders of one currency in one state."""

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

    def sold(self, currency: str) -> int:
        """Return the number of sales in a currency."""
        return sum(r.orders for r in self.rows if r.currency == currency and r.state in SOLD)

    def latest_sale(self, currency: str) -> date:
        """Return the day of the last sale in one of the currencies of ``sales``."""
        return max(r.latest for r in self.rows if r.currency == currency and r.state in SOLD)


async def count_everything(session: AsyncSession) -> Counts:
    """Count accounts, goods and order lines in one statement."""
    parts = (
        select(func.count(Account.id)),
        select(func.count(Account.archived_at)),
        select(func.count(Good.id)),
        select(func.count(Good.archived_at)),
        select(func.count()).select_from(select(OrderLine.id).limit(MAX_LINES + 1).subquery()),
    )
    row = (await session.execute(select(*(part.scalar_subquery() for part in parts)))).one()
    return Counts(*row)


async def read_standing(session: AsyncSession) -> Standing:
    """Return the orders and their net by currency and state."""
    statement = select(
        Order.currency,
        Order.state,
        func.count(Order.id),
        large_sum(Order.net),
        func.max(Order.ordered_on),
    ).group_by(Order.currency, Order.state)
    rows = await session.execute(statement.order_by(Order.currency, Order.state))
    return Standing(tuple(Stand(*row) for row in rows))


async def sales_by_month(
    session: AsyncSession, *, currency: str, until: date, months: int = MONTHS
) -> list[Month]:
    """Return the sales of each of the last months, that of ``until`` included, none left out."""
    first = _months_before(until, months - 1)
    # By day and not by month, so that the index has the groups in order.
    statement = (
        select(Order.ordered_on, large_sum(Order.net), func.count(Order.id))
        .where(*_sold(currency, first))
        .group_by(Order.state, Order.ordered_on)
    )
    found: dict[date, Month] = {}
    for day, net, orders in await session.execute(statement):
        month = day.replace(day=1)
        before = found.get(month, Month(month, Decimal(0), 0))
        found[month] = Month(month, before.net + net, before.orders + orders)
    days = [_months_before(until, back) for back in reversed(range(months))]
    return [found.get(day, Month(day, Decimal(0), 0)) for day in days]


def best_since(standing: Standing, currency: str, months: Sequence[Month]) -> date | None:
    """Return from when on the best are looked for; None while all sales are few enough."""
    if standing.sold(currency) <= MAX_SUMMED:
        return None
    since, orders = months[-1].day, 0
    for month in reversed(months):
        orders += month.orders
        if orders > MAX_SUMMED:
            break
        since = month.day
    return since


async def best_accounts(
    session: AsyncSession, *, currency: str, since: date | None = None, limit: int = BEST
) -> list[Best]:
    """Return the accounts that bought most, with the number of their orders."""
    net = large_sum(Order.net)
    best = (
        select(Order.account_id, net.label("net"), func.count(Order.id).label("number"))
        .where(*_sold(currency, since))
        .group_by(Order.account_id)
        .order_by(net.desc(), Order.account_id)
        .limit(limit)
        .subquery()
    )
    statement = (
        select(Account.id, Account.name, best.c.net, best.c.number)
        .join(best, best.c.account_id == Account.id)
        .order_by(best.c.net.desc(), Account.id)
    )
    return await _read_best(session, statement)


async def best_goods(
    session: AsyncSession, *, currency: str, since: date | None = None, limit: int = BEST
) -> list[Best]:
    """Return the goods that sold best, with the number of pieces."""
    net = large_sum(OrderLine.amount)
    best = (
        select(OrderLine.good_id, net.label("net"), func.sum(OrderLine.quantity).label("number"))
        .join(Order, OrderLine.order_id == Order.id)
        .where(*_sold(currency, since))
        .group_by(OrderLine.good_id)
        .order_by(net.desc(), OrderLine.good_id)
        .limit(limit)
        .subquery()
    )
    statement = (
        select(Good.id, Good.name, best.c.net, best.c.number)
        .join(best, best.c.good_id == Good.id)
        .order_by(best.c.net.desc(), Good.id)
    )
    return await _read_best(session, statement)


async def _read_best(
    session: AsyncSession, statement: Select[int, str, Decimal, int]
) -> list[Best]:
    # MySQL sums integers to DECIMAL.
    return [
        Best(id_, name, net, int(number))
        for id_, name, net, number in await session.execute(statement)
    ]


def _sold(currency: str, since: date | None = None) -> list[ColumnElement[bool]]:
    conditions = [Order.currency == currency, Order.state.in_(SOLD)]
    return conditions if since is None else [*conditions, Order.ordered_on >= since]


def _months_before(day: date, months: int) -> date:
    """Return the first day of the month that lies so many months before a day's."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


async def count_failures() -> dict[str, int]:
    """Return how many mails were given up, and how many jobs failed at their latest run."""
    # Each job by itself: among the latest runs of all are mostly those of jobs of each minute.
    failed = 0
    for job in await scheduler.get_jobs():
        failed += any(run.is_failure for run in await scheduler.get_runs(job.id, limit=1))
    return {"mails": (await mail.outbox.status()).dead, "jobs": failed}
