"""The JSON messages between clients and the hub."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from .base import Person


class Subscribe(msgspec.Struct, tag="subscribe"):
    """Enter a room, and catch up from the event ``since``."""

    room: str
    since: str | None = None
    doing: Literal["looking", "editing"] = "looking"


class Unsubscribe(msgspec.Struct, tag="unsubscribe"):
    """Leave a room."""

    room: str


class Say(msgspec.Struct, tag="say"):
    """Send a text to all members in a room."""

    room: str
    text: str


class Ping(msgspec.Struct, tag="ping"):
    """Ask for a pong."""


ClientMessage = Subscribe | Unsubscribe | Say | Ping

_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
TYPES = ("subscribe", "unsubscribe", "say", "ping")


class Refusal(Exception):
    """A message was refused; the connection stays open.

    Attributes:
        code: The code of the error, for programs.
        detail: A sentence for people.
        room: The room that the message named, if any.
    """

    def __init__(self, code: str, detail: str, room: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.room = room

    @property
    def frame(self) -> str:
        """The error message for the client."""
        return error(self.code, self.detail, self.room)


def decode(raw: str | bytes) -> ClientMessage:
    """Return the message of a client.

    Raises:
        Refusal: If the message is not valid.
    """
    if not isinstance(raw, str):
        raise Refusal("binary", "Send text messages that hold JSON.")
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError as problem:
        if str(problem).endswith("`$.type`"):
            raise Refusal("unknown_type", f"The types are {', '.join(TYPES)}.") from None
        raise Refusal("bad_message", f"{problem}.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        raise Refusal("bad_json", "This is not JSON.") from None


def error(code: str, detail: str, room: str | None = None) -> str:
    """Return the message that reports an error."""
    message = {"type": "error", "code": code, "detail": detail}
    return _encode(message if room is None else message | {"room": room})


def subscribed(room: str, at: str, replayed: int) -> str:
    """Return the message that confirms a subscription."""
    return _encode({"type": "subscribed", "room": room, "at": at, "replayed": replayed})


def gap(room: str) -> str:
    """Return the message that reports missing events."""
    return _encode({"type": "gap", "room": room})


def presence(room: str, people: Iterable[Person]) -> str:
    """Return the message that lists the members in a room."""
    here = [{"id": each.id, "name": each.name, "doing": each.doing} for each in people]
    return _encode({"type": "presence", "room": room, "here": here})


PONG = '{"type":"pong"}'


def _encode(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()
