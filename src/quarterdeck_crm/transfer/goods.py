"""Importing the goods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from quarterdeck_crm.history.recording import assign
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import Good
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.models.columns import utc_now

from .csvfile import CSVFile, Row
from .extras import Wanted, wanted_in
from .importing import Import, Report, Source
from .seen import SeenBefore
from .tables import GOODS

_PLAIN = ("code", "name", "category", "unit", "price", "currency", "stock", "description")


async def import_goods(task: Import, files: Sequence[Source]) -> Report:
    """Import a file of goods.

    Goods that are there already take the values of the file, their stock too; columns that
    the file does not have stay as they are.

    Raises:
        ImportRefusedError: If the file has any mistake.
    """
    file = await task.open(files[0], GOODS, Good)
    for _ in task.passes():
        async with task.seen_keys() as seen_before:
            async for batch in task.batches(file):
                async with task.portion():
                    await _import(task, file, batch, seen_before)
    return task.report


async def _import(task: Import, file: CSVFile, batch: list[Row], seen_before: SeenBefore) -> None:
    keys = {code_key(row.values["code"]) for row in batch}
    seen = await seen_before(keys)
    found = await task.session.scalars(select(Good).where(Good.code_key.in_(keys)))
    goods = {good.code_key: good for good in found}
    made: list[Good] = []
    extras: dict[Good, Wanted] = {}
    present: set[Good] = set()
    changed: set[Good] = set()
    for row in batch:
        code = row.values["code"]
        key = code_key(code)
        if key in seen:
            text = N_("'code' %(code)s stands in the file twice")
            task.mistakes.add(file.name, row.line, text, code=code)
            continue
        seen.add(key)
        if good := goods.get(key):
            if good.code != code:
                task.other_spelling(file, row, good.code)
                continue
            present.add(good)
            if assign(good, _values(row, good)):
                changed.add(good)
        else:
            good = Good(stock=0, currency=task.currency)
            assign(good, _values(row, good))
            made.append(good)
        extras[good] = wanted_in(row.values)
    await task.add(made)
    retagged = await task.write_extras(Good, extras) & present
    for good in retagged:
        good.updated_at = utc_now()  # a new version of the good
    changed |= retagged
    task.report.updated += len(changed)
    task.report.unchanged += len(present - changed)


def _values(row: Row, good: Good) -> dict[str, Any]:
    values = {name: row.values[name] for name in _PLAIN if name in row.values}
    if not values.get("currency"):
        values.pop("currency", None)
    if "archived" in row.values and row.values["archived"] != good.is_archived:
        values["archived_at"] = utc_now() if row.values["archived"] else None
    return values
