"""Rules and queries of notifications."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import BindParameter, ScalarSelect, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.events.announcements import announce_notification, announce_read
from quarterdeck_crm.extensions import db
from quarterdeck_crm.languages import language_of
from quarterdeck_crm.listing import MAX_COUNTED, Listing, paginate
from quarterdeck_crm.mail.notices import is_summed_up
from quarterdeck_crm.mail.sending import post_to_user, sends_mail
from quarterdeck_crm.models import Note, Notification, NotificationKind, User
from quarterdeck_crm.models.columns import utc_now

from .records import Record, name_of, owner_of, public_record_url, read_names
from .wording import sentence_of

MAX_UNREAD = 100  # up to which they are counted: a page shows "99+"
MAX_READERS = 50  # of one note
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Item:
    """A notification with the words for its record."""

    notification: Notification
    title: str
    sentence: str


def unread_of(user_id: int | BindParameter[int] | ScalarSelect[int]) -> ScalarSelect[int]:
    """Return the number of unread notifications of a user, to be read together with the user."""
    unread = select(Notification.id).where(
        Notification.user_id == user_id, Notification.read_at.is_(None)
    )
    some = unread.limit(MAX_UNREAD).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


async def notify(
    session: AsyncSession,
    *,
    actor: User | None,
    kind: NotificationKind,
    record: Record | User,
    user_ids: Collection[int],
    note: Note | None = None,
) -> None:
    """Notify users, in the transaction of the change.

    Nobody is notified of their own actions, and each user once of a note. All active users may
    read all records; disabled ones may read none, and are not notified.

    Args:
        session: That of the change.
        actor: The acting user; None is the system.
        kind: The occasion.
        record: The record that it is about.
        user_ids: The users.
        note: The note that it is about, if any; it has an id.
    """
    wanted = set(user_ids) - ({actor.id} if actor is not None else set())
    if not wanted:
        return
    readers = select(User).where(User.id.in_(wanted), User.is_active)
    if note is not None:
        told = select(Notification.user_id).where(Notification.note_id == note.id)
        readers = readers.where(User.id.not_in(told))
    # Locked until the end of the transaction, so that none of them is deleted before the insert.
    readers = readers.with_for_update(read=True)
    found = (await session.scalars(readers.order_by(User.id).limit(MAX_READERS))).all()
    made = [
        Notification(
            user_id=reader.id,
            kind=kind,
            subject_type=record.__tablename__,
            subject_id=record.id,
            note_id=note.id if note is not None else None,
            actor_id=actor.id if actor is not None else None,
        )
        for reader in found
    ]
    session.add_all(made)
    await session.flush()
    title = name_of(record)
    for reader, notification in zip(found, made, strict=True):
        announce_notification(session, notification, actor=actor, title=title)
        if reader.mails_notifications and sends_mail():
            await _mail(session, reader, notification, actor, title, note)


async def notify_assigned(
    session: AsyncSession, *, actor: User | None, record: Record, before: int | None = None
) -> None:
    """Notify the user that a record was given to, unless ``summed_up`` holds.

    Args:
        session: That of the change.
        actor: The user that gave it; the system notifies of nothing, as an import is.
        record: As it is after the change.
        before: The id of the user that it belonged to before.
    """
    if is_summed_up():
        return
    owner_id = owner_of(record)
    if actor is not None and owner_id is not None and owner_id != before:
        kind = NotificationKind.ASSIGNED
        await notify(session, actor=actor, kind=kind, record=record, user_ids={owner_id})


async def list_notifications(
    session: AsyncSession, *, reader: User, listing: Listing
) -> Pagination[Notification]:
    """Return a page of the notifications of a user with their actors and notes, newest first.

    Filter: ``unread`` leaves out those that were read.
    """
    statement = select(Notification).where(Notification.user_id == reader.id)
    if listing.filters.get("unread"):
        statement = statement.where(Notification.read_at.is_(None))
    statement = statement.options(
        joinedload(Notification.actor).load_only(User.name), joinedload(Notification.note)
    )
    return await paginate(
        session, statement, listing, by=[Notification.id.desc()], count=MAX_COUNTED
    )


async def in_words(session: AsyncSession, notifications: Sequence[Notification]) -> list[Item]:
    """Return notifications with the words for their records."""
    keys = [(each.subject_type, each.subject_id) for each in notifications]
    names = await read_names(session, keys)
    items = []
    for each, key in zip(notifications, keys, strict=True):
        title = names.get(key, "")
        by = each.actor.name if each.actor is not None else None
        items.append(Item(each, title, sentence_of(each, title, by)))
    return items


async def get_notification(
    session: AsyncSession, *, reader: User, notification_id: int
) -> Notification:
    """Return a notification of a user.

    Raises:
        NotFoundError: If the user has none of that id.
    """
    statement = (
        select(Notification)
        .where(Notification.id == notification_id, Notification.user_id == reader.id)
        .options(joinedload(Notification.actor).load_only(User.name))
        .options(joinedload(Notification.note))
    )
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(_("There is no such notification. Old ones are removed."))
    return found


async def mark_read(session: AsyncSession, *, reader: User, notification_id: int) -> None:
    """Mark a notification as read; doing it twice changes nothing.

    Raises:
        NotFoundError: If the user has none of that id.
    """
    await _hold_reader(session, reader)
    found = await get_notification(session, reader=reader, notification_id=notification_id)
    if found.read_at is None:
        found.read_at = utc_now()
        await session.flush()
        await _announce_unread(session, reader)


async def mark_all_read(session: AsyncSession, *, reader: User, up_to: int | None = None) -> None:
    """Mark all notifications of a user as read.

    Args:
        session: The db session.
        reader: The user.
        up_to: The id of the last one that the user has seen; newer ones stay unread.
    """
    await _hold_reader(session, reader)
    unread = update(Notification).where(
        Notification.user_id == reader.id, Notification.read_at.is_(None)
    )
    if up_to is not None:
        unread = unread.where(Notification.id <= up_to)
    statement = unread.values(read_at=utc_now()).execution_options(synchronize_session=False)
    await session.execute(statement)
    await _announce_unread(session, reader)


async def _hold_reader(session: AsyncSession, reader: User) -> None:
    """Let concurrent requests of a user wait for each other, so that the last one counts right."""
    await session.execute(select(User.id).where(User.id == reader.id).with_for_update())


async def _announce_unread(session: AsyncSession, reader: User) -> None:
    unread = await session.scalar(select(unread_of(reader.id))) or 0
    announce_read(session, user_id=reader.id, unread=unread)


async def prune_notifications(*, older_than: timedelta) -> int:
    """Remove notifications that were read long ago, and return their number."""
    oldest = utc_now() - older_than
    removed = 0
    while True:
        async with db.transaction() as session:
            old = select(Notification.id).where(Notification.read_at < oldest)
            ids = (await session.scalars(old.order_by(Notification.read_at).limit(BATCH))).all()
            if ids:
                await session.execute(delete(Notification).where(Notification.id.in_(ids)))
        removed += len(ids)
        if len(ids) < BATCH:
            return removed


async def _mail(
    session: AsyncSession,
    reader: User,
    notification: Notification,
    actor: User | None,
    title: str,
    note: Note | None,
) -> None:
    with language_of(reader):
        subject = sentence_of(notification, title, actor.name if actor is not None else None)
    await post_to_user(
        session,
        reader,
        subject=subject,
        template="notification",
        kind="notifications",
        sentence=subject,
        note=note.body if note is not None else None,
        url=public_record_url(
            notification.subject_type, notification.subject_id, note_id=notification.note_id
        ),
    )
