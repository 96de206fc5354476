"""Back pressure in both directions, and the end of a connection, without a task of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .server import Server

#: Seconds without a byte after which a client that was answered is cut off. Until then its
#: bytes are read and dropped: a connection closed under them could reset before the answer
#: was read (RFC 9112, section 9.6).
LINGER_SECONDS = 5.0
#: Seconds after which it is cut off even if it sends on.
MAX_LINGER_SECONDS = 30.0
#: The same while the server stops: a client that leaves its side open must not hold that up.
LINGER_SECONDS_AT_STOP = 1.0


class Linger:
    """The time between the last byte for a client and the end of its connection."""

    __slots__ = ("_deadline", "_handle", "_transport")

    def __init__(self, transport: asyncio.Transport, *, is_stopping: bool) -> None:
        self._transport = transport
        seconds = LINGER_SECONDS_AT_STOP if is_stopping else MAX_LINGER_SECONDS
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._handle: asyncio.TimerHandle | None = None
        self.keep()

    def keep(self) -> None:
        """Note that the client has sent something."""
        self.cancel()
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now >= self._deadline:  # a timer that is due could be replaced again and again
            self._transport.abort()
        else:
            end = min(now + LINGER_SECONDS, self._deadline)
            self._handle = loop.call_at(end, self._transport.abort)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


def end_sending(transport: asyncio.WriteTransport) -> None:
    """Close the sending direction; the loss of a connection that the client has reset is near."""
    with suppress(OSError):
        transport.write_eof()


class ClientProtocol(asyncio.Protocol):
    """One connection that is handled where its bytes arrive.

    A client that reads nothing for ``write_timeout`` while more than the transport's buffer waits
    for it is disconnected. ``server.connections`` holds the object until the connection is lost
    and its handler has ended.
    """

    __slots__ = (
        "_drained", "_is_reading", "_linger", "_lost", "_stuck", "_tasks", "_timer", "config",
        "loop", "server", "transport", "writing_paused",
    )  # fmt: skip

    def __init__(self, server: Server) -> None:
        self.server = server
        self.config = server.config
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport = cast(Any, None)
        self.writing_paused = False
        self._is_reading = True
        self._drained: asyncio.Future[None] | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._linger: Linger | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._lost = False

    # --- writing ------------------------------------------------------------------

    def pause_writing(self) -> None:
        self.writing_paused = True
        self._watch_writing()

    def resume_writing(self) -> None:
        self.writing_paused = False
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        self._wake_writers()

    async def drain(self) -> None:
        """Wait until the client has read enough, or is gone."""
        while self.writing_paused and not self._lost:
            if self._drained is None:
                self._drained = self.loop.create_future()
            await asyncio.shield(self._drained)  # several tasks may wait for it

    def _wake_writers(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    def _watch_writing(self) -> None:
        if self.config.write_timeout:
            size = self.transport.get_write_buffer_size()
            self._stuck = self.loop.call_later(self.config.write_timeout, self._check, size)

    def _check(self, size: int) -> None:
        if self.transport.get_write_buffer_size() >= size:
            self.transport.abort()
        else:
            self._watch_writing()

    # --- reading ------------------------------------------------------------------

    def pause_reading(self) -> None:
        if self._is_reading and not self._lost:
            self._is_reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._is_reading and not self._lost:
            self._is_reading = True
            if not self.transport.is_closing():
                self.transport.resume_reading()

    # --- the end ------------------------------------------------------------------

    def finish(self, *, is_receiving: bool = False) -> None:
        """Close the sending direction, then read and drop what still comes for a while.

        Args:
            is_receiving: Whether the client is still sending. TLS has no end of one direction, so
                the connection is closed at once if not.
        """
        if self._linger is not None or self._lost or self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            end_sending(self.transport)
        elif not is_receiving:
            self.transport.close()
            return
        is_stopping = self.server.context.terminated.is_set()
        self._linger = Linger(self.transport, is_stopping=is_stopping)
        self.resume_reading()

    def stop(self) -> None:
        """Begin to close because the server stops."""
        raise NotImplementedError

    def abort(self) -> None:
        """End the connection and its handler at once."""
        self.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self.writing_paused = False
        for timer in (self._stuck, self._linger, self._timer):
            if timer is not None:
                timer.cancel()
        self._stuck = self._timer = None
        self._wake_writers()
        self._leave()

    def _run(self, coroutine: Any) -> None:
        """Run a handler in a task."""
        task = self.loop.create_task(coroutine)
        self._tasks.append(task)
        task.add_done_callback(self._handler_ended)

    def _handler_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.remove(task)
        if not task.cancelled():
            task.exception()  # was logged; this marks it as seen
        self._leave()

    def _leave(self) -> None:
        if self._lost and not self._tasks:
            self.server.connections.discard(self)
