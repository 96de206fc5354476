"""Forms sent twice, by a double click or after a connection that broke: saved once."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from quart import request
from sqlalchemy.ext.asyncio import AsyncSession
from werkzeug.datastructures import FileStorage
from wtforms import StringField
from wtforms.validators import Length
from wtforms.widgets import HiddenInput

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user
from quarterdeck_crm.errors import KeyReusedError, ValidationError
from quarterdeck_crm.idempotency import Kept, Sent, do_once

from .conflicts import reset


def new_key() -> str:
    return uuid.uuid4().hex


class SubmissionField(StringField):
    """The key of a form that was opened: however often it is sent, it is saved once."""

    widget = HiddenInput()

    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[Length(max=64)], default=new_key, **options)


@dataclass(frozen=True, slots=True)
class Saved:
    """The result of a form.

    Attributes:
        location: The page to go on to.
        message: The message to show there.
        is_repeated: Whether an earlier submission of the form did the work.
    """

    location: str
    message: str
    is_repeated: bool = False


async def save_once(
    field: SubmissionField,
    work: Callable[[AsyncSession], Awaitable[Saved]],
    *,
    first: Callable[[AsyncSession], Awaitable[None]] | None = None,
) -> Saved:
    """Do ``work`` in a transaction, or return the result of the first submission.

    Args:
        field: Holds the key of the form.
        work: The work of the form.
        first: Takes locks before everything else in the transaction.

    Raises:
        ValidationError: If it was sent before with other entries. The form has a new key then,
            so a user that sends it again gets a second one.
    """
    names = {"csrf_token", field.name}
    entries = sorted(pair for pair in await _entries() if pair[0] not in names)
    what = request.path.encode(), msgspec.json.encode(entries)
    sent = Sent.of(current_user.id, field.data or new_key(), *what)
    try:
        return await do_once(sent, work, keep=_keep, recall=_recall, first=first)
    except KeyReusedError as error:
        reset(field, new_key())
        text = _("This form was sent before, with other entries:")
        again = _("Send it again to save these as well.")
        raise ValidationError({field.name: [f"{text} {error.body} {again}"]}) from None


def _keep(saved: Saved) -> Kept:
    return Kept(303, saved.message, saved.location)


def _recall(kept: Kept) -> Saved:
    return Saved(kept.location or "", kept.body, is_repeated=True)


async def _entries() -> list[tuple[str, str]]:
    """Return the entries of the request, with a hash in the place of a file."""
    entries = list((await request.form).items(multi=True))
    for name, file in (await request.files).items(multi=True):
        entries.append((name, f"{file.filename} {await asyncio.to_thread(_digest, file)}"))
    return entries


def _digest(file: FileStorage) -> str:
    file.stream.seek(0)
    digest = hashlib.file_digest(file.stream, "sha256")  # type: ignore[arg-type]  # IO[bytes] fits
    file.stream.seek(0)
    return digest.hexdigest()
