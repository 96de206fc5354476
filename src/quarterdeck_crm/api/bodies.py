"""Reading what a program sends: strictly, exactly, and with the reason when it is refused.

quart-schema's ``validate_request`` reads numbers as floats before it looks at the model, and takes
``"5"`` for 5; here a decimal is read from its own digits, and text is text.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection
from typing import Any, TypeVar

import msgspec
from quart import request
from werkzeug.exceptions import UnsupportedMediaType

from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.values import REQUIRED

from .schemas import Body

T = TypeVar("T")

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"  # RFC 7396
_PATH = re.compile(r" - at `\$\.?(.*)`$")
_NAMED = re.compile(r"(?:missing required|unknown) field `(.+?)`")


class Needs(enum.Enum):
    """Which fields of a body must be there."""

    NEW = "what a new row cannot do without"
    ALL = "all, because the row is replaced"
    NONE = "none, because what is missing stays as it is"

    @property
    def media_types(self) -> tuple[str, ...]:
        return (MERGE_PATCH, JSON) if self is Needs.NONE else (JSON,)

    def fields(self, model: type[Any]) -> Collection[str]:
        """Return the names of the fields that must be there."""
        if self is Needs.NONE or not issubclass(model, Body):
            return ()
        return model.required if self is Needs.NEW else model.__struct_fields__


async def read_body(model: type[T], needs: Needs) -> T:
    """Return the body of the request.

    Raises:
        BadRequest: If it is not JSON.
        UnsupportedMediaType: If it does not say that it is JSON.
        ValidationError: If it is not of the model, or lacks a field.
    """
    if request.mimetype not in needs.media_types:
        accepted = " or ".join(needs.media_types)
        raise UnsupportedMediaType(f"Send the body as 'Content-Type: {accepted}'.")
    await request.get_json(force=True)  # within the app's limits for JSON
    try:
        body = msgspec.json.decode(await request.get_data(), type=model)
    except msgspec.ValidationError as error:
        raise ValidationError(located(error)) from None
    missing = needs.fields(model) - body.given().keys() if isinstance(body, Body) else ()
    if missing:
        raise ValidationError({name: [REQUIRED] for name in missing})
    return body


def located(error: msgspec.ValidationError) -> dict[str, list[str]]:
    """Return the reason that msgspec gives, by the name of the field as services write it."""
    text = str(error)
    path = ""
    if match := _PATH.search(text):
        path = match[1].replace("[", "-").replace("].", "-").replace("]", "")
        text = text[: match.start()]
    if match := _NAMED.search(text):
        path = f"{path}-{match[1]}" if path else match[1]
    return {path: [f"{text}."]}
