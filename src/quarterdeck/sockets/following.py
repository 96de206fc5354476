"""What a client is told, and how it enters the rooms that it follows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from quarterdeck.exceptions import MessageRefusedError

from .event import Event, parse_id

TOO_FAST, PAUSE_SECONDS = "too_fast", 1.0


@dataclass(frozen=True, slots=True)
class Gap:
    """Events of a room are missing which the server no longer has: read the state anew."""

    room: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Everybody who is in a room now, each with ``id``, ``name`` and what they are ``doing``."""

    room: str
    here: tuple[Mapping[str, Any], ...]


Happening = Event | Gap | Presence


class Message(msgspec.Struct):
    """Any message of the server; types and fields that we do not know are passed over."""

    type: str
    room: str = ""
    id: str = ""
    name: str = ""
    data: Any = None
    at: str = ""
    replayed: int = 0
    here: tuple[dict[str, Any], ...] = ()
    code: str = ""
    detail: str = ""


class Room:
    """What we know of a room that we are in, or want to be in.

    Attributes:
        last: The id of the last event that we know.
        doing: What others see us do.
        entered: Done when the room was entered for the first time.
        is_in: Whether we are in on the present connection.
    """

    def __init__(self, last: str | None, doing: str | None) -> None:
        self.last = last
        self.doing = doing
        self.entered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.is_in = False
        self.after_gap = False

    def takes(self, event_id: str) -> bool:
        """Whether an event is news; then it is the last one."""
        news = self.after_gap or self.last is None or parse_id(event_id) > parse_id(self.last)
        if news:
            self.last, self.after_gap = event_id, False
        return news


class Rooms:
    """The rooms of a client; they are entered one after the other, anew on each connection.

    One after the other, because a server that finds us too fast does not say for which room.

    Args:
        send: Sends a message, or does nothing while there is no connection.
        tell: Takes what happened.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], Awaitable[object]],
        tell: Callable[[Happening | MessageRefusedError], None],
    ) -> None:
        self._send = send
        self._tell = tell
        self._rooms: dict[str, Room] = {}
        self._asked: str | None = None

    @property
    def is_entering(self) -> bool:
        """Whether somebody may wait for an answer."""
        return any(not room.entered.done() for room in self._rooms.values())

    def last_id(self, name: str) -> str | None:
        """Return the last id that is known of a room."""
        return self._rooms[name].last if name in self._rooms else None

    async def enter(
        self, name: str, *, since: str | None, doing: str | None
    ) -> asyncio.Future[str]:
        """Enter a room, or again with another ``since`` or ``doing``."""
        before = self._rooms.get(name)
        room = Room(since or self.last_id(name), doing)
        if before and not before.entered.done():
            room.entered = before.entered
        self._rooms[name] = room
        await self._ask_next()
        return room.entered

    async def leave(self, name: str) -> None:
        """Leave a room, whether it was entered yet or not."""
        room = self._rooms.pop(name, None)
        if room and (room.is_in or name == self._asked):
            await self._send({"type": "unsubscribe", "room": name})

    async def enter_all(self) -> None:
        """Begin on a new connection."""
        self._asked = None
        for room in self._rooms.values():
            room.is_in = False
        await self._ask_next()

    async def receive(self, message: Message) -> None:
        """Take a message that is about a room."""
        room = self._rooms.get(message.room)
        match message.type:
            case "event" if room is None or room.takes(message.id):
                self._tell(Event(message.room, message.id, message.name, message.data))
            case "gap":
                if room:
                    room.after_gap = True
                self._tell(Gap(message.room))
            case "presence":
                self._tell(Presence(message.room, message.here))
            case "subscribed":
                await self._receive_entry(message, room)
            case "error":
                await self._receive_error(message)

    async def _ask_next(self) -> None:
        outside = (name for name, room in self._rooms.items() if not room.is_in)
        if self._asked is None and (name := next(outside, None)) is not None:
            self._asked = name
            room = self._rooms[name]
            optional = {"since": room.last, "doing": room.doing}
            given = {key: value for key, value in optional.items() if value is not None}
            await self._send({"type": "subscribe", "room": name, **given})

    async def _receive_entry(self, message: Message, room: Room | None) -> None:
        if room:
            room.is_in = True
            if not message.replayed:
                room.takes(message.at)
            if not room.entered.done():
                room.entered.set_result(message.at)
        await self._answered(message.room)

    async def _receive_error(self, message: Message) -> None:
        about = message.room or self._asked
        error = MessageRefusedError(message.code, message.detail, about)
        if about is None or about != self._asked:
            self._tell(error)
        elif message.code == TOO_FAST:
            await asyncio.sleep(PAUSE_SECONDS)
            await self._answered(about)
        else:
            self._refuse(about, error)
            await self._answered(about)

    def _refuse(self, name: str, error: MessageRefusedError) -> None:
        room = self._rooms.pop(name, None)
        if room is None or room.entered.done():
            self._tell(error)  # it was open to us before
        else:
            room.entered.set_exception(error)
            room.entered.exception()  # nothing to log if nobody waits any more

    async def _answered(self, name: str) -> None:
        if name == self._asked:
            self._asked = None
            await self._ask_next()
