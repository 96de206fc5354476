"""The state of a hub for one app: its connections in this process, their rooms, the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from quarterdeck._measurements import Measurement
from quarterdeck._state import SingleProcess

from . import messages
from .base import Backend
from .connection import SERVICE_RESTART, Connection, Subscription
from .event import Event, Position, parse_id
from .log import Log
from .presence import PresenceTracker

if TYPE_CHECKING:
    from .rechecker import Rechecker

logger = logging.getLogger("quarterdeck.sockets")

CONTROL = ""  # the room of the events by which hubs control each other
USER = "user:"
STOP_SECONDS = 3.0


class ConnectionManager:
    """Deliver events to the connections in their rooms.

    Args:
        backend: The source of the events.
        config: The checked configuration.
    """

    def __init__(self, backend: Backend, config: dict[str, Any]) -> None:
        self.backend = backend
        self.config = config
        self.log = Log(config["SOCKETS_LOG_SIZE"])
        self.connections: set[Connection] = set()
        self.rechecker: Rechecker | None = None
        self.has_started = self._is_stopping = False
        self._rooms: dict[str, set[Connection]] = {}
        self._by_member: dict[str, set[Connection]] = {}
        self.presence = PresenceTracker(backend, self.in_room, config["SOCKETS_PRESENCE_SECONDS"])
        self._tasks: list[asyncio.Task[None]] = []
        self._emptied = asyncio.Event()
        self._delivered = self._fell_behind = 0

    @property
    def single_process(self) -> SingleProcess | None:
        """Why several processes cannot serve the app."""
        if self.backend.name != "memory":
            return None
        return "SOCKETS_BACKEND", "Set SOCKETS_BACKEND to 'redis', and REDIS_URL"

    # --- life -----------------------------------------------------------------------

    async def start(self, rechecker: Rechecker) -> None:
        """Start the back end and the tasks."""
        self.rechecker = rechecker
        await self.backend.start(self.deliver, self.on_gap, self.presence.on_presence)
        self.has_started, self._is_stopping = True, False
        for name, work in (("presence", self.presence.run()), ("recheck", rechecker.run())):
            self._tasks.append(asyncio.create_task(work, name=f"sockets-{name}"))

    async def aclose(self) -> None:
        """Close every connection with 1012 and end the tasks; may be called twice."""
        self._is_stopping = True
        for connection in self.connections:
            connection.close(SERVICE_RESTART, "Restarting")
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
        """Add a connection and subscribe it to the room of its member."""
        self._emptied.clear()
        self.connections.add(connection)
        self._by_member.setdefault(connection.member.id, set()).add(connection)
        self._enter(connection, USER + connection.member.id, "looking")
        if self._is_stopping:  # since the handshake began
            connection.close(SERVICE_RESTART, "Restarting")

    def disconnect(self, connection: Connection) -> None:
        """Remove a connection from all rooms."""
        for room in tuple(connection.subscriptions):
            self.leave(connection, room)
        self.connections.discard(connection)
        _discard(self._by_member, connection.member.id, connection)
        self._fell_behind += connection.fell_behind
        if not self.connections:
            self._emptied.set()

    def subscribe(
        self, connection: Connection, room: str, doing: str, since: Position | None
    ) -> None:
        """Subscribe a connection to a room and queue the events that it missed.

        No other task runs between the two, so that no event is lost or sent twice.
        """
        before = connection.subscriptions.get(room)
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
        before = connection.subscriptions.get(room)
        since = parse_id(self.log.last) if before is None else before.since
        connection.subscriptions[room] = Subscription(doing, since)
        self._rooms.setdefault(room, set()).add(connection)
        if not room.startswith(USER):
            self.presence.changed(room, None if before else connection)

    def leave(self, connection: Connection, room: str) -> None:
        """Unsubscribe a connection from a room."""
        del connection.subscriptions[room]
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
        """Log the next event of the back end and send it to its room."""
        if not self.log.append(event):
            return
        if event.room == CONTROL:
            self._handle_control(event)
            return
        connections = self.in_room(event.room)
        self._delivered += len(connections)
        for connection in connections:
            connection.push(event.frame, event)

    def on_gap(self, position: str) -> None:
        """Send a gap to all rooms because events were lost; their clients reload."""
        self.log.reset(position)
        for room, connections in self._rooms.items():
            for connection in connections:
                connection.push(messages.gap(room))
        if self.rechecker is not None:
            for member_id in self._by_member:  # a 'reconsider' may be among what was lost
                self.rechecker.request(member_id)

    def _handle_control(self, event: Event) -> None:
        command = msgspec.json.decode(msgspec.json.encode(event.data))
        if event.name == "disconnect":
            for connection in self.of_member(command["member"]):
                if command["via"] in {None, connection.member.via}:
                    connection.close(command["code"], "Ended by the server")
        elif event.name == "reconsider" and self.rechecker is not None:
            self.rechecker.request(command["member"])

    def statistics(self) -> dict[str, int]:
        """The counters of this process, for ``/metrics``."""
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

    def health_checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return the check of the back end."""
        return {"live": self.backend.check}

    def measurements(self) -> Iterator[Measurement]:
        """Yield the same counters for the metrics."""
        for name, value in self.statistics().items():
            about = f"Live events: {name.replace('_', ' ')}."
            yield Measurement(f"live_{name}", about, value, is_counter=name in _COUNTERS)


_COUNTERS = {"delivered", "fell_behind"}  # the others go up and down


def _discard(groups: dict[str, set[Connection]], key: str, connection: Connection) -> None:
    group = groups.get(key, set())
    group.discard(connection)
    if not group:
        groups.pop(key, None)
