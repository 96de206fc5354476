"""Requests sent twice: the answer to the first is kept for a day, under a key of the sender."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _

from .errors import KeyReusedError, KeyTakenError
from .extensions import db
from .models import IdempotencyKey
from .models.columns import utc_now

T = TypeVar("T")

KEPT_FOR = timedelta(hours=24)
MAX_EXPIRED = 100  # deleted at once, so that no request waits long for the cleanup
CLEANUP_EVERY = 50  # keys on average; half of MAX_EXPIRED, so that more go than come


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that may come twice. Keys and requests are compared and stored as hashes."""

    user_id: int
    key_digest: str
    request_digest: str

    @classmethod
    def of(cls, user_id: int, key: str, *what: bytes) -> Sent:
        """Return it; ``what`` holds everything that two equal requests have in common."""
        key_digest, request_digest = (
            hashlib.sha256(data).hexdigest() for data in (key.encode(), b"\n".join(what))
        )
        return cls(user_id, key_digest, request_digest)


async def do_once(
    sent: Sent,
    work: Callable[[AsyncSession], Awaitable[T]],
    *,
    keep: Callable[[IdempotencyKey, T], None],
    recall: Callable[[IdempotencyKey], T],
    first: Callable[[AsyncSession], Awaitable[None]] | None = None,
) -> T:
    """Do ``work`` in a transaction that also stores its answer, or return the stored answer.

    Of two equal requests at the same time, the second waits for the first. A request that
    fails leaves no trace, so it may be corrected and sent again with its key.

    Args:
        sent: The request.
        work: The work of the request; it is retried after a deadlock.
        keep: Writes the answer into a row.
        recall: Makes it again from the row.
        first: Takes locks before the key is written, which locks the row of the user on MySQL.

    Raises:
        KeyReusedError: If the key belongs to another request.
    """

    async def attempt(session: AsyncSession) -> T:
        if first is not None:
            await first(session)
        kept = await _find_kept(session, sent)
        if kept is None or kept.expires_at <= utc_now():
            row = await _claim(session, sent, kept)
            answer = await work(session)
            keep(row, answer)
            session.add(row)
            return answer
        if kept.request_digest != sent.request_digest:
            raise KeyReusedError(kept.body)
        return recall(kept)

    try:
        return await db.run(attempt)
    except KeyTakenError:
        return await db.run(attempt)


async def _find_kept(session: AsyncSession, sent: Sent) -> IdempotencyKey | None:
    statement = select(IdempotencyKey).where(
        IdempotencyKey.user_id == sent.user_id,
        IdempotencyKey.key_digest == sent.key_digest,
    )
    return await session.scalar(statement)


async def _claim(
    session: AsyncSession, sent: Sent, expired: IdempotencyKey | None
) -> IdempotencyKey:
    """Write the key before the work that it stands for; a second one waits here for the first.

    On SQLite it is written at the end with its answer: transactions that write follow each other.

    Args:
        session: The db session.
        sent: The request.
        expired: An earlier use of the key, which ends.

    Raises:
        KeyTakenError: If it was taken in between. Roll back and look for the answer.
    """
    if expired is not None:
        await session.execute(delete(IdempotencyKey).where(IdempotencyKey.id == expired.id))
    row = IdempotencyKey(
        user_id=sent.user_id,
        key_digest=sent.key_digest,
        request_digest=sent.request_digest,
        status=0,
        body="",
        expires_at=utc_now() + KEPT_FOR,
    )
    if session.get_bind().dialect.name != "sqlite":
        session.add(row)
        try:
            await session.flush()
        except IntegrityError:
            text = _("A request with this key was sent at the same moment.")
            raise KeyTakenError(text) from None
    if secrets.randbelow(CLEANUP_EVERY) == 0:  # a job does it too, unless the scheduler is off
        await _forget_expired(session)
    return row


async def forget_all_expired() -> int:
    """Remove all expired keys, a few in each transaction, and return how many there were."""
    removed = 0
    while True:
        async with db.transaction() as session:
            count = await _forget_expired(session)
        removed += count
        if count < MAX_EXPIRED:
            return removed


async def _forget_expired(session: AsyncSession) -> int:
    # Found without locks and removed one by one: a range would lock out other senders.
    # By expiry: in the order of the ids, SQLite would read every key that is kept.
    old = select(IdempotencyKey.id).where(IdempotencyKey.expires_at <= utc_now())
    by = IdempotencyKey.expires_at, IdempotencyKey.id
    ids = (await session.scalars(old.order_by(*by).limit(MAX_EXPIRED))).all()
    if ids:
        await session.execute(delete(IdempotencyKey).where(IdempotencyKey.id.in_(ids)))
    return len(ids)
