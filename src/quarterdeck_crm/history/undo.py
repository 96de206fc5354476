"""Steps that a user can undo for a short time, kept in the transaction of the change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import UndoItem, UndoStep, User
from quarterdeck_crm.models.bulk import new_key
from quarterdeck_crm.models.columns import utc_now

from .recording import Subject, plain

UNDO_FOR = timedelta(minutes=10)
KEPT_FOR = timedelta(days=1)  # expired steps, whose buttons explain themselves


async def open_step(session: AsyncSession, *, actor: User) -> UndoStep:
    """Add a step of ``actor`` without changes yet, and remove the old ones of the same user."""
    old = delete(UndoStep).where(
        UndoStep.user_id == actor.id, UndoStep.created_at < utc_now() - KEPT_FOR
    )
    await session.execute(old.execution_options(synchronize_session=False))
    step = UndoStep(key=new_key(), user_id=actor.id)
    session.add(step)
    await session.flush()
    return step


def note_undo(
    session: AsyncSession, step: UndoStep, row: Subject, *, action: str, before: Mapping[str, Any]
) -> None:
    """Note one changed row of a step.

    Args:
        session: That of the change.
        step: The step.
        row: The row after the change, which was written.
        action: How to undo it, see ``bulk.undoing``.
        before: The values that the change replaced.
    """
    item = UndoItem(
        step_id=step.id,
        kind=row.__tablename__,
        subject_id=row.id,
        version=row.version,
        action=action,
        before=plain(dict(before)),
    )
    session.add(item)


async def offer_undo(
    session: AsyncSession,
    row: Subject,
    *,
    actor: User,
    action: str,
    before: Mapping[str, Any] | None = None,
) -> str:
    """Let ``actor`` undo a change of one row that was just written; return the key of the step."""
    step = await open_step(session, actor=actor)
    note_undo(session, step, row, action=action, before=before or {})
    await session.flush()
    return step.key
