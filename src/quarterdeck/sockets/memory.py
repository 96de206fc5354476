"""The back end of an application with one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .base import Backend, Deliver, OnGap, OnPresence, Person
from .event import Event, IdGenerator

if TYPE_CHECKING:
    from quart import Quart


class MemoryBackend(Backend):
    """Deliver events within the process, at once."""

    name = "memory"

    def __init__(self) -> None:
        self._ids = IdGenerator()
        self._deliver: Deliver | None = None
        self._on_presence: OnPresence | None = None
        self._people: dict[str, Sequence[Person]] = {}

    async def start(self, deliver: Deliver, on_gap: OnGap, on_presence: OnPresence) -> None:
        on_gap(self._ids.next())
        self._deliver, self._on_presence = deliver, on_presence

    async def stop(self) -> None:
        self._deliver = self._on_presence = None
        self._people.clear()

    async def publish(self, event: Event) -> str:
        sent = replace(event, id=self._ids.next())
        if self._deliver is not None:
            self._deliver(sent)
        return sent.id

    async def set_presence(self, room: str, people: Sequence[Person]) -> None:
        if people:
            self._people[room] = people
        else:
            self._people.pop(room, None)
        if self._on_presence is not None:
            self._on_presence(room)

    async def here(self, room: str) -> Sequence[Person]:
        return self._people.get(room, ())

    async def check(self) -> None:
        return


def make_backend(_config: Mapping[str, Any], _app: Quart) -> MemoryBackend:
    """Return a back end for one app."""
    return MemoryBackend()
