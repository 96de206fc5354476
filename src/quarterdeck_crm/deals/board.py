"""The contents of the board of deals: the cards and the sums of each stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck_crm.models import Account, Deal, DealStage, StageKind, User
from quarterdeck_crm.models.sums import from_parts, millionths_sum, whole_sum
from quarterdeck_crm.search.conditions import without_index
from quarterdeck_crm.validation.numbers import row_id

from .queries import conditions
from .stages import list_stages

MAX_CARDS = 20  # of a column; the list of deals has the rest
MAX_ENDED = 8  # of a column for won or lost deals


@dataclass(frozen=True, slots=True)
class Total:
    """The deals of one currency in a stage; ``weighted`` counts each by its probability."""

    currency: str
    number: int
    value: Decimal
    weighted: Decimal


@dataclass(frozen=True, slots=True)
class DealColumn:
    """A stage with the deals that came to it last, and the sums of all.

    Attributes:
        stage: The stage of its deals.
        deals: The last moved first, with account and owner; not all of them.
        totals: By currency, for open stages; ended deals are not summed up.
    """

    stage: DealStage
    deals: Sequence[Deal]
    totals: Sequence[Total]

    @property
    def number(self) -> int:
        return sum(total.number for total in self.totals)


async def read_deals(
    session: AsyncSession, *, q: str, filters: Mapping[str, str], actor: User | None
) -> list[DealColumn]:
    """Return the columns of the pipeline, in three statements however many there are.

    ``filters`` are those of ``list_deals``; each column is a state, so ``state`` does not apply.

    Raises:
        ValidationError: If a range or a custom field cannot be read.
    """
    stages = await list_stages(session)
    wanted = await conditions(session, q, filters, actor)
    # A record has few of all deals: they are read by its index, not by that of the stages.
    of_record = any(row_id(filters.get(name, "")) is not None for name in ("account", "person"))
    cards = await _cards(session, stages, wanted, of_record=of_record)
    totals = await read_totals(session, wanted, of_record=of_record)
    return [
        DealColumn(
            stage, [deal for deal in cards if deal.stage_id == stage.id], totals.get(stage.id, ())
        )
        for stage in stages
    ]


async def _cards(
    session: AsyncSession,
    stages: Sequence[DealStage],
    wanted: list[ColumnElement[bool]],
    *,
    of_record: bool,
) -> Sequence[Deal]:
    if not stages:
        return ()
    stage_id: Any = without_index(Deal.stage_id) if of_record else Deal.stage_id
    last = (Deal.moved_at.desc(), Deal.id.desc())
    heads = [
        select(
            select(Deal.id)
            .where(stage_id == stage.id, *wanted)
            .order_by(*last)
            .limit(MAX_CARDS if stage.kind is StageKind.OPEN else MAX_ENDED)
            .subquery()
            .c.id
        )
        for stage in stages
    ]
    shown = union_all(*heads).subquery()
    statement = (
        select(Deal)
        .join(shown, shown.c.id == Deal.id)
        .options(
            joinedload(Deal.account).load_only(Account.name),
            joinedload(Deal.owner).load_only(User.name),
        )
        .order_by(*last)
    )
    return (await session.scalars(statement)).all()


async def read_totals(
    session: AsyncSession,
    wanted: Sequence[ColumnElement[bool]] = (),
    *,
    of_record: bool = False,
) -> Mapping[int, Sequence[Total]]:
    """Return the sums of the open deals by the id of the stage; ``wanted`` are conditions."""
    kind: Any = without_index(Deal.kind) if of_record else Deal.kind
    by = (Deal.stage_id, Deal.currency, Deal.probability)
    statement = (
        select(*by, func.count(), whole_sum(Deal.value), millionths_sum(Deal.value))
        .where(kind == StageKind.OPEN, *wanted)
        .group_by(*by)
        .order_by(*by)
    )
    found: dict[int, dict[str, list[Decimal]]] = defaultdict(dict)
    for stage_id, currency, probability, number, *parts in await session.execute(statement):
        value = from_parts(*parts)
        sums = found[stage_id].setdefault(currency, [Decimal(0), Decimal(0), Decimal(0)])
        sums[0] += number
        sums[1] += value
        sums[2] += value * probability / 100
    return {
        stage_id: [
            Total(currency, int(number), value, weighted)
            for currency, (number, value, weighted) in totals.items()
        ]
        for stage_id, totals in found.items()
    }
