"""Importing the goods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from quarterdeck_crm.history.recording import assign
from quarterdeck_crm.models import Good
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.models.columns import utc_now

from .csvfile import CSVFile, Row
from .importing import Import, Report, Source
from .tables import GOODS

_PLAIN = ("code", "name", "category", "unit", "price", "currency", "stock", "description")


async def import_goods(task: Import, files: Sequence[Source]) -> Report:
    """Import a file of goods.

    Goods that are there already take the values of the file, their stock too; columns that
    the file does not have stay as they are.

    Raises:
        ImportRefusedError: If the file has any mistake.
    """
    file = await task.open(files[0], GOODS)
    for _ in task.passes():
        seen: set[str] = set()
        async for batch in task.batches(file):
            async with task.portion():
                await _import(task, file, batch, seen)
    return task.report


async def _import(task: Import, file: CSVFile, batch: list[Row], seen: set[str]) -> None:
    keys = {code_key(row.values["code"]) for row in batch}
    found = await task.session.scalars(select(Good).where(Good.code_key.in_(keys)))
    goods = {good.code_key: good for good in found}
    made: list[Good] = []
    for row in batch:
        code = row.values["code"]
        key = code_key(code)
        if key in seen:
            task.mistakes.add(file.name, row.line, f"'code' {code} stands in the file twice")
            continue
        seen.add(key)
        if good := goods.get(key):
            if good.code != code:
                task.other_spelling(file, row, good.code)
                continue
            changed = bool(assign(good, _values(row, good)))
            task.report.updated += changed
            task.report.unchanged += not changed
        else:
            good = Good(stock=0, currency=task.currency)
            assign(good, _values(row, good))
            made.append(good)
    await task.add(made)


def _values(row: Row, good: Good) -> dict[str, Any]:
    values = {name: row.values[name] for name in _PLAIN if name in row.values}
    if not values.get("currency"):
        values.pop("currency", None)
    if "archived" in row.values and row.values["archived"] != good.is_archived:
        values["archived_at"] = utc_now() if row.values["archived"] else None
    return values
