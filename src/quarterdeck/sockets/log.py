"""The last events, for those who were away for a moment."""

from __future__ import annotations

import asyncio
from collections import deque

from .event import Event, Position, parse_id


class Log:
    """A ring of events, complete from a known position on.

    Args:
        size: How many events are kept.
    """

    def __init__(self, size: int) -> None:
        self._events: deque[Event] = deque(maxlen=size)
        self._floor = self.last = "0-0"
        self._grown: asyncio.Event = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def begin(self, position: str) -> None:
        """Forget everything; what comes is complete after ``position``."""
        self._events.clear()
        self._floor = self.last = position

    def append(self, event: Event) -> bool:
        """Add the next event; return False for one that was there before."""
        if event.position <= parse_id(self.last):
            return False
        if len(self._events) == self._events.maxlen:
            self._floor = self._events[0].id
        self._events.append(event)
        self.last = event.id
        self._grown.set()
        return True

    def since(self, room: str, position: Position) -> list[Event] | None:
        """Return what happened in a room after ``position``, or None if that cannot be said."""
        if not parse_id(self._floor) <= position <= parse_id(self.last):
            return None
        missed = []
        for event in reversed(self._events):
            if event.position <= position:
                break
            if event.room == room:
                missed.append(event)
        return missed[::-1]

    async def reach(self, position: Position, seconds: float) -> None:
        """Wait until the log knows of ``position``, but not for long.

        A client that changes to another process may have seen more than that one so far.
        """
        try:
            async with asyncio.timeout(seconds):
                while position > parse_id(self.last):
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            return
