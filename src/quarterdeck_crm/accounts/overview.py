"""The figures on top of the page of an account: whom to call, what is next, what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.deals.panels import DealPanel
from quarterdeck_crm.models import Account, Contact, Deal, OrderState, OrderSum, Task
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.sums import from_parts
from quarterdeck_crm.orders.sums import ACCOUNT


@dataclass(frozen=True, slots=True)
class YearSum:
    """The sales of a year in one currency."""

    currency: str
    orders: int
    net: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """What a seller looks for first.

    Attributes:
        contact: The main contact, or the first one.
        task: The next step, if it is a task.
        deal: The next step, if it is a deal.
        year: The present year.
        sales: Its confirmed, shipped and paid orders by currency.
    """

    contact: Contact | None
    task: Task | None
    deal: Deal | None
    year: int
    sales: Sequence[YearSum]


async def read_overview(
    session: AsyncSession,
    *,
    account: Account,
    contacts: Sequence[Contact],
    tasks: Sequence[Task],
    deals: DealPanel,
) -> Overview:
    """Return the figures of an account; one statement reads the sales.

    Args:
        session: The db session.
        account: The account.
        contacts: Its people, the main contact first.
        tasks: Its open tasks, those due next first.
        deals: Its open deals, those expected next first.
    """
    year = utc_now().year
    reached = [each for each in contacts if not each.person.is_archived]
    task, deal = next(iter(tasks), None), next(iter(deals.deals), None)
    if task is not None and deal is not None:
        is_deal_first = deal.expected_on is not None and (
            task.due_on is None or deal.expected_on < task.due_on
        )
        task, deal = (None, deal) if is_deal_first else (task, None)
    return Overview(
        contact=next(iter(reached), None),
        task=task,
        deal=deal,
        year=year,
        sales=await _sales(session, account, year),
    )


async def _sales(session: AsyncSession, account: Account, year: int) -> list[YearSum]:
    # The key of the sums has the currency before the period: with the currencies in use, which
    # the months of the states name, a row is found by its whole key.
    states = [state.value for state in OrderState]
    used = select(OrderSum.currency).where(OrderSum.series.in_(states)).distinct()
    statement = (
        select(OrderSum.currency, OrderSum.number, OrderSum.whole, OrderSum.millionths)
        .where(
            OrderSum.series == ACCOUNT,
            OrderSum.currency.in_(used),
            OrderSum.period == year,
            OrderSum.subject_id == account.id,
            OrderSum.number > 0,
        )
        .order_by(OrderSum.currency)
    )
    rows = await session.execute(statement)
    return [YearSum(currency, number, from_parts(*net)) for currency, number, *net in rows]
