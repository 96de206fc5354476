"""Requests sent twice: the answer to the first is kept for a day, under a key of the sender."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from .errors import ConflictError
from .models import IdempotencyKey
from .models.columns import utc_now

KEPT_FOR = timedelta(hours=24)
MOST_FORGOTTEN = 100  # at once, so that nobody waits for the cleaning up


class KeyTakenError(ConflictError):
    """Another request with the same key was faster."""


async def find_kept(
    session: AsyncSession, *, user_id: int, key_digest: str
) -> IdempotencyKey | None:
    """Return what is kept under a key of a person, if it is not too old."""
    statement = select(IdempotencyKey).where(
        IdempotencyKey.user_id == user_id,
        IdempotencyKey.key_digest == key_digest,
        IdempotencyKey.expires_at > utc_now(),
    )
    return await session.scalar(statement)


async def claim_key(session: AsyncSession, row: IdempotencyKey) -> None:
    """Write the key before the work that it stands for; a second one waits here for the first.

    Raises:
        KeyTakenError: If it was taken in between. Roll back and look for the answer.
    """
    await _forget_expired(session)
    row.expires_at = utc_now() + KEPT_FOR
    session.add(row)
    try:
        await session.flush()
    except IntegrityError:
        raise KeyTakenError("A request with this key was sent at the same moment.") from None


async def _forget_expired(session: AsyncSession) -> None:
    # Found without locks and removed one by one: a range would lock out other senders.
    old = select(IdempotencyKey.id).where(IdempotencyKey.expires_at <= utc_now())
    ids = (await session.scalars(old.order_by(IdempotencyKey.id).limit(MOST_FORGOTTEN))).all()
    if ids:
        await session.execute(delete(IdempotencyKey).where(IdempotencyKey.id.in_(ids)))
