"""``Idempotency-Key``: a request sent twice is done once, and answered twice alike."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct
from quart import request
from sqlalchemy.ext.asyncio import AsyncSession
from werkzeug.exceptions import BadRequest, UnprocessableEntity

from quarterdeck.login import current_user
from quarterdeck_crm.errors import KeyReusedError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.idempotency import Kept, Sent, do_once

from .answers import Answer

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Work = Callable[[AsyncSession], Awaitable[Answer]]


async def once(data: Struct | None, work: Work) -> Answer:
    """Do ``work`` in a transaction, or repeat the answer to an equal earlier request.

    A deadlock is retried.

    With an ``Idempotency-Key`` the answer is kept: see ``idempotency.do_once``.

    Raises:
        BadRequest: If the key is not one.
        UnprocessableEntity: If the key belongs to another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return await db.run(work)
    if not _KEY.fullmatch(key):
        raise BadRequest(f"'{HEADER}' must have 1 to 255 visible ASCII characters.")
    what = request.method.encode(), request.path.encode(), msgspec.json.encode(data, enc_hook=str)
    try:
        return await do_once(Sent.of(current_user.id, key, *what), work, keep=_keep, recall=_recall)
    except KeyReusedError:
        raise UnprocessableEntity(
            f"This '{HEADER}' was sent with another request. Use a new one for each."
        ) from None


def _keep(answer: Answer) -> Kept:
    return Kept(answer.status, answer.encoded().decode(), answer.location, answer.etag)


def _recall(kept: Kept) -> Answer:
    return Answer(kept.body.encode(), kept.status, kept.etag, location=kept.location, replayed=True)
