"""One timer for all requests, at whose end their clients are watched.

A timer for each request would cost nearly as much as finding its view.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import HTTPConnection

#: Seconds after which a client that leaves is noticed; most requests are answered before.
WATCH_AFTER = 0.05


class ClientWatch:
    """The requests of an event loop whose clients are not watched yet."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun: dict[HTTPConnection, float] = {}  # when, the earliest first
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: HTTPConnection, loop: asyncio.AbstractEventLoop) -> None:
        """Watch the client of a request that is not discarded before ``WATCH_AFTER``."""
        if loop is not self._loop:  # tests use one app in several loops
            self._loop, self._begun, self._timer = loop, {}, None
        self._begun[connection] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(WATCH_AFTER, self._look)

    def discard(self, connection: HTTPConnection) -> None:
        """Note the end of a request."""
        self._begun.pop(connection, None)

    def _look(self) -> None:
        assert self._loop is not None  # noqa: S101 - the timer is one of the loop
        self._timer = None
        now = self._loop.time()
        for connection, begun in [*self._begun.items()]:
            if begun + WATCH_AFTER > now:
                self._timer = self._loop.call_at(begun + WATCH_AFTER, self._look)
                break
            del self._begun[connection]
            connection.watch_client()
