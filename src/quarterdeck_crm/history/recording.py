"""Write and read the history: actor, action, row and time.

A line of history is written in the transaction of the change that it tells of, so there is
never one without the other. Edits also note the version they started from. So a user that
saves too late can be shown the changes since that version.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError

from quarterdeck_crm.errors import ClashError, StaleError
from quarterdeck_crm.events.announcements import announce_change
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import (
    Account,
    Activity,
    CustomValue,
    Deal,
    Good,
    Note,
    Notification,
    Order,
    Person,
    RecordTag,
    SavedView,
    Task,
    User,
)
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.search.word_index import index_rows

Subject = Account | Deal | Good | Order | Person | Task  # what several users may edit at once
VersionedRow = Subject | Note | SavedView
Changes = dict[str, Any]

VERSION = "version"  # the key in ``changes`` that holds the version an edit started from
MAX_SINCE = 50  # edits that a conflict lists; a user would not read more

STALE = {
    "account": _l("Another user changed this account after you opened it. Nothing was saved yet."),
    "deal": _l("Another user changed this deal after you opened it. Nothing was saved yet."),
    "good": _l("Another user changed this good after you opened it. Nothing was saved yet."),
    "note": _l("This note was changed after you opened it. Nothing was saved yet."),
    "order": _l("Another user changed this order after you opened it. Nothing was saved yet."),
    "person": _l("Another user changed this person after you opened it. Nothing was saved yet."),
    "saved_view": _l("Another user changed this view after you opened it. Nothing was saved."),
    "task": _l("Another user changed this task after you opened it. Nothing was saved yet."),
}
CLASH = _l(
    "Another save at the same moment used a value that must be unique, such as the code. "
    "Nothing was saved. Change the value and save again."
)


def record(
    session: AsyncSession,
    *,
    actor: User | None,
    subject: Subject,
    action: str,
    changes: Changes | None = None,
) -> Activity:
    """Add one line to the history of ``subject``, announce it, and return it.

    Args:
        session: The db session of the change itself.
        actor: The acting user; None is the system (the command line, an import).
        subject: A row with an id.
        action: A verb in the past, such as ``"created"`` or ``"confirmed"``.
        changes: ``{field: [before, after]}``, as ``assign`` returns it.
    """
    entry = Activity(
        actor_id=actor.id if actor else None,
        subject_type=subject.__tablename__,
        subject_id=subject.id,
        action=action,
        changes=changes or {},
    )
    session.add(entry)
    announce_change(
        session,
        subject,
        actor=actor,
        action=action,
        changes=entry.changes,
        is_new_version=action == "created" or VERSION in entry.changes,
    )
    return entry


def require_version(row: VersionedRow, version: int) -> None:
    """Refuse an edit that started from another version than the present one.

    Raises:
        StaleError: If the row has changed since.
    """
    if row.version != version:
        raise StaleError(STALE[row.__tablename__])


async def store(
    session: AsyncSession,
    *,
    actor: User | None,
    row: Subject,
    values: Mapping[str, Any],
    action: str = "changed",
    also: Changes | None = None,
) -> Changes:
    """Write new values and their line of history; nothing if nothing changes.

    Args:
        session: The db session.
        actor: The acting user; None is the system.
        row: The changed row. Its version grows, also if only its parts changed.
        values: The new values, ready for the columns.
        action: A verb in the past.
        also: Changes to parts of the row (the lines of an order), already made.

    Raises:
        StaleError: If another user wrote the row since it was read.
    """
    version = row.version
    changes = assign(row, values) | (also or {})
    if changes:
        row.updated_at = utc_now()
        await flush(session, row)
        record(
            session, actor=actor, subject=row, action=action, changes=changes | {VERSION: version}
        )
    return changes


async def set_archived(
    session: AsyncSession, *, actor: User | None, row: Account | Good | Person, archived: bool
) -> None:
    """Archive or restore a row; if it is in that state already, change nothing.

    Raises:
        StaleError: If another session changed the row since it was read.
    """
    if row.is_archived != archived:
        values = {"archived_at": utc_now() if archived else None}
        action = "archived" if archived else "restored"
        await store(session, actor=actor, row=row, values=values, action=action)


async def flush(session: AsyncSession, row: VersionedRow) -> None:
    """Write the pending changes of ``row``.

    Raises:
        StaleError: If another user wrote it since it was read.
        ClashError: If another row took a value that must be unique.
    """
    tablename = row.__tablename__
    try:
        await session.flush()
    except StaleDataError:
        raise StaleError(STALE[tablename]) from None
    except IntegrityError:
        raise ClashError(CLASH) from None


def assign(row: Any, values: Mapping[str, Any]) -> Changes:
    """Set attributes, and return those that truly changed as ``{field: [before, after]}``."""
    changes: Changes = {}
    for name, after in values.items():
        before = getattr(row, name)
        if before != after:
            setattr(row, name, after)
            changes[name] = [plain(before), plain(after)]
    return changes


def before(entries: Sequence[Activity]) -> Changes:
    """Return ``{field: value}`` as it was before some lines of history, newest first."""
    values: Changes = {}
    for entry in entries:
        changed = {name: change for name, change in entry.changes.items() if name != VERSION}
        values |= {name: change[0] for name, change in changed.items()}
    return values


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it, without loss."""
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case Decimal():
            return format(value.normalize(), "f")
        case enum.Enum():
            return value.value
        case date():
            return value.isoformat()
        case _:
            return value


async def forget(session: AsyncSession, subject: Subject) -> None:
    """Remove the history, notes, notifications, tags and fields of a row that is deleted.

    Another row may get its id. What others add at the same moment waits for the lock and is
    refused, see ``search.merges.hold``.
    """
    for own in (RecordTag, CustomValue):
        theirs = (own.kind == subject.__tablename__, own.record_id == subject.id)
        await session.execute(delete(own).where(*theirs))
    # After the tags and fields, as saves write them too: otherwise the two wait for each other.
    kind = type(subject)
    await session.execute(select(kind.id).where(kind.id == subject.id).with_for_update())
    of_it = Note.subject_type == subject.__tablename__, Note.subject_id == subject.id
    notes = (await session.scalars(select(Note.id).where(*of_it))).all()
    for model in (Activity, Notification, Note):
        await session.execute(
            delete(model)
            .where(model.subject_type == subject.__tablename__, model.subject_id == subject.id)
            .execution_options(synchronize_session=False)
        )
    if notes:
        await (await session.connection()).run_sync(index_rows, Note, notes)


async def list_history(
    session: AsyncSession, subject: Subject, *, limit: int = 20
) -> Sequence[Activity]:
    """Return the newest lines of history first, each with its actor."""
    return (await session.scalars(_history(subject).limit(limit))).all()


async def changes_since(
    session: AsyncSession, subject: Subject, version: int
) -> Sequence[Activity]:
    """Return the history since ``version``, newest first, each entry with its actor."""
    entries = (await session.scalars(_history(subject).limit(MAX_SINCE))).all()
    return [entry for entry in entries if entry.changes.get(VERSION, 0) >= version]


def _history(subject: Subject) -> Any:
    return (
        select(Activity)
        .where(Activity.subject_type == subject.__tablename__, Activity.subject_id == subject.id)
        .order_by(Activity.id.desc())
        .options(joinedload(Activity.actor).load_only(User.name))
    )
