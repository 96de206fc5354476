"""The parts of the dashboard that say where to look: owners, the pipeline, and quiet accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Date, Select, and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from quarterdeck_crm.accounts.services import days_ago, has_been_idle
from quarterdeck_crm.deals.board import Total, read_totals
from quarterdeck_crm.deals.stages import list_stages
from quarterdeck_crm.models import Account, DealStage, Order, OrderSum, StageKind, User
from quarterdeck_crm.models.order_sum import ALL_TIME
from quarterdeck_crm.models.sums import from_parts
from quarterdeck_crm.orders.sums import ACCOUNT, OWNER

from .services import BEST, best_sums, month_of, months_before

MAX_OWNERS = 20
IDLE_DAYS = 90
# Quiet accounts are looked for among so many that bought most: the cost does not grow.
LOOKED_AT = 200
_TWO_USERS = select(User.id).limit(2)


@dataclass(frozen=True, slots=True)
class OwnerSales:
    """The sales of an owner in a month and in the month before it; no id is no owner."""

    owner_id: int | None
    name: str | None
    orders: int
    net: Decimal
    before: Decimal


@dataclass(frozen=True, slots=True)
class QuietAccount:
    """An account that has not ordered for some time, with its sales of all time."""

    id: int
    name: str
    net: Decimal
    last: date


@dataclass(frozen=True, slots=True)
class Step:
    """An open stage with its deals by currency."""

    stage: DealStage
    totals: Sequence[Total]

    @property
    def number(self) -> int:
        return sum(total.number for total in self.totals)


async def sales_by_owner(
    session: AsyncSession, *, currency: str, month: date, limit: int = MAX_OWNERS
) -> list[OwnerSales]:
    """Return the owners that sold most in a month."""
    values = {
        "currency": currency,
        "period": month_of(month),
        "before": month_of(months_before(month, 1)),
    }
    return [
        OwnerSales(id_ or None, name, orders, from_parts(*net[:2]), from_parts(*net[2:]))
        for id_, name, orders, *net in await session.execute(_by_owner(limit), values)
    ]


@cache
def _by_owner(limit: int) -> Select[Any]:
    before = aliased(OrderSum)
    best = best_sums(OWNER, limit).subquery()
    rows = best.c
    same = and_(
        before.series == OWNER,
        before.currency == rows.currency,
        before.period == bindparam("before"),
        before.subject_id == rows.subject_id,
    )
    return (
        select(
            rows.subject_id,
            User.name,
            rows.number,
            rows.whole,
            rows.millionths,
            func.coalesce(before.whole, 0),
            func.coalesce(before.millionths, 0),
        )
        .outerjoin(User, User.id == rows.subject_id)
        .outerjoin(before, same)
        .where(rows.number > 0)
        .order_by(rows.whole.desc(), rows.millionths.desc(), rows.subject_id.desc())
    )


async def quiet_accounts(
    session: AsyncSession, *, currency: str, days: int = IDLE_DAYS, limit: int = BEST
) -> list[QuietAccount]:
    """Return the best accounts of all time that have not ordered for some days."""
    values = {"currency": currency, "period": ALL_TIME, "since": days_ago(days)}
    return [
        QuietAccount(id_, name, from_parts(*net), day)
        for id_, name, *net, day in await session.execute(_quiet(limit), values)
    ]


@cache
def _quiet(limit: int) -> Select[Any]:
    best = best_sums(ACCOUNT, LOOKED_AT).subquery()
    rows = best.c
    last = (
        select(func.max(Order.ordered_on))
        .where(Order.account_id == Account.id)
        .correlate(Account)
        .scalar_subquery()
    )
    return (
        select(Account.id, Account.name, rows.whole, rows.millionths, last)
        .join(best, rows.subject_id == Account.id)
        .where(
            rows.number > 0,
            Account.archived_at.is_(None),
            has_been_idle(bindparam("since", type_=Date)),
        )
        .order_by(rows.whole.desc(), rows.millionths.desc(), rows.subject_id.desc())
        .limit(limit)
    )


async def read_pipeline(session: AsyncSession) -> list[Step]:
    """Return the open stages in their order, each with the sums of its deals."""
    totals = await read_totals(session)
    return [
        Step(stage, totals.get(stage.id, ()))
        for stage in await list_stages(session)
        if stage.kind is StageKind.OPEN
    ]


async def is_alone(session: AsyncSession) -> bool:
    """Whether there is one user only."""
    return len((await session.scalars(_TWO_USERS)).all()) < 2
