"""Messages of a WebSocket that its handler has not asked for yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from sys import getsizeof


class Inbox:
    """A queue that is full at so many messages or bytes, and knows when nothing more comes.

    It is made of lists, because an idle ``deque`` takes 600 bytes and an ``asyncio.Queue`` three
    of them, for each connection.

    Args:
        max_messages: With as many it is full.
        max_bytes: With as many bytes of memory it is full.
        on_end: Called when no message is left for a handler that waits for one. A handler still
            at work on its last message is left alone until it asks for the next.
        on_space: Called each time that it is no longer full.
    """

    __slots__ = (
        "_at_work", "_bytes", "_getters", "_max_bytes", "_max_messages", "_messages", "_on_end",
        "_on_space", "ended",
    )  # fmt: skip

    def __init__(
        self,
        max_messages: int,
        max_bytes: int,
        on_end: Callable[[], None],
        on_space: Callable[[], None],
    ) -> None:
        self._messages: list[str | bytes] = []
        self._getters: list[asyncio.Future[None]] = []
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._bytes = 0
        self._on_end = on_end
        self._on_space = on_space
        self.ended = False
        self._at_work = False

    @property
    def is_full(self) -> bool:
        return self._bytes >= self._max_bytes or len(self._messages) >= self._max_messages

    def put(self, message: str | bytes) -> None:
        self._messages.append(message)
        self._bytes += getsizeof(message)  # what it takes of the memory, not of the line
        self._wake()

    def _wake(self) -> None:
        for getter in self._getters:
            if not getter.done():
                getter.set_result(None)
                return

    async def get(self) -> str | bytes:
        """Wait for a message; if none will come, ``on_end`` cancels the handler."""
        self._at_work = False
        if self.ended and not self._messages:
            self._on_end()
        while not self._messages:
            await self._wait()
        was_full = self.is_full
        message = self._messages.pop(0)
        self._at_work = True
        self._bytes -= getsizeof(message)
        if was_full and not self.is_full:
            self._on_space()
        return message

    async def _wait(self) -> None:
        getter = asyncio.get_running_loop().create_future()
        self._getters.append(getter)
        try:
            await getter
        except asyncio.CancelledError:
            if not getter.cancelled() and self._messages:  # it was meant for this one
                self._getters.remove(getter)
                self._wake()
            raise
        finally:
            if getter in self._getters:
                self._getters.remove(getter)

    def end(self) -> None:
        """Take it that nothing more comes: the client has left."""
        self.ended = True
        if not self._messages and not self._at_work:
            self._on_end()
