"""What a hub keeps for one app: the connections of this process, its rooms and its log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from . import messages
from .base import Backend
from .connection import RESTARTING, Connection, Seat
from .event import Event, Position, parse_id
from .log import Log
from .presence import Presence

if TYPE_CHECKING:
    from .supervision import Supervision

logger = logging.getLogger("quarterdeck.sockets")

CONTROL = ""  # the room of the events that are for the hubs themselves
USER = "user:"
STOP_SECONDS = 3.0


class Switchboard:
    """Brings events to the connections in their rooms.

    Args:
        backend: Where the events come from.
        config: The checked configuration.
    """

    def __init__(self, backend: Backend, config: dict[str, Any]) -> None:
        self.backend = backend
        self.config = config
        self.log = Log(config["SOCKETS_LOG_SIZE"])
        self.connections: set[Connection] = set()
        self.supervision: Supervision | None = None
        self.has_started = self._is_stopping = False
        self._rooms: dict[str, set[Connection]] = {}
        self._by_member: dict[str, set[Connection]] = {}
        self.presence = Presence(backend, self.in_room, config["SOCKETS_PRESENCE_SECONDS"])
        self._tasks: list[asyncio.Task[None]] = []
        self._emptied = asyncio.Event()
        self._delivered = self._fell_behind = 0

    # --- life -----------------------------------------------------------------------

    async def start(self, supervision: Supervision) -> None:
        """Begin to bring events."""
        self.supervision = supervision
        await self.backend.start(self.deliver, self.on_gap, self.presence.on_presence)
        self.has_started, self._is_stopping = True, False
        for name, work in (("presence", self.presence.run()), ("recheck", supervision.run())):
            self._tasks.append(asyncio.create_task(work, name=f"sockets-{name}"))

    async def aclose(self) -> None:
        """Close every connection with 1012 and end the tasks; may be called twice."""
        self._is_stopping = True
        for connection in self.connections:
            connection.close(RESTARTING, "Restarting")
        if self.connections:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._emptied.wait()
            except TimeoutError:
                logger.warning("%d connections did not end in time", len(self.connections))
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.backend.stop()

    # --- connections and rooms ------------------------------------------------------

    def connect(self, connection: Connection) -> None:
        """Add a connection; it is in the room of its member without asking."""
        self._emptied.clear()
        self.connections.add(connection)
        self._by_member.setdefault(connection.member.id, set()).add(connection)
        self._enter(connection, USER + connection.member.id, "looking")
        if self._is_stopping:  # since the handshake began
            connection.close(RESTARTING, "Restarting")

    def disconnect(self, connection: Connection) -> None:
        """Remove a connection from everywhere, and what waits for it."""
        connection.drop()
        for room in tuple(connection.seats):
            self.leave(connection, room)
        self.connections.discard(connection)
        _discard(self._by_member, connection.member.id, connection)
        self._fell_behind += connection.fell_behind
        if not self.connections:
            self._emptied.set()

    def subscribe(
        self, connection: Connection, room: str, doing: str, since: Position | None
    ) -> None:
        """Let a connection into a room and tell it what it missed, all in one step.

        Nothing can happen between the two, so nothing is lost and nothing comes twice.
        """
        before = connection.seats.get(room)
        missed: list[Event] | None = []
        if since is not None:
            missed = self.log.since(room, since)
        if missed is None:
            connection.push(messages.gap(room))
            missed = []
        if before is not None:  # what came since it entered was told as it came
            missed = [event for event in missed if event.position <= before.since]
        connection.push_replay(event.frame for event in missed)
        connection.push(messages.subscribed(room, self.log.last, len(missed)))
        self._enter(connection, room, doing)

    def _enter(self, connection: Connection, room: str, doing: str) -> None:
        before = connection.seats.get(room)
        since = parse_id(self.log.last) if before is None else before.since
        connection.seats[room] = Seat(doing, since)
        self._rooms.setdefault(room, set()).add(connection)
        if not room.startswith(USER):
            self.presence.changed(room, None if before else connection)

    def leave(self, connection: Connection, room: str) -> None:
        """Take a connection out of a room."""
        del connection.seats[room]
        _discard(self._rooms, room, connection)
        if not room.startswith(USER):
            self.presence.changed(room)

    def in_room(self, room: str) -> Collection[Connection]:
        """The connections in a room."""
        return self._rooms.get(room, ())

    def of_member(self, member_id: str) -> Iterable[Connection]:
        """The connections of a member."""
        return tuple(self._by_member.get(member_id, ()))

    # --- events ---------------------------------------------------------------------

    def deliver(self, event: Event) -> None:
        """Take the next event from the back end and send it to its room."""
        if not self.log.append(event):
            return
        if event.room == CONTROL:
            self._obey(event)
            return
        connections = self.in_room(event.room)
        self._delivered += len(connections)
        for connection in connections:
            connection.push(event.frame)

    def on_gap(self, position: str) -> None:
        """Note that events were lost; those who are in a room have to look for themselves."""
        self.log.begin(position)
        for room, connections in self._rooms.items():
            for connection in connections:
                connection.push(messages.gap(room))
        if self.supervision is not None:
            for member_id in self._by_member:  # a 'reconsider' may be among what was lost
                self.supervision.doubt(member_id)

    def _obey(self, event: Event) -> None:
        order = msgspec.json.decode(msgspec.json.encode(event.data))
        if event.name == "disconnect":
            for connection in self.of_member(order["member"]):
                if order["via"] in {None, connection.member.via}:
                    connection.close(order["code"], "Ended by the server")
        elif event.name == "reconsider" and self.supervision is not None:
            self.supervision.doubt(order["member"])

    def statistics(self) -> dict[str, int]:
        """What is going on in this process, for ``/metrics``."""
        return {
            "connections": len(self.connections),
            "members": len(self._by_member),
            "rooms": sum(not room.startswith(USER) for room in self._rooms),
            "queued": sum(connection.queued for connection in self.connections),
            "log": len(self.log),
            "waiting": self.backend.waiting,
            "delivered": self._delivered,
            "fell_behind": self._fell_behind,
        }


def _discard(groups: dict[str, set[Connection]], key: str, connection: Connection) -> None:
    group = groups.get(key, set())
    group.discard(connection)
    if not group:
        groups.pop(key, None)
