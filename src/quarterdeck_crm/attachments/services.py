"""Rules and queries of attachments. ``actor`` is the user that acts; None is the system."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.history.recording import record
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.mail.notices import mail_order_change
from quarterdeck_crm.models import Account, Attachment, AuditAction, Deal, Order, User
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.permissions import require_edit
from quarterdeck_crm.search.merges import hold
from quarterdeck_crm.search.word_index import index_rows

from .quotas import require_room
from .storage import Kept
from .subjects import Subject, place_of

GONE = _l("There is no such file. It may have been removed.")


async def list_attachments(session: AsyncSession, *, subject: Subject) -> Sequence[Attachment]:
    """Return the files of a record with their authors, the newest first."""
    statement = (
        select(Attachment)
        .where(Attachment.belongs_to(subject.__tablename__, subject.id))
        .options(joinedload(Attachment.author).load_only(User.name))
        .order_by(Attachment.id.desc())
    )
    return (await session.scalars(statement)).all()


async def get_attachment(session: AsyncSession, *, attachment_id: int) -> Attachment:
    """Return a file's row.

    Raises:
        NotFoundError: If there is none of that id.
    """
    attachment = await session.get(Attachment, attachment_id)
    if attachment is None:
        raise NotFoundError(GONE)
    return attachment


async def subject_of(session: AsyncSession, *, attachment: Attachment) -> Subject:
    """Return the record of a file."""
    kind, id_ = place_of(attachment)
    models: dict[str, type[Subject]] = {"account": Account, "deal": Deal, "order": Order}
    return await session.get_one(models[kind], id_)


async def add_attachment(
    session: AsyncSession, *, actor: User | None, subject: Subject, file: Kept
) -> Attachment:
    """Note a kept file at a record.

    Raises:
        ForbiddenError: If the actor may not edit the subject.
        MergedError: If the subject has become part of another account.
        NotFoundError: If the subject has been deleted.
        ValidationError: If a quota has no room for it.
    """
    require_edit(actor, subject)
    await hold(session, subject)
    await require_room(session, actor=actor, subject=subject, size=file.size)
    attachment = Attachment(
        account_id=subject.id if isinstance(subject, Account) else None,
        deal_id=subject.id if isinstance(subject, Deal) else None,
        order_id=subject.id if isinstance(subject, Order) else None,
        author_id=actor.id if actor else None,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        stored=file.stored,
    )
    session.add(attachment)
    changes = {"file": [None, file.name]}
    record(session, actor=actor, subject=subject, action="file added", changes=changes)
    if isinstance(subject, Order):
        await mail_order_change(session, actor=actor, order=subject)
    return attachment


async def remove_attachment(
    session: AsyncSession, *, actor: User | None, subject: Subject, attachment: Attachment
) -> None:
    """Forget a file; the caller discards its contents once that is committed.

    Raises:
        ForbiddenError: If the actor may not edit the subject.
    """
    require_edit(actor, subject)
    removal = delete(Attachment).where(Attachment.id == attachment.id)
    if not await changes_one(session, removal):
        raise NotFoundError(GONE)
    await (await session.connection()).run_sync(index_rows, Attachment, [attachment.id])
    subject_name = f"file {attachment.name}"
    await record_audit(session, AuditAction.DELETED, actor=actor, subject=subject_name)
    changes = {"file": [attachment.name, None]}
    record(session, actor=actor, subject=subject, action="file removed", changes=changes)
    if isinstance(subject, Order):
        await mail_order_change(session, actor=actor, order=subject)
