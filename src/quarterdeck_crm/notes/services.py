"""Rules and queries of notes. ``actor`` is the user that acts; None is the system.

Every signed-in user may read all records, and so read and write notes on them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ForbiddenError, NotFoundError
from quarterdeck_crm.history.recording import flush, record, require_version
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import MAX_COUNTED, Listing, paginate
from quarterdeck_crm.models import AuditAction, Note, Notification, NotificationKind, Role, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.notifications.records import Record, get_record, name_of, owner_of
from quarterdeck_crm.notifications.services import notify
from quarterdeck_crm.search.merges import hold
from quarterdeck_crm.search.word_index import index_rows
from quarterdeck_crm.validation import clean

from .mentions import find_mentioned

NOTE_GONE = _l("There is no such note. It may have been removed.")


async def list_notes(
    session: AsyncSession, *, kind: str, record_id: int, listing: Listing
) -> Pagination[Note]:
    """Return a page of the notes on a record with their authors, newest first.

    Args:
        session: The db session.
        kind: The table of the record.
        record_id: Its id.
        listing: The page.
    """
    statement = _present().where(Note.subject_type == kind, Note.subject_id == record_id)
    return await paginate(session, statement, listing, by=[Note.id.desc()], count=MAX_COUNTED)


async def get_note(session: AsyncSession, *, note_id: int) -> Note:
    """Return a note as it is now, with its author.

    Raises:
        NotFoundError: If there is none of that id, or it was removed.
    """
    statement = _present().where(Note.id == note_id)
    note = await session.scalar(statement.execution_options(populate_existing=True))
    if note is None:
        raise NotFoundError(NOTE_GONE)
    return note


def check_note(body: Any) -> dict[str, Any]:
    """Return the values of a note.

    Raises:
        ValidationError: If the text is empty, too long, or has control characters.
    """
    return clean(Note, {"body": body}, fields=("body",), complete=True)


async def add_note(
    session: AsyncSession, *, actor: User | None, subject: Record, body: Any
) -> Note:
    """Add a note to a record, and notify its owner and all users that it mentions.

    Raises:
        MergedError: If the record has become part of another one.
        NotFoundError: If the record has been deleted.
        ValidationError: If the text cannot be accepted.
    """
    await hold(session, subject)
    note = Note(
        **check_note(body),
        subject_type=subject.__tablename__,
        subject_id=subject.id,
        author_id=actor.id if actor is not None else None,
    )
    session.add(note)
    await flush(session, note)
    record(session, actor=actor, subject=subject, action="note added")
    await _notify(session, actor, subject, note)
    return note


async def edit_note(
    session: AsyncSession, *, actor: User | None, note: Note, body: Any, version: int
) -> Note:
    """Change the text of a note; users that it mentions now are notified.

    Raises:
        ConflictError: If it was changed after that version.
        ForbiddenError: If the actor is not its author.
        ValidationError: If the text cannot be accepted.
    """
    require_edit(actor, note)
    require_version(note, version)
    values = check_note(body)
    if values["body"] != note.body:
        note.body, note.edited_at = values["body"], utc_now()
        await flush(session, note)
        subject = await get_record(session, note.subject_type, note.subject_id)
        record(session, actor=actor, subject=subject, action="note edited")
        await _notify(session, actor, subject, note)
    return note


async def remove_note(session: AsyncSession, *, actor: User | None, note: Note) -> None:
    """Remove a note and its notifications: users may remove their own, administrators all.

    Raises:
        ForbiddenError: If the actor is neither its author nor an administrator.
        NotFoundError: If it was removed at the same moment.
    """
    if not may_remove(actor, note):
        raise ForbiddenError(_("Only its author or an administrator can remove a note."))
    removed = (
        update(Note)
        .where(Note.id == note.id, Note.removed_at.is_(None))
        .values(body="", removed_at=utc_now(), version=Note.version + 1)
        .execution_options(synchronize_session=False)
    )
    if not await changes_one(session, removed):
        raise NotFoundError(NOTE_GONE)
    await (await session.connection()).run_sync(index_rows, Note, [note.id])  # it has no words
    gone = delete(Notification).where(Notification.note_id == note.id)
    await session.execute(gone.execution_options(synchronize_session=False))
    subject = await get_record(session, note.subject_type, note.subject_id)
    detail = {note.subject_type: name_of(subject)}
    await record_audit(
        session, AuditAction.DELETED, actor=actor, subject=f"note {note.id}", detail=detail
    )
    record(session, actor=actor, subject=subject, action="note removed")


def may_edit(actor: User | None, note: Note) -> bool:
    """Whether ``actor`` may change the text: nobody else puts words into an author's mouth."""
    return actor is None or note.author_id == actor.id


def may_remove(actor: User | None, note: Note) -> bool:
    """Whether ``actor`` may remove a note: its author may, and administrators."""
    return may_edit(actor, note) or (actor is not None and actor.role.includes(Role.ADMIN))


def require_edit(actor: User | None, note: Note) -> None:
    """Refuse changes that ``may_edit`` does not allow.

    Raises:
        ForbiddenError: If the note is of another user.
    """
    if not may_edit(actor, note):
        raise ForbiddenError(_("Only its author can change a note."))


async def _notify(session: AsyncSession, actor: User | None, subject: Record, note: Note) -> None:
    """Notify mentioned users, then the owner, unless the owner was notified of the mention."""
    note.mentioned = MappingProxyType(await find_mentioned(session, note.body))
    mentioned = set(note.mentioned)
    owner_id = owner_of(subject)
    owners = {owner_id} - {None} - mentioned
    for kind, ids in ((NotificationKind.MENTION, mentioned), (NotificationKind.COMMENT, owners)):
        wanted = {id_ for id_ in ids if id_ is not None}
        await notify(session, actor=actor, kind=kind, record=subject, user_ids=wanted, note=note)


def _present() -> Select[Note]:
    author = joinedload(Note.author).load_only(User.name)
    return select(Note).where(Note.removed_at.is_(None)).options(author)
