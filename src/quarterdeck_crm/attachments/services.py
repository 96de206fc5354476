"""Rules and queries of attachments. ``actor`` is who asks; None is the system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck_crm.activity import record
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.models import Account, Attachment, Order, User
from quarterdeck_crm.ownership import require_edit

from .storage import Kept


async def list_attachments(
    session: AsyncSession, *, subject: Account | Order
) -> Sequence[Attachment]:
    """Return the files of an account or an order with their authors, the newest first."""
    statement = (
        select(Attachment)
        .where(_belongs(subject))
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
        raise NotFoundError("There is no such file. It may have been removed.")
    return attachment


async def subject_of(session: AsyncSession, *, attachment: Attachment) -> Account | Order:
    """Return what a file belongs to."""
    if attachment.account_id is not None:
        return await session.get_one(Account, attachment.account_id)
    return await session.get_one(Order, attachment.order_id)


async def add_attachment(
    session: AsyncSession, *, actor: User | None, subject: Account | Order, file: Kept
) -> Attachment:
    """Note a kept file at an account or an order.

    Raises:
        ForbiddenError: If the subject belongs to somebody else.
    """
    require_edit(actor, subject)
    attachment = Attachment(
        account_id=subject.id if isinstance(subject, Account) else None,
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
    return attachment


async def remove_attachment(
    session: AsyncSession, *, actor: User | None, subject: Account | Order, attachment: Attachment
) -> None:
    """Forget a file; the caller discards its contents once that is committed.

    Raises:
        ForbiddenError: If the subject belongs to somebody else.
    """
    require_edit(actor, subject)
    await session.delete(attachment)
    changes = {"file": [attachment.name, None]}
    record(session, actor=actor, subject=subject, action="file removed", changes=changes)


def _belongs(subject: Account | Order) -> Any:
    column = Attachment.account_id if isinstance(subject, Account) else Attachment.order_id
    return column == subject.id
