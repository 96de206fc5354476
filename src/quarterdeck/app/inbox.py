"""Messages of a WebSocket that its handler has not asked for yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from sys import getsizeof


class Inbox:
    """A queue that is full at so many messages or bytes, and knows when nothing more comes.

    ``on_end`` is called when no message is left for a handler that waits for one. A handler
    still at work on its last message is left alone until it asks for the next.
    """

    def __init__(self, max_messages: int, max_bytes: int, on_end: Callable[[], None]) -> None:
        self._queue: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._bytes = 0
        self._on_end = on_end
        self._room = asyncio.Event()
        self.ended = False
        self._at_work = False

    @property
    def is_full(self) -> bool:
        return self._bytes >= self._max_bytes or self._queue.qsize() >= self._max_messages

    def put(self, message: str | bytes) -> None:
        self._queue.put_nowait(message)
        self._bytes += getsizeof(message)  # what it takes of the memory, not of the line

    async def get(self) -> str | bytes:
        """Wait for a message; for ever if none will come, ``on_end`` cancels the handler."""
        self._at_work = False
        if self.ended and self._queue.empty():
            self._on_end()
        message = await self._queue.get()
        self._at_work = True
        self._bytes -= getsizeof(message)
        if not self.is_full:
            self._room.set()
        return message

    async def wait_for_room(self, seconds: float) -> bool:
        """Whether a message was taken in time, and another one may be put."""
        while self.is_full:
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), seconds)
            except TimeoutError:
                return False
        return True

    def end(self) -> None:
        """Take it that nothing more comes: the client has left."""
        self.ended = True
        if self._queue.empty() and not self._at_work:
            self._on_end()
