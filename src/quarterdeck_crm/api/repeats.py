"""``Idempotency-Key``: a request sent twice is done once, and answered twice alike."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct
from quart import request
from sqlalchemy.ext.asyncio import AsyncSession
from werkzeug.exceptions import BadRequest, UnprocessableEntity

from quarterdeck.login import current_user
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import IdempotencyKey
from quarterdeck_crm.repeated import KeyTakenError, claim_key, find_kept

from .answers import Answer

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Work = Callable[[AsyncSession], Awaitable[Answer]]


async def once(data: Struct, work: Work) -> Answer:
    """Do ``work`` in a transaction, anew after a deadlock, or answer as it was answered before.

    With an ``Idempotency-Key`` the answer is kept in the same transaction. Of two equal requests
    at the same time, the second waits for the first. A request that fails leaves no trace, so it
    may be corrected and sent again with its key.

    Raises:
        BadRequest: If the key is not one.
        UnprocessableEntity: If the key belongs to another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return await db.run(work)

    async def keyed(session: AsyncSession) -> Answer:
        return await _once(session, _row(key, data), work)

    try:
        return await db.run(keyed)
    except KeyTakenError:
        return await db.run(keyed)


async def _once(session: AsyncSession, row: IdempotencyKey, work: Work) -> Answer:
    kept = await find_kept(session, user_id=row.user_id, key_digest=row.key_digest)
    if kept is not None:
        return _replay(kept, row)
    await claim_key(session, row)
    answer = await work(session)
    row.status, row.etag, row.location = answer.status, answer.etag, answer.location
    row.body = answer.encoded().decode()
    return answer


def _row(key: str, data: Struct) -> IdempotencyKey:
    if not _KEY.fullmatch(key):
        raise BadRequest(f"'{HEADER}' must have 1 to 255 visible ASCII characters.")
    what = b"\n".join((request.method.encode(), request.path.encode(), msgspec.json.encode(data)))
    return IdempotencyKey(
        user_id=current_user.id,
        key_digest=hashlib.sha256(key.encode()).hexdigest(),
        request_digest=hashlib.sha256(what).hexdigest(),
        status=0,
        body="",
    )


def _replay(kept: IdempotencyKey, row: IdempotencyKey) -> Answer:
    if kept.request_digest != row.request_digest:
        raise UnprocessableEntity(
            f"This '{HEADER}' was sent with another request. Use a new one for each."
        )
    return Answer(kept.body.encode(), kept.status, kept.etag, location=kept.location, replayed=True)
