"""The request body: pulled from the server as it is read, within its limits."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any

from jinja2.filters import do_filesizeformat
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout

from quarterdeck._state import release_resources

#: A reader that is slower than its client holds no more than about this much.
HIGH_WATER = 128 * 1024

Receive = Callable[[], Awaitable[Any]]


def too_large(subject: str, limit: int) -> RequestEntityTooLarge:
    """Return the error for a request over a limit of so many bytes, in units for people."""
    size = do_filesizeformat(limit)
    return RequestEntityTooLarge(f"{subject} larger than {size}. Send less at once.")


class Body:
    """A body that is iterated over (memory stays flat) or awaited (all of it, kept).

    The limit counts every byte that came, whichever way it is read. The time limit
    counts only the seconds spent waiting for the client.

    Attributes:
        limit: Bytes allowed, or None.
        patience: Seconds of waiting left, or None.
    """

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        self.expected = expected_content_length
        self.limit = max_content_length
        self.patience: float | None = None
        self.complete = False
        self._data = bytearray()
        self._received = 0
        self._receive: Receive = self._wait_until_fed
        self._fed: asyncio.Event | None = None
        self._lock: asyncio.Lock | None = None  # most requests have no body
        self._room: asyncio.Event | None = None
        self._on_disconnect: Callable[[], None] = lambda: None

    def connect(self, receive: Receive, on_disconnect: Callable[[], None]) -> None:
        """Read from ``receive``; call ``on_disconnect`` when the client has left."""
        self._receive = receive
        self._on_disconnect = on_disconnect

    # --- reading ------------------------------------------------------------------

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        while not self._data:
            self._check_limit()
            if self.complete:
                raise StopAsyncIteration
            await self._pull()
        self._check_limit()
        data = bytes(self._data)
        self.clear()
        return data

    def __await__(self) -> Generator[Any, None, bytes]:
        return self._read_all().__await__()

    async def _read_all(self) -> bytes:
        self._check_limit()
        while not self.complete:
            await self._pull()
            self._check_limit()
        return bytes(self._data)

    def clear(self) -> None:
        """Drop the pieces read so far."""
        self._data.clear()
        self._make_room()

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set()

    def _check_limit(self) -> None:
        if self.limit is None:
            return
        if self._received > self.limit or (self.expected or 0) > self.limit:
            raise too_large("The request is", self.limit)

    # --- receiving ----------------------------------------------------------------

    @property
    def _pulling(self) -> asyncio.Lock:
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    async def _pull(self) -> None:
        """Wait for the next piece; a piece pulled by another task counts."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(self.patience):
                await self._take_next(self._received)
        except TimeoutError:
            raise RequestTimeout("The body did not arrive in time.") from None
        if self.patience is not None:
            self.patience = max(0.0, self.patience - (loop.time() - started))

    async def _take_next(self, seen: int) -> None:
        if self._pulling.locked():
            await release_resources()  # ``watch`` holds the lock while it waits
            if self._has_news(seen):
                return  # it has taken the piece, and may wait for the end of the connection
        async with self._pulling:
            if self._has_news(seen):
                return
            message = await _released_while_waiting(self._receive())
            if message["type"] == "http.disconnect":
                self._on_disconnect()
                await asyncio.sleep(0)  # here the handler, just cancelled, unwinds
                # It was cancelled before, and lost that: asyncio.wait_for of Python 3.11 drops
                # a cancellation that comes together with its result.
                raise asyncio.CancelledError
            self._take(message)

    def _has_news(self, seen: int) -> bool:
        return self.complete or self._received != seen

    async def watch(self) -> None:
        """Return when the client has left; read ahead meanwhile, up to ``HIGH_WATER``."""
        while True:
            if len(self._data) > HIGH_WATER and not self.complete:
                self._room = asyncio.Event()
                await self._room.wait()
            async with self._pulling:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    return
                self._take(message)

    def _take(self, message: Any) -> None:
        self.append(message.get("body", b""))
        if not message.get("more_body", False):
            self.set_complete()

    async def _wait_until_fed(self) -> Any:
        """Wait for ``append`` or ``set_complete``, without a server that sends messages."""
        self._fed = asyncio.Event()
        await self._fed.wait()
        return {"type": "http.request", "more_body": not self.complete}

    def append(self, data: bytes) -> None:
        """Take a piece that arrived; beyond the limit it is counted and dropped."""
        self._received += len(data)
        if self.limit is None or self._received <= self.limit:
            self._data += data
        if self._fed is not None:
            self._fed.set()

    def set_complete(self) -> None:
        """No more is to come."""
        self.complete = True
        self._make_room()
        if self._fed is not None:
            self._fed.set()

    def set_result(self, data: bytes) -> None:
        """Make ``data`` the whole body; for tests."""
        self.append(data)
        self.set_complete()


@types.coroutine
def _released_while_waiting(work: Awaitable[Any]) -> Generator[Any, Any, Any]:
    """Await ``work``; if it has to wait, release resources first.

    Most bodies arrive together with their heads: then nothing is released to be taken again.
    """
    steps = work.__await__()
    step = partial(next, steps)
    is_first = True
    while True:
        try:
            waits_for = step()
        except StopIteration as done:
            return done.value
        try:
            if is_first:
                is_first = False
                yield from release_resources().__await__()
            yield waits_for
        except BaseException as error:
            step = partial(steps.throw, error)
        else:
            step = partial(next, steps)
