"""The newest events, from which reconnecting clients catch up."""

from __future__ import annotations

import asyncio
from collections import deque

from .event import Event, Position, parse_id


class Log:
    """A ring buffer of events that is complete after a known position.

    Args:
        size: The number of events to keep.
    """

    def __init__(self, size: int) -> None:
        self._events: deque[Event] = deque(maxlen=size)
        self._complete_after = self.last = "0-0"
        self._appended: asyncio.Event = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def reset(self, position: str) -> None:
        """Drop all events; the following ones are complete after ``position``."""
        self._events.clear()
        self._complete_after = self.last = position

    def append(self, event: Event) -> bool:
        """Add the next event; return False for one that was there before."""
        if event.position <= parse_id(self.last):
            return False
        if len(self._events) == self._events.maxlen:
            self._complete_after = self._events[0].id
        self._events.append(event)
        self.last = event.id
        self._appended.set()
        return True

    def since(self, room: str, position: Position) -> list[Event] | None:
        """Return the events of a room after ``position``; None if some are no longer kept."""
        if not parse_id(self._complete_after) <= position <= parse_id(self.last):
            return None
        missed = []
        for event in reversed(self._events):
            if event.position <= position:
                break
            if event.room == room:
                missed.append(event)
        return missed[::-1]

    async def wait_for(self, position: Position, seconds: float) -> None:
        """Wait until the log has reached ``position``, at most ``seconds``.

        A client that reconnects to another process may have seen newer events than that process.
        """
        try:
            async with asyncio.timeout(seconds):
                while position > parse_id(self.last):
                    self._appended.clear()
                    await self._appended.wait()
        except TimeoutError:
            return
