"""Importing tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from quarterdeck_crm.history.recording import assign
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import Deal, Order, Priority, Repeat, Task
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.tasks.rules import complete_values
from quarterdeck_crm.validation import Problems

from .csvfile import CSVFile, Row
from .importing import Import, Report, Source
from .seen import SeenBefore
from .tables import TASKS
from .texts import RULE, Text

NO_ACCOUNT = N_("'account' is '%(name)s', but there is no account of this name")
NO_DEAL = N_("'deal' is '%(name)s', but there is no deal of this reference")
NO_CONTACT = N_("'contact' is '%(reference)s', but the account has no person of this reference")
NO_ORDER = N_("'order' is '%(name)s', but there is no order of this name")
_PLAIN = (
    "title", "details", "due_on", "due_time", "zone", "repeat", "repeat_every", "repeat_until",
    "remind_on", "remind_time",
)  # fmt: skip


class _Records(NamedTuple):
    """The records that the rows of a batch name, each by its name in the file.

    Attributes:
        accounts: Ids.
        orders: Ids, and those of their accounts.
        deals: Ids, and those of their accounts.
        contacts: Ids by account and person.
    """

    accounts: Mapping[str, int]
    orders: Mapping[str, tuple[int, int]]
    deals: Mapping[str, tuple[int, int]]
    contacts: Mapping[tuple[int | None, str], int]


async def import_tasks(task: Import, files: Sequence[Source]) -> Report:
    """Import a file of tasks.

    Tasks that are there already, by their reference, take the values of the file; columns that
    the file does not have stay as they are.

    Raises:
        ImportRefusedError: If the file has any mistake.
    """
    file = await task.open(files[0], TASKS)
    for _ in task.passes():
        async with task.seen_keys() as seen_before:
            async for batch in task.batches(file):
                async with task.portion():
                    await _import(task, file, batch, seen_before)
    return task.report


async def _import(task: Import, file: CSVFile, batch: list[Row], seen_before: SeenBefore) -> None:
    references = {row.values["reference"] for row in batch}
    seen = await seen_before(references)
    found = await task.session.scalars(select(Task).where(Task.reference.in_(references)))
    tasks = {each.reference: each for each in found}
    records = _Records(
        await task.account_ids(_named("account", batch)),
        await _orders(task, _named("order", batch)),
        await _deals(task, _named("deal", batch)),
        await task.contact_ids(_named("contact", batch)),
    )
    made: list[Task] = []
    for row in batch:
        reference = row.values["reference"]
        if reference in seen:
            text = N_("'reference' %(reference)s stands in the file twice")
            task.mistakes.add(file.name, row.line, text, reference=reference)
            continue
        seen.add(reference)
        here = tasks.get(reference)
        values = await _values(task, file, row, here, records)
        if values is None:
            continue
        if here is None:
            made.append(Task(reference=reference, **values))
        else:
            changed = bool(assign(here, values))
            task.report.updated += changed
            task.report.unchanged += not changed
    await task.add(made)


def _named(column: str, batch: list[Row]) -> set[str]:
    return {row.values[column] for row in batch if row.values.get(column)}


async def _orders(task: Import, numbers: set[str]) -> dict[str, tuple[int, int]]:
    """Return the ids of orders and of their accounts by the numbers of a file."""
    keys = {code_key(number): number for number in numbers}
    columns = (Order.number_key, Order.id, Order.account_id)
    found = select(*columns).where(Order.number_key.in_(keys))
    rows = (await task.session.execute(found)).all()
    stays = await task.staying(account_id for _key, _id, account_id in rows)
    return {keys[key]: (id_, stays[account_id]) for key, id_, account_id in rows}


async def _deals(task: Import, references: set[str]) -> dict[str, tuple[int, int]]:
    """Return the ids of deals and of their accounts by the references of a file."""
    columns = (Deal.reference, Deal.id, Deal.account_id)
    found = select(*columns).where(Deal.reference.in_(references))
    rows = (await task.session.execute(found)).all()
    stays = await task.staying(account_id for _reference, _id, account_id in rows)
    return {reference: (id_, stays[account_id]) for reference, id_, account_id in rows}


async def _values(
    task: Import,
    file: CSVFile,
    row: Row,
    here: Task | None,
    records: _Records,
) -> dict[str, Any] | None:
    """Return the columns of the task of a row; None if the row is a mistake."""
    given = row.values
    values = {name: given[name] for name in _PLAIN if name in given}
    if values.get("repeat"):
        values["repeat"] = Repeat(values["repeat"])
    if given.get("priority"):
        values["priority"] = int(Priority[given["priority"].upper()])
    for name, default in (("zone", "UTC"), ("repeat_every", 1)):
        if name in values and values[name] is None:
            values[name] = default
    if "assignee" in given:
        values["assignee_id"] = await task.owner_id(file, row, column="assignee")
    if "account" in given:
        values["account_id"] = records.accounts.get(given["account"] or "")
    for name, found in (("order", records.orders), ("deal", records.deals)):
        if name in given:
            id_, account_id = found.get(given[name] or "", (None, values.get("account_id")))
            values |= {f"{name}_id": id_, "account_id": account_id}
    if "contact" in given:
        place = values.get("account_id"), given["contact"]
        values["contact_id"] = records.contacts.get(place)
        if given["contact"] and values["contact_id"] is None:
            task.mistakes.add(file.name, row.line, NO_CONTACT, reference=given["contact"])
            return None
    for name, ids, text in (
        ("account", records.accounts, NO_ACCOUNT),
        ("order", records.orders, NO_ORDER),
        ("deal", records.deals, NO_DEAL),
    ):
        if given.get(name) and given[name] not in ids:
            task.mistakes.add(file.name, row.line, text, name=given[name])
            return None
    if "done" in given and given["done"] != (here is not None and here.is_done):
        values |= {"is_done": given["done"], "done_at": utc_now() if given["done"] else None}
    problems = Problems()
    whole = await complete_values(problems, values, here)
    for field, texts in problems.errors.items():
        task.mistakes.add(file.name, row.line, RULE, field=field, text=Text(texts[0]))
    return None if problems.errors else values | whole
