"""One WebSocket in the hub: its member, its rooms and its queue of messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from .event import Position

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

    Args:
        member: The user of the connection.
        send: Sends one message, and waits while the client does not read.
        queue_size: The most messages that may wait; one more closes the connection.
    """

    def __init__(
        self, member: Member, send: Callable[[str], Awaitable[None]], queue_size: int
    ) -> None:
        self.member = member
        self.subscriptions: dict[str, Subscription] = {}  # by room
        self.closing: Closing | None = None
        self.on_close: Callable[[], None] | None = None
        self.fell_behind = False
        self._send = send
        self._limit = queue_size
        self._queue: deque[str] = deque()
        self._replayed = 0  # of those in the queue: the log bounds them, not the limit
        self._waiting = asyncio.Event()
        self._replay_sent = asyncio.Event()

    @property
    def queued(self) -> int:
        """The number of messages that wait to be sent."""
        return len(self._queue)

    def push(self, frame: str) -> None:
        """Queue a message; if the queue is full, close the connection instead."""
        if self.closing is not None:
            return
        if len(self._queue) - self._replayed >= self._limit:
            self.fell_behind = True
            self.close(POLICY_VIOLATION, "Too far behind; come back with 'since'")
            return
        self._queue.append(frame)
        self._waiting.set()

    def push_replay(self, frames: Iterable[str]) -> None:
        """Queue the events that the client missed, beyond the limit of the queue."""
        before = len(self._queue)
        self._queue.extend(frames)
        self._replayed += len(self._queue) - before
        self._waiting.set()

    async def wait_until_replayed(self) -> None:
        """Wait until the replay is sent.

        Otherwise a client that reads nothing could fill the memory with repeated requests.
        """
        while self._replayed:
            self._replay_sent.clear()
            await self._replay_sent.wait()

    def close(self, code: int, reason: str) -> None:
        """Close the connection; only the first call has an effect."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            if self.on_close is not None:
                self.on_close()

    def drop(self) -> None:
        """Drop the queue: a close may take long, and nothing but the close is sent."""
        self._queue.clear()

    async def write(self) -> None:
        """Send queued messages until the task is cancelled."""
        while True:
            while self._queue:
                await self._send(self._queue.popleft())
                if self._replayed:
                    self._replayed -= 1
                    self._replay_sent.set()
            self._waiting.clear()
            await self._waiting.wait()
