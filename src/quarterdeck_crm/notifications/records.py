"""The records that notes and notifications are about, by the names of their tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from quart import url_for
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import MergedError, NotFoundError
from quarterdeck_crm.mail.links import public_url
from quarterdeck_crm.models import Account, Deal, Order, Person, Task, User

Record = Account | Deal | Order | Person | Task
Key = tuple[str, int]  # the table and the id of a record


@dataclass(frozen=True, slots=True)
class RecordKind:
    """A kind of record.

    Attributes:
        model: Its model.
        name: The attribute with the words for it.
        owner: The attribute with its user, if it has one.
        endpoint: Its page.
        argument: The argument of the page.
    """

    model: type[Any]
    name: str
    owner: str | None
    endpoint: str
    argument: str


KINDS = {
    "account": RecordKind(Account, "name", "owner_id", "accounts.show", "account_id"),
    "deal": RecordKind(Deal, "name", "owner_id", "deals.show", "deal_id"),
    "order": RecordKind(Order, "number", "owner_id", "orders.show", "order_id"),
    "person": RecordKind(Person, "name", None, "people.show", "person_id"),
    "task": RecordKind(Task, "title", "assignee_id", "tasks.show", "task_id"),
}

# What notifications can be about beside records.
SUBJECTS = KINDS | {"user": RecordKind(User, "name", None, "team.show", "user_id")}


async def get_record(session: AsyncSession, kind: str, record_id: int) -> Record:
    """Return a record as it is now.

    Raises:
        MergedError: If it became part of another one.
        NotFoundError: If there is none.
    """
    found = KINDS.get(kind)
    record: Record | None = None
    if found is not None:
        record = await session.get(found.model, record_id, populate_existing=True)
    if record is None:
        raise NotFoundError(_("There is no such record. It may have been deleted."))
    if isinstance(record, Account | Person) and record.merged_into_id is not None:
        raise MergedError(kind, record.merged_into_id)
    return record


def name_of(record: Record | User) -> str:
    """Return the words for a record or a user."""
    return str(getattr(record, SUBJECTS[record.__tablename__].name))


def owner_of(record: Record) -> int | None:
    """Return the id of the user that a record belongs to."""
    owner = KINDS[record.__tablename__].owner
    id_: int | None = getattr(record, owner) if owner is not None else None
    return id_


def record_url(kind: str, record_id: int, **values: Any) -> str:
    """Return the address of the page of a record."""
    page = SUBJECTS[kind]
    values[page.argument] = record_id
    return url_for(page.endpoint, **values)


def note_url(kind: str, record_id: int, note_id: int) -> str:
    """Return the address of a note on the page of its record, however old the note is."""
    return record_url(kind, record_id, note=note_id, _anchor=f"note-{note_id}")


def public_record_url(kind: str, record_id: int, *, note_id: int | None = None) -> str:
    """Return the full address of the page of a record, or of a note there, for mail."""
    page = SUBJECTS[kind]
    if note_id is None:
        return public_url(page.endpoint, **{page.argument: record_id})
    url = public_url(page.endpoint, **{page.argument: record_id, "note": note_id})
    return f"{url}#note-{note_id}"


async def read_names(session: AsyncSession, keys: Iterable[Key]) -> Mapping[Key, str]:
    """Return the words for some records, in one statement for each kind."""
    ids: dict[str, set[int]] = defaultdict(set)
    for kind, record_id in keys:
        ids[kind].add(record_id)
    names: dict[Key, str] = {}
    for kind, wanted in ids.items():
        model, name = SUBJECTS[kind].model, SUBJECTS[kind].name
        statement = select(model.id, getattr(model, name)).where(model.id.in_(wanted))
        names |= {(kind, id_): words for id_, words in await session.execute(statement)}
    return names
