"""One WebSocket in the hub: its member, its rooms and its queue of messages."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextvars import copy_context
from dataclasses import dataclass, field

from quarterdeck._websocket import TEXT, encode_frame

from .event import Event, Position

logger = logging.getLogger("quarterdeck.sockets")

POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011
SERVICE_RESTART = 1012
NOT_SIGNED_IN = 4401
NOT_ALLOWED = 4403


@dataclass(frozen=True)
class Member:
    """The user of a connection; a derived class can hold more, for example for ``recheck``.

    Attributes:
        id: The id of the user; all connections of one user have the same.
        name: The name that others see.
        via: The credential of this connection, such as the key of a browser session or a
            token. ``disconnect`` can close the connections of one credential only.
        may_say: Whether the member may talk in rooms.
    """

    id: str
    name: str
    via: str = field(default="", kw_only=True)
    may_say: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A connection in a room.

    Attributes:
        doing: ``"looking"`` or ``"editing"``.
        since: The position after which the connection receives events as they come.
    """

    doing: str
    since: Position


@dataclass(frozen=True, slots=True)
class Closing:
    """The close code and reason of a connection."""

    code: int
    reason: str


class Connection:
    """The sending half of a WebSocket, with a bounded queue; any task may close it.

    A message is written at once if nothing waits and the client keeps up. Only the messages of a
    client that lags behind are queued, and only then a task sends them.

    Args:
        member: The user of the connection.
        send: Sends one message, and waits while the client does not read.
        write: Writes one frame without waiting, and returns False if that is not possible.
        queue_size: The most messages that may wait; one more closes the connection.
    """

    __slots__ = (
        "_context", "_limit", "_queue", "_replay_sent", "_replayed", "_send", "_write", "_writer",
        "closing", "fell_behind", "member", "on_close", "subscriptions",
    )  # fmt: skip

    def __init__(
        self,
        member: Member,
        send: Callable[[str], Awaitable[None]],
        write: Callable[[bytes], bool] | None,
        queue_size: int,
    ) -> None:
        self.member = member
        self.subscriptions: dict[str, Subscription] = {}  # by room
        self.closing: Closing | None = None
        self.on_close: Callable[[], None] | None = None
        self.fell_behind = False
        self._send = send
        self._write = write
        self._limit = queue_size
        self._queue: deque[str] | None = None  # while messages wait
        self._replayed = 0  # of those in the queue: the log bounds them, not the limit
        self._replay_sent: asyncio.Future[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._context = copy_context()  # not that of a request in which something is published

    @property
    def queued(self) -> int:
        """The number of messages that wait to be sent."""
        return len(self._queue or ())

    def push(self, frame: str, event: Event | None = None) -> None:
        """Send a message; if too many wait, close the connection instead.

        Args:
            frame: The message.
            event: The event that it shows, whose encoded form is shared by all connections.
        """
        if self.closing is not None:
            return
        if self._writer is None and self._write is not None:
            encoded = encode_frame(TEXT, frame.encode()) if event is None else event.encoded
            if self._write(encoded):
                return
        if self.queued - self._replayed >= self._limit:
            self.fell_behind = True
            self.close(POLICY_VIOLATION, "Too far behind; come back with 'since'")
            return
        self._enqueue((frame,))

    def push_replay(self, frames: Iterable[str]) -> None:
        """Queue the events that the client missed, beyond the limit of the queue."""
        before = self.queued
        self._enqueue(frames)
        self._replayed += self.queued - before

    def _enqueue(self, frames: Iterable[str]) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.extend(frames)
        if self._queue and self._writer is None:
            loop = asyncio.get_running_loop()
            self._writer = loop.create_task(
                self._send_queued(), name="sockets-writer", context=self._context
            )

    async def wait_until_replayed(self) -> None:
        """Wait until the replay is sent.

        Otherwise a client that reads nothing could fill the memory with repeated requests.
        """
        while self._replayed:
            self._replay_sent = asyncio.get_running_loop().create_future()
            await self._replay_sent

    def close(self, code: int, reason: str) -> None:
        """Close the connection; only the first call has an effect."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            if self.on_close is not None:
                self.on_close()

    async def drop(self) -> None:
        """Drop the queue: a close may take long, and nothing but the close is sent."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])

    async def _send_queued(self) -> None:
        """Send what waits, and what is queued meanwhile; end when nothing does."""
        try:
            while self._queue:
                await self._send(self._queue.popleft())
                if self._replayed:
                    self._replayed -= 1
                    if self._replay_sent is not None and not self._replay_sent.done():
                        self._replay_sent.set_result(None)
        except Exception:
            logger.exception("A message could not be sent")
            self.close(INTERNAL_ERROR, "Internal error")
        finally:
            self._writer = self._queue = None
