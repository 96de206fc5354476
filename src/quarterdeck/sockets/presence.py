"""Who is in which room: collected here, put together by the back end, told to the room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence

from . import messages
from .base import Backend, Person
from .connection import Connection

logger = logging.getLogger("quarterdeck.sockets")

RETRY_SECONDS = 1.0
CROWD = 50  # connections from which on news of a room are collected for longer


class Presence:
    """Tells the rooms of one process who is in them.

    Args:
        backend: Puts the processes together.
        connections: Gives the connections in a room.
        pause: Seconds in which changes are collected, so that a hundred who come at once make
            one message and not a hundred.
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
        self._ours: set[str] = set()
        self._theirs: set[str] = set()
        self._newcomers: dict[str, set[Connection]] = {}
        self._told: dict[str, str] = {}
        self._wake = asyncio.Event()

    def changed(self, room: str, newcomer: Connection | None = None) -> None:
        """Note that somebody came, went or does something else, by way of this process."""
        self._ours.add(room)
        if newcomer is not None:
            self._newcomers.setdefault(room, set()).add(newcomer)
        self._wake.set()

    def on_presence(self, room: str) -> None:
        """Note that people came or went, in any process."""
        self._theirs.add(room)
        self._wake.set()

    @property
    def pause(self) -> float:
        """Seconds to wait for more news: all in a room are told about all in it."""
        rooms = self._ours | self._theirs
        most = max((len(self._connections(room)) for room in rooms), default=0)
        return self._pause * max(1.0, most / CROWD)

    async def run(self) -> None:
        """Pass on what changed, for as long as the app serves."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(self.pause)
            self._wake.clear()
            try:
                await self._flush()
            except Exception as error:
                logger.warning("who is here cannot be said at the moment: %r", error)
                self._wake.set()
                await asyncio.sleep(RETRY_SECONDS)

    async def _flush(self) -> None:
        for room in tuple(self._ours):
            self._ours.discard(room)
            try:
                await self._backend.set_presence(room, self._people(room))
            except BaseException:
                self._ours.add(room)
                raise
            self._theirs.add(room)
        for room in tuple(self._theirs):
            self._theirs.discard(room)
            try:
                await self._tell(room)
            except BaseException:
                self._theirs.add(room)
                raise

    def _people(self, room: str) -> Sequence[Person]:
        return merge(
            Person(each.member.id, each.member.name, each.seats[room].doing)
            for each in self._connections(room)
        )

    async def _tell(self, room: str) -> None:
        if not self._connections(room):
            self._told.pop(room, None)
            self._newcomers.pop(room, None)
            return
        frame = messages.presence(room, merge(await self._backend.here(room)))
        newcomers = self._newcomers.pop(room, set())
        news = self._told.get(room) != frame
        self._told[room] = frame
        for connection in self._connections(room):
            if news or connection in newcomers:
                connection.push(frame)


def merge(people: Iterable[Person]) -> list[Person]:
    """Return everybody once, by name; who edits anywhere is editing."""
    by_id: dict[str, Person] = {}
    for person in people:
        if person.id not in by_id or person.doing == "editing":
            by_id[person.id] = person
    return sorted(by_id.values(), key=lambda person: (person.name, person.id))
