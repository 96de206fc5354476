"""The presence in rooms: collected here, merged by the back end, sent to the connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence

from quarterdeck._repeated_logs import OutageLog

from . import messages
from .base import Backend, Person
from .connection import Connection

logger = logging.getLogger("quarterdeck.sockets")

RETRY_SECONDS = 1.0
LARGE_ROOM = 50  # connections; with more, changes are collected for longer


class PresenceTracker:
    """Send the members of each room to its connections in this process.

    Args:
        backend: Merges the members of all processes.
        connections: Returns the connections in a room.
        pause: Seconds in which changes are collected, so that a hundred members entering at once
            cause one message and not a hundred.
    """

    def __init__(
        self,
        backend: Backend,
        connections: Callable[[str], Collection[Connection]],
        pause: float,
    ) -> None:
        self._backend = backend
        self._connections = connections
        self._pause = pause
        self._local_changes: set[str] = set()
        self._changed_rooms: set[str] = set()
        self._new_connections: dict[str, set[Connection]] = {}
        self._last_sent: dict[str, str] = {}
        self._wake = asyncio.Event()

    def changed(self, room: str, new: Connection | None = None) -> None:
        """Note that a member entered, left or changed ``doing`` in this process."""
        self._local_changes.add(room)
        if new is not None:
            self._new_connections.setdefault(room, set()).add(new)
        self._wake.set()

    def on_presence(self, room: str) -> None:
        """Note that members entered or left a room, in any process."""
        self._changed_rooms.add(room)
        self._wake.set()

    @property
    def pause(self) -> float:
        """Seconds in which changes are collected.

        They grow with the largest room, because the work of one message grows with its square.
        """
        rooms = self._local_changes | self._changed_rooms
        largest = max((len(self._connections(room)) for room in rooms), default=0)
        return self._pause * max(1.0, largest / LARGE_ROOM)

    async def run(self) -> None:
        """Send changes until the task is cancelled."""
        outages = OutageLog(logger, "The update of presence")
        while True:
            await self._wake.wait()
            await asyncio.sleep(self.pause)
            self._wake.clear()
            try:
                await self._flush()
            except Exception as error:
                outages.failed(error)
                self._wake.set()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                outages.works()

    async def _flush(self) -> None:
        for room in tuple(self._local_changes):
            self._local_changes.discard(room)
            try:
                await self._backend.set_presence(room, self._people(room))
            except BaseException:
                self._local_changes.add(room)
                raise
            self._changed_rooms.add(room)
        for room in tuple(self._changed_rooms):
            self._changed_rooms.discard(room)
            try:
                await self._send(room)
            except BaseException:
                self._changed_rooms.add(room)
                raise

    def _people(self, room: str) -> Sequence[Person]:
        return merge(
            Person(each.member.id, each.member.name, each.subscriptions[room].doing)
            for each in self._connections(room)
        )

    async def _send(self, room: str) -> None:
        if not self._connections(room):
            self._last_sent.pop(room, None)
            self._new_connections.pop(room, None)
            return
        frame = messages.presence(room, merge(await self._backend.here(room)))
        new_connections = self._new_connections.pop(room, set())
        changed = self._last_sent.get(room) != frame
        self._last_sent[room] = frame
        for connection in self._connections(room):
            if changed or connection in new_connections:
                connection.push(frame)


def merge(people: Iterable[Person]) -> list[Person]:
    """Return each member once, sorted by name; editing in one connection counts as editing."""
    by_id: dict[str, Person] = {}
    for person in people:
        if person.id not in by_id or person.doing == "editing":
            by_id[person.id] = person
    return sorted(by_id.values(), key=lambda person: (person.name, person.id))
