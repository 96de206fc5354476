"""A back end with what a process would see of it written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from quarterdeck.sockets import Backend, Event, Person

SECONDS = 20.0  # what a busy machine may need


class Process:
    """What one process has been brought: events and gaps in order, and rooms with changes."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.log: list[Event | str] = []
        self.changes: list[str] = []
        self.fails_for: Any = None
        self._seen = asyncio.Event()

    async def start(self) -> None:
        await self.backend.start(self._deliver, self._on_gap, self._on_presence)

    async def publish(self, *data: Any, room: str = "orders") -> list[str]:
        """Publish one event after the other."""
        raw = [msgspec.Raw(msgspec.json.encode(each)) for each in data]
        return [await self.backend.publish(Event(room, "", "said", each)) for each in raw]

    async def until(self, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Wait for something that what is brought makes true."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._seen.clear()
                    await self._seen.wait()
        except TimeoutError:
            raise AssertionError(f"{self.data[-5:]}, {self.gaps}, {self.changes}") from None

    async def until_data(self, *wanted: Any) -> None:
        await self.until_count(events=len(wanted))
        assert self.data == list(wanted)

    async def until_count(self, *, events: int = 0, gaps: int = 0) -> None:
        """Wait for so many, or more."""
        await self.until(lambda: len(self.events) >= events and len(self.gaps) >= gaps)

    async def until_here(self, *names: str, room: str = "orders") -> None:
        """Wait until these people are in a room, as this process sees it."""
        async with asyncio.timeout(SECONDS):
            while sorted(each.name for each in await self.backend.here(room)) != sorted(names):
                self._seen.clear()
                await self._seen.wait()

    async def enter(self, *names: str, room: str = "orders") -> None:
        await self.backend.set_presence(room, [Person(name, name) for name in names])

    @property
    def events(self) -> list[Event]:
        return [each for each in self.log if isinstance(each, Event)]

    @property
    def gaps(self) -> list[str]:
        return [each for each in self.log if isinstance(each, str)]

    @property
    def data(self) -> list[Any]:
        return [decoded(event) for event in self.events]

    def _deliver(self, event: Event) -> None:
        if self.fails_for is not None and decoded(event) == self.fails_for:
            raise RuntimeError("this event cannot be delivered")
        self.log.append(event)
        self._seen.set()

    def _on_gap(self, position: str) -> None:
        self.log.append(position)
        self._seen.set()

    def _on_presence(self, room: str) -> None:
        self.changes.append(room)
        self._seen.set()


def decoded(event: Event) -> Any:
    """Return the data of an event as they were published."""
    return msgspec.json.decode(msgspec.json.encode(event.data))
