"""Read request bodies and query arguments, with a reason for each refusal.

Bodies are read strictly: a decimal is read from its own digits, and text is text.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec
from quart import request
from werkzeug.exceptions import UnsupportedMediaType

from quarterdeck_crm.errors import Errors, InvalidQueryError, ValidationError
from quarterdeck_crm.validation import REQUIRED
from quarterdeck_crm.validation.numbers import NO_NUMBER, read_plain_number

from .fields import SentDecimal
from .schemas import Body

T = TypeVar("T")

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"  # RFC 7396
MAX_FIELDS = 100  # of which all problems are told; no body has so many
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
        if self is Needs.NEW:
            return model.required
        return [name for name in model.__struct_fields__ if name not in model.optional]


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
    data = cast(bytes, await request.get_data())
    decoder = msgspec.json.Decoder(model, dec_hook=_read_number, float_hook=Decimal)
    try:
        body = decoder.decode(data)
    except msgspec.ValidationError as error:
        errors = located(error)
        if issubclass(model, Body):
            errors |= _of_all_fields(decoder, data, needs.fields(model))
        raise ValidationError(errors) from None
    missing = needs.fields(model) - body.given().keys() if isinstance(body, Body) else ()
    if missing:
        raise ValidationError({name: [REQUIRED] for name in missing})
    return body


def _of_all_fields(
    decoder: msgspec.json.Decoder[Any], data: bytes, required: Collection[str]
) -> Errors:
    """Return the problems of all fields; msgspec itself stops at the first one."""
    try:
        fields = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return {}  # not an object
    if len(fields) > MAX_FIELDS:
        return {}
    errors: Errors = {name: [REQUIRED] for name in required if name not in fields}
    for name, value in fields.items():
        try:
            decoder.decode(b"{%b:%b}" % (msgspec.json.encode(name), bytes(value)))
        except msgspec.ValidationError as error:
            errors |= located(error)
    return errors


def _read_number(kind: type[Any], value: Any) -> Any:
    """Return a decimal: JSON numbers by their own digits, text by the rule for programs."""
    if kind is not SentDecimal:
        raise NotImplementedError
    if isinstance(value, str):
        return SentDecimal(read_plain_number(value))
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(NO_NUMBER)
    return SentDecimal(value)


def read_query(model: type[T]) -> T:
    """Return the query arguments of the request; one that is there several times is a list.

    Raises:
        InvalidQueryError: If one is not valid.
    """
    lists = request.args.lists()
    found = {name: values if len(values) > 1 else values[0] for name, values in lists}
    try:
        return msgspec.convert(found, model, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidQueryError(located(error)) from None


def located(error: msgspec.ValidationError) -> Errors:
    """Return the reason that msgspec gives, by the name of the field as services write it."""
    text = str(error).replace(SentDecimal.__name__, "decimal")
    path = ""
    if match := _PATH.search(text):
        path = match[1].replace("[", "-").replace("].", "-").replace("]", "")
        text = text[: match.start()]
    if match := _NAMED.search(text):
        path = f"{path}-{match[1]}" if path else match[1]
    return {path: [text if text.endswith(".") else f"{text}."]}
