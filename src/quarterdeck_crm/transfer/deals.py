"""Importing deals with their lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from quarterdeck_crm.deals.stages import list_stages
from quarterdeck_crm.history.recording import assign
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import (
    Deal,
    DealLine,
    DealStage,
    Good,
    Order,
    StageKind,
)
from quarterdeck_crm.models.collation import code_key, same_key
from quarterdeck_crm.models.columns import utc_now

from .csvfile import CSVFile, Row, without_last
from .deal_values import Batch, Pass, values_of_deal
from .extras import Wanted, wanted_in
from .importing import Import, Report, Source
from .seen import SeenBefore
from .tables import DEALS


async def import_deals(task: Import, files: Sequence[Source]) -> Report:
    """Import a file of deals; several rows with one reference are the lines of one deal.

    Deals that are there already, by their reference, take the values of the file; columns that
    the file does not have stay as they are. With the column ``good`` they have exactly the lines
    of the file.

    Raises:
        ImportRefusedError: If the file has any mistake.
    """
    file = await task.open(files[0], DEALS, Deal)
    for _pass in task.passes():
        seen = await _begin(task)
        rest: list[Row] = []
        async with task.seen_keys() as seen_before:
            async for batch in task.batches(file):
                whole, rest = without_last([*rest, *batch])
                async with task.portion():
                    await _import(task, file, whole, seen, seen_before)
            async with task.portion():
                await _import(task, file, rest, seen, seen_before)
    return task.report


async def _begin(task: Import) -> Pass:
    stages = [*await list_stages(task.session)]
    task.session.expunge_all()  # all portions use them
    found: dict[str | int | None, DealStage] = {same_key(each.name): each for each in stages[::-1]}
    found |= {each.id: each for each in stages}
    for stage in stages:
        if stage.kind is StageKind.OPEN:
            found.setdefault(None, stage)
    counts = Counter(same_key(each.name) for each in stages)
    return Pass(found, {key for key, count in counts.items() if count > 1})


async def _import(
    task: Import, file: CSVFile, rows: list[Row], seen: Pass, seen_before: SeenBefore
) -> None:
    batch = await _find(task, rows)
    repeated = await seen_before(str(row.values["reference"]) for row in rows)
    made: list[Deal] = []
    met: set[Deal] = set()
    changed: set[Deal] = set()
    extras: dict[Deal, Wanted] = {}
    for reference, group in groupby(rows, key=lambda row: str(row.values["reference"])):
        rows_of_deal = [*group]
        if reference in repeated:
            task.mistakes.add(
                file.name,
                rows_of_deal[0].line,
                N_("'reference' %(word)s stands elsewhere in the file. Put its lines together"),
                word=reference,
            )
            continue
        repeated.add(reference)
        deal = batch.deals.get(reference)
        before = task.mistakes.count
        values = await values_of_deal(task, file, rows_of_deal, batch, seen, deal)
        if task.mistakes.count > before:
            continue
        lines = values.pop("lines", None)
        if deal is None:
            deal = Deal(reference=reference, lines=lines or [], **values)
            made.append(deal)
        else:
            met.add(deal)
            if assign(deal, values) | _replace(deal, lines):
                changed.add(deal)
        extras[deal] = wanted_in(rows_of_deal[0].values)
    await task.add(made)
    changed |= await task.write_extras(Deal, extras) & met
    for deal in changed:
        deal.updated_at = utc_now()  # a new version, also if only lines or tags changed
    task.report.updated += len(changed)
    task.report.unchanged += len(met - changed)


def _replace(deal: Deal, lines: list[DealLine] | None) -> dict[str, Any]:
    if lines is None or [*map(_entry, lines)] == [*map(_entry, deal.lines)]:
        return {}
    deal.lines = lines
    return {"lines": None}


def _entry(line: DealLine) -> tuple[Any, ...]:
    return line.good_id, line.quantity, line.price, line.discount


async def _find(task: Import, rows: list[Row]) -> Batch:
    def named(column: str) -> set[str]:
        return {row.values[column] for row in rows if row.values.get(column)}

    found = await task.session.scalars(
        select(Deal).where(Deal.reference.in_(named("reference"))).options(selectinload(Deal.lines))
    )
    numbers = {code_key(number) for number in named("order")}
    orders = await task.session.execute(
        select(Order.number_key, Order.id, Deal.reference)
        .outerjoin(Deal, Deal.order_id == Order.id)
        .where(Order.number_key.in_(numbers))
    )
    goods = await task.session.execute(
        select(Good.code_key, Good.id, Good.price, Good.currency).where(
            Good.code_key.in_({code_key(code) for code in named("good")})
        )
    )
    return Batch(
        {deal.reference: deal for deal in found},
        await task.account_ids(named("account")),
        await task.contact_ids(named("contact")),
        {key: (id_, reference) for key, id_, reference in orders},
        {key: (id_, price, currency) for key, id_, price, currency in goods},
    )
