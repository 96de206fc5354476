"""The rooms to which a client is subscribed, and their last ids."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from quarterdeck.exceptions import MessageRefusedError
from quarterdeck.sockets.event import Event, parse_id

from .messages import Gap, Happening, Presence, ServerMessage

TOO_FAST, PAUSE_SECONDS = "too_fast", 1.0


class RoomState:
    """The state of a room that the client is in, or is about to enter.

    Attributes:
        last: The id of the last known event.
        doing: The activity that other members see.
        entered: Done after the first successful subscription.
        is_subscribed: Whether the current connection is subscribed.
    """

    def __init__(self, last: str | None, doing: str | None) -> None:
        self.last = last
        self.doing = doing
        self.entered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.is_subscribed = False
        self.after_gap = False

    def accept(self, event_id: str) -> bool:
        """Return whether an event is new, and make it the last one."""
        is_new = self.after_gap or self.last is None or parse_id(event_id) > parse_id(self.last)
        if is_new:
            self.last, self.after_gap = event_id, False
        return is_new


class Subscriptions:
    """The rooms of a client, subscribed one after the other on each new connection.

    One after the other, because a ``too_fast`` error does not name a room.

    Args:
        send: Sends a message, or does nothing without a connection.
        emit: Receives the items for the iteration.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], Awaitable[object]],
        emit: Callable[[Happening | MessageRefusedError], None],
    ) -> None:
        self._send = send
        self._emit = emit
        self._rooms: dict[str, RoomState] = {}
        self._pending: str | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a first subscription is pending."""
        return any(not room.entered.done() for room in self._rooms.values())

    def last_id(self, name: str) -> str | None:
        """Return the last known id of a room."""
        return self._rooms[name].last if name in self._rooms else None

    async def subscribe(
        self, name: str, *, since: str | None, doing: str | None
    ) -> asyncio.Future[str]:
        """Subscribe to a room, or repeat it with another ``since`` or ``doing``."""
        before = self._rooms.get(name)
        room = RoomState(since or self.last_id(name), doing)
        if before and not before.entered.done():
            room.entered = before.entered
        self._rooms[name] = room
        await self._send_next()
        return room.entered

    async def unsubscribe(self, name: str) -> None:
        """Leave a room, or cancel its pending subscription."""
        room = self._rooms.pop(name, None)
        if room and (room.is_subscribed or name == self._pending):
            await self._send({"type": "unsubscribe", "room": name})

    async def resubscribe(self) -> None:
        """Subscribe to all rooms on a new connection."""
        self._pending = None
        for room in self._rooms.values():
            room.is_subscribed = False
        await self._send_next()

    async def receive(self, message: ServerMessage) -> None:
        """Handle a message about a room."""
        room = self._rooms.get(message.room)
        match message.type:
            case "event" if room is None or room.accept(message.id):
                self._emit(Event(message.room, message.id, message.name, message.data))
            case "gap":
                if room:
                    room.after_gap = True
                self._emit(Gap(message.room))
            case "presence":
                self._emit(Presence(message.room, message.here))
            case "subscribed":
                await self._receive_subscribed(message, room)
            case "error":
                await self._receive_error(message)

    async def _send_next(self) -> None:
        outside = (name for name, room in self._rooms.items() if not room.is_subscribed)
        if self._pending is None and (name := next(outside, None)) is not None:
            self._pending = name
            room = self._rooms[name]
            optional = {"since": room.last, "doing": room.doing}
            given = {key: value for key, value in optional.items() if value is not None}
            await self._send({"type": "subscribe", "room": name, **given})

    async def _receive_subscribed(self, message: ServerMessage, room: RoomState | None) -> None:
        if room:
            room.is_subscribed = True
            if not message.replayed:
                room.accept(message.at)
            if not room.entered.done():
                room.entered.set_result(message.at)
        await self._finish(message.room)

    async def _receive_error(self, message: ServerMessage) -> None:
        about = message.room or self._pending
        error = MessageRefusedError(message.code, message.detail, about)
        if about is None or about != self._pending:
            self._emit(error)
        elif message.code == TOO_FAST:
            await asyncio.sleep(PAUSE_SECONDS)
            await self._finish(about)
        else:
            self._refuse(about, error)
            await self._finish(about)

    def _refuse(self, name: str, error: MessageRefusedError) -> None:
        room = self._rooms.pop(name, None)
        if room is None or room.entered.done():
            self._emit(error)  # it was open to us before
        else:
            room.entered.set_exception(error)
            room.entered.exception()  # marked as retrieved: the caller may be gone

    async def _finish(self, name: str) -> None:
        if name == self._pending:
            self._pending = None
            await self._send_next()
