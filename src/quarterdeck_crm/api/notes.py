"""Notes and notifications for programs."""

from __future__ import annotations

from quart import url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.errors import MergedError, NotFoundError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.notes import services
from quarterdeck_crm.notifications import services as notifications
from quarterdeck_crm.notifications.records import get_record

from . import bp
from .answers import NOTHING, Answer
from .bodies import Needs
from .etags import etag_of, expected_version
from .idempotency import once
from .note_schemas import (
    Note,
    NoteBody,
    NotePage,
    NoteQuery,
    NoteTextBody,
    Notification,
    NotificationPage,
    NotificationQuery,
    UpToQuery,
)
from .operations import operation
from .pagination import PageQuery, page_fields

NOTES, NOTIFICATIONS = "Notes", "Notifications"


@bp.get("/notes")
@operation(NOTES, query=NoteQuery, answers=NotePage)
async def list_notes(query_args: NoteQuery) -> Answer:
    """List the notes on a record, newest first."""
    try:
        record = await get_record(db.session, query_args.record, query_args.record_id)
    except MergedError as error:  # its notes are at the record that stays
        record = await get_record(db.session, error.kind, error.into)
    page = await services.list_notes(
        db.session,
        kind=record.__tablename__,
        record_id=record.id,
        listing=_listing(query_args),
    )
    return Answer(NotePage(items=[Note.of(note) for note in page], **page_fields(page)))


@bp.post("/notes")
@operation(NOTES, body=NoteBody, answers=Note, status=201, repeatable=True)
async def create_note(data: NoteBody) -> Answer:
    """Add a note to a record, and notify its owner and the users that it mentions."""
    given = data.given()

    async def work(session: AsyncSession) -> Answer:
        try:
            subject = await get_record(session, given["record"], given["record_id"])
        except NotFoundError as error:
            raise ValidationError({"record_id": [str(error)]}) from None
        note = await services.add_note(
            session, actor=current_user, subject=subject, body=given["body"]
        )
        url = url_for("api.read_note", note_id=note.id)
        return Answer(Note.of(note), 201, etag_of(note), location=url)

    return await once(data, work)


@bp.get("/notes/<int:note_id>")
@operation(NOTES, answers=Note)
async def read_note(note_id: int) -> Answer:
    """Read a note."""
    note = await services.get_note(db.session, note_id=note_id)
    return Answer(Note.of(note), etag=etag_of(note))


@bp.patch("/notes/<int:note_id>")
@operation(NOTES, body=NoteTextBody, needs=Needs.NONE, answers=Note, locks=True)
async def change_note(note_id: int, data: NoteTextBody) -> Answer:
    """Change the text of a note of your own."""
    async with db.transaction() as session:
        note = await services.get_note(session, note_id=note_id)
        await services.edit_note(
            session,
            actor=current_user,
            note=note,
            body=data.given().get("body", note.body),
            version=expected_version(note),
        )
        return Answer(Note.of(note), etag=etag_of(note))


@bp.delete("/notes/<int:note_id>")
@operation(NOTES, status=204, locks=True)
async def delete_note(note_id: int) -> Answer:
    """Remove a note of your own; administrators may remove all."""
    async with db.transaction() as session:
        note = await services.get_note(session, note_id=note_id)
        expected_version(note)
        await services.remove_note(session, actor=current_user, note=note)
    return NOTHING


@bp.get("/notifications")
@operation(NOTIFICATIONS, query=NotificationQuery, answers=NotificationPage)
async def list_notifications(query_args: NotificationQuery) -> Answer:
    """List your notifications, newest first."""
    page = await notifications.list_notifications(
        db.session,
        reader=current_user,
        listing=_listing(query_args, unread="1" if query_args.unread else ""),
    )
    items = await notifications.in_words(db.session, page.items)
    found = [Notification.of(item) for item in items]
    return Answer(NotificationPage(items=found, **page_fields(page)))


@bp.post("/notifications/read")
@operation(NOTIFICATIONS, query=UpToQuery, status=204)
async def read_all_notifications(query_args: UpToQuery) -> Answer:
    """Mark all of your notifications as read, or those up to one."""
    async with db.transaction() as session:
        await notifications.mark_all_read(session, reader=current_user, up_to=query_args.up_to)
    return NOTHING


@bp.get("/notifications/<int:notification_id>")
@operation(NOTIFICATIONS, answers=Notification)
async def read_notification(notification_id: int) -> Answer:
    """Read one of your notifications; that does not mark it."""
    return await _answer(db.session, notification_id)


@bp.post("/notifications/<int:notification_id>/read")
@operation(NOTIFICATIONS, answers=Notification)
async def mark_notification_read(notification_id: int) -> Answer:
    """Mark one of your notifications as read."""
    async with db.transaction() as session:
        await notifications.mark_read(session, reader=current_user, notification_id=notification_id)
        return await _answer(session, notification_id)


async def _answer(session: AsyncSession, notification_id: int) -> Answer:
    found = await notifications.get_notification(
        session, reader=current_user, notification_id=notification_id
    )
    (item,) = await notifications.in_words(session, [found])
    return Answer(Notification.of(item))


def _listing(query: PageQuery, **filters: str) -> Listing:
    return Listing(
        page=query.page,
        per_page=query.per_page,
        after=query.after,
        before=query.before,
        filters={name: value for name, value in filters.items() if value},
    )
