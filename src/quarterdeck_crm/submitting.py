"""Forms sent twice, by a double click or after a connection that broke: saved once."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from quart import request
from sqlalchemy.ext.asyncio import AsyncSession
from wtforms import StringField
from wtforms.validators import Length
from wtforms.widgets import HiddenInput

from quarterdeck.login import current_user

from .editing import reset
from .errors import ValidationError
from .models import IdempotencyKey
from .repeated import OtherRequestError, Sent, do_once


def new_key() -> str:
    return uuid.uuid4().hex


class SubmissionField(StringField):
    """The key of a form that was opened: however often it is sent, it is saved once."""

    widget = HiddenInput()

    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[Length(max=64)], default=new_key, **options)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a form led to.

    Attributes:
        location: The page to go on to.
        message: What to say there.
    """

    location: str
    message: str


async def save_once(
    field: SubmissionField, work: Callable[[AsyncSession], Awaitable[Saved]]
) -> Saved:
    """Do ``work`` in a transaction, or return what it led to when the form was sent before.

    Raises:
        ValidationError: If it was sent before with other entries. The form has a new key then,
            so the person who sends it again gets a second one.
    """
    form = await request.form
    names = {"csrf_token", field.name}
    entries = sorted(pair for pair in form.items(multi=True) if pair[0] not in names)
    what = request.path.encode(), msgspec.json.encode(entries)
    sent = Sent.of(current_user.id, field.data or new_key(), *what)
    try:
        return await do_once(sent, work, keep=_keep, recall=_recall)
    except OtherRequestError as error:
        reset(field, new_key())
        text = "This form was sent before, with other entries:"
        again = "Send it again to save these as well."
        raise ValidationError({field.name: [f"{text} {error.body} {again}"]}) from None


def _keep(row: IdempotencyKey, saved: Saved) -> None:
    row.status, row.location, row.body = 303, saved.location, saved.message


def _recall(row: IdempotencyKey) -> Saved:
    return Saved(row.location or "", row.body)
