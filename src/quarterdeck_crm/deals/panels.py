"""The open deals on the page of a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck_crm.models import Deal, StageKind, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.sums import from_parts, millionths_sum, whole_sum
from quarterdeck_crm.search.conditions import contacts_of, without_index

MAX_OF_RECORD = 5


@dataclass(frozen=True, slots=True)
class DealPanel:
    """The open deals of an account.

    Attributes:
        deals: Those expected next, with stage and owner; not all of them.
        number: How many there are.
        values: The value of all by currency.
        today: The present day in UTC, after which a deal is not late.
    """

    deals: Sequence[Deal]
    number: int
    values: dict[str, Decimal]
    today: date


async def read_deal_panel(session: AsyncSession, *, account_id: int) -> DealPanel:
    """Return the open deals of an account, in two statements."""
    is_open = Deal.account_id == account_id, Deal.kind == StageKind.OPEN
    deals = await _next_of(session, is_open)
    totals = (
        select(Deal.currency, func.count(), whole_sum(Deal.value), millionths_sum(Deal.value))
        .where(*is_open)
        .group_by(Deal.currency)
        .order_by(Deal.currency)
    )
    rows = (await session.execute(totals)).all()
    return DealPanel(
        deals,
        sum(number for _, number, *_ in rows),
        {currency: from_parts(*value) for currency, _, *value in rows},
        utc_now().date(),
    )


@dataclass(frozen=True, slots=True)
class PersonDeals:
    """The open deals of a person with all of its accounts.

    Attributes:
        deals: Those expected next, with stage and owner; not all of them.
        today: The present day in UTC, after which a deal is not late.
    """

    deals: Sequence[Deal]
    today: date


async def read_person_deals(session: AsyncSession, *, person_id: int) -> PersonDeals:
    """Return the open deals of a person, in one statement."""
    of_person = Deal.contact_id.in_(contacts_of(person_id))
    is_open = of_person, without_index(Deal.kind) == StageKind.OPEN  # a person has few deals
    return PersonDeals(await _next_of(session, is_open), utc_now().date())


async def _next_of(session: AsyncSession, is_open: Sequence[ColumnElement[bool]]) -> Sequence[Deal]:
    statement = (
        select(Deal)
        .where(*is_open)
        .order_by(Deal.expected_on.is_(None), Deal.expected_on, Deal.id)
        .limit(MAX_OF_RECORD)
        .options(joinedload(Deal.stage), joinedload(Deal.owner).load_only(User.name))
    )
    return (await session.scalars(statement)).all()
