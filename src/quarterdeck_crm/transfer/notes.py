"""Importing notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.orm import InstrumentedAttribute

from quarterdeck_crm.history.recording import assign
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import Deal, Note, Order, Person, Task
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.search.merges import STAYING_PERSON_ID

from .csvfile import CSVFile, Row
from .importing import Import, Report, Source
from .seen import SeenBefore
from .tables import NOTES

_BY_REFERENCE: dict[str, tuple[InstrumentedAttribute[str], SQLColumnExpression[int]]] = {
    "deal": (Deal.reference, Deal.id),
    "person": (Person.reference, STAYING_PERSON_ID),
    "task": (Task.reference, Task.id),
}
Key = tuple[str, str]  # the kind of a record, and its name in the file


async def import_notes(task: Import, files: Sequence[Source]) -> Report:
    """Import a file of notes.

    Notes that are there already, by their reference, take the text of the file; a note never
    changes its record. Nobody is notified, because the notes were written earlier. They have no
    line of history: the timeline of the record shows them with their own author and time.

    Raises:
        ImportRefusedError: If the file has any mistake.
    """
    file = await task.open(files[0], NOTES)
    for _pass in task.passes():
        async with task.seen_keys() as seen_before:
            async for batch in task.batches(file):
                async with task.portion():
                    await _import(task, file, batch, seen_before)
    return task.report


async def _import(task: Import, file: CSVFile, batch: list[Row], seen_before: SeenBefore) -> None:
    references = {row.values["reference"] for row in batch}
    seen = await seen_before(references)
    found = await task.session.scalars(select(Note).where(Note.reference.in_(references)))
    notes = {note.reference: note for note in found}
    records = await _records(task, batch)
    made: list[Note] = []
    for row in batch:
        given = row.values
        reference, key = given["reference"], (given["record_kind"], given["record"])
        author_id = await task.owner_id(file, row, column="author")
        record_id, note = records.get(key), notes.get(reference)
        text = None
        if reference in seen:
            text = N_("'reference' %(reference)s stands in the file twice")
        elif record_id is None:
            text = N_(
                "'record' is '%(record)s', but there is no such record of the kind '%(kind)s'"
            )
        elif note is not None and note.removed_at is not None:
            text = N_("'reference' %(reference)s is a note that was removed. Leave it out")
        elif note is not None and (note.subject_type, note.subject_id) != (key[0], record_id):
            text = N_("'record' is '%(record)s', but the note belongs to another record")
        if text:
            task.mistakes.add(
                file.name, row.line, text, reference=reference, record=key[1], kind=key[0]
            )
            continue
        seen.add(reference)
        values = _values(row, note, author_id)
        if note is None:
            made.append(
                Note(reference=reference, subject_type=key[0], subject_id=record_id, **values)
            )
        else:
            changed = bool(assign(note, values))
            task.report.updated += changed
            task.report.unchanged += not changed
    task.report.created += len(made)
    if not task.is_check:
        task.session.add_all(made)
        await task.session.flush()


def _values(row: Row, note: Note | None, author_id: int | None) -> dict[str, Any]:
    given = row.values
    values: dict[str, Any] = {"body": given["text"]}
    if "author" in given:
        values["author_id"] = author_id
    if given.get("written_at"):
        values["created_at"] = given["written_at"]
    if "edited_at" in given:
        values["edited_at"] = given["edited_at"]
    elif note is not None and note.body != values["body"]:
        values["edited_at"] = utc_now()
    return values


async def _records(task: Import, batch: list[Row]) -> dict[Key, int]:
    """Return the ids of the records that the rows name, in a few statements."""
    named: dict[str, set[str]] = {}
    for row in batch:
        named.setdefault(row.values["record_kind"], set()).add(row.values["record"])
    found: dict[Key, int] = {}
    for kind, names in named.items():
        if kind == "account":
            ids = await task.account_ids(names)
        elif kind == "order":
            keys = {name: code_key(name) for name in names}
            by_key = await task.ids_by(keys.values(), Order.number_key, Order.id)
            ids = {name: by_key[key] for name, key in keys.items() if key in by_key}
        else:
            ids = await task.ids_by(names, *_BY_REFERENCE[kind])
        found |= {(kind, name): id_ for name, id_ in ids.items()}
    return found
