"""Requests sent twice: the answer to the first is kept for a day, under a key of the sender."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Row, bindparam, delete, insert, select, update
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

# Built once and without objects, because every request with a key needs them.
_keys = IdempotencyKey.metadata.tables[IdempotencyKey.__tablename__]
_SAME_KEY = (
    _keys.c.user_id == bindparam("sender"),
    _keys.c.key_digest == bindparam("its_digest"),
)
_FIND = select(_keys).where(*_SAME_KEY)
_ADD = insert(_keys)
_ANSWER = update(_keys).where(*_SAME_KEY)


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer to a request, as it is kept: what the sender makes an answer of again."""

    status: int
    body: str
    location: str | None = None
    etag: str | None = None


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
    keep: Callable[[T], Kept],
    recall: Callable[[Kept], T],
    first: Callable[[AsyncSession], Awaitable[None]] | None = None,
) -> T:
    """Do ``work`` in a transaction that also stores its answer, or return the stored answer.

    Of two equal requests at the same time, the second waits for the first. A request that
    fails leaves no trace, so it may be corrected and sent again with its key.

    Args:
        sent: The request.
        work: The work of the request; it is retried after a deadlock.
        keep: Returns what is kept of an answer.
        recall: Makes the answer again.
        first: Takes locks before the key is written, which locks the row of the user on MySQL.

    Raises:
        KeyReusedError: If the key belongs to another request.
    """

    async def attempt(session: AsyncSession) -> T:
        if first is not None:
            await first(session)
        found = await _find(session, sent)
        if found is None or found.expires_at <= utc_now():
            await _claim(session, sent, found)
            answer = await work(session)
            await _store(session, sent, keep(answer))
            return answer
        if found.request_digest != sent.request_digest:
            raise KeyReusedError(found.body)
        return recall(Kept(found.status, found.body, found.location, found.etag))

    try:
        return await db.run(attempt)
    except KeyTakenError:
        return await db.run(attempt)


async def _find(session: AsyncSession, sent: Sent) -> Row[Any] | None:
    found = await session.execute(_FIND, _named(sent))
    return found.one_or_none()


async def _claim(session: AsyncSession, sent: Sent, expired: Row[Any] | None) -> None:
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
        await session.execute(delete(_keys).where(_keys.c.id == expired.id))
    if not _writers_queue(session):
        try:
            await session.execute(_ADD, _new_row(sent, Kept(0, "")))
        except IntegrityError:
            text = _("A request with this key was sent at the same moment.")
            raise KeyTakenError(text) from None
    if secrets.randbelow(CLEANUP_EVERY) == 0:  # a job does it too, unless the scheduler is off
        await _forget_expired(session)


async def _store(session: AsyncSession, sent: Sent, kept: Kept) -> None:
    """Write the answer."""
    if _writers_queue(session):
        await session.execute(_ADD, _new_row(sent, kept))
    else:
        await session.execute(_ANSWER, _named(sent) | asdict(kept))


def _writers_queue(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _named(sent: Sent) -> dict[str, Any]:
    return {"sender": sent.user_id, "its_digest": sent.key_digest}


def _new_row(sent: Sent, kept: Kept) -> dict[str, Any]:
    return asdict(sent) | asdict(kept) | {"expires_at": utc_now() + KEPT_FOR}


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
