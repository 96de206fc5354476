"""Events and their ids."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from quarterdeck._websocket import TEXT, encode_frame

Position = tuple[int, int]


@dataclass(frozen=True)
class Event:
    """An event in a room.

    Attributes:
        room: The name of the room.
        id: Milliseconds and a number, as in a Redis Stream, in the order of all events of an
            application; empty until a back end has assigned it.
        name: The kind of event, such as ``order.moved``.
        data: Anything that JSON can hold, or ``msgspec.Raw`` that holds JSON.
    """

    room: str
    id: str
    name: str
    data: Any

    @cached_property
    def position(self) -> Position:
        """The id as numbers, to be compared."""
        return parse_id(self.id)

    @cached_property
    def frame(self) -> str:
        """The message that clients get; encoded once for all of them."""
        message = {
            "type": "event",
            "room": self.room,
            "id": self.id,
            "name": self.name,
            "data": self.data,
        }
        return msgspec.json.encode(message).decode()

    @cached_property
    def encoded(self) -> bytes:
        """The message as a frame; encoded once for all clients."""
        return encode_frame(TEXT, self.frame.encode())


def parse_id(text: str) -> Position:
    """Return an id as numbers.

    Raises:
        ValueError: If the text is not an event id.
    """
    milliseconds, dash, number = text.partition("-")
    if not (dash and milliseconds.isdecimal() and number.isdecimal() and len(text) <= 41):
        raise ValueError(f"'{text}' is not an event id. Send one back as it came.")
    return int(milliseconds), int(number)


class IdGenerator:
    """Generate increasing ids, even if the clock is set back."""

    def __init__(self) -> None:
        self._last: Position = (0, 0)

    def next(self) -> str:
        """Return an id that is larger than all before."""
        now = time.time_ns() // 1_000_000
        last, number = self._last
        self._last = (now, 0) if now > last else (last, number + 1)
        return f"{self._last[0]}-{self._last[1]}"
