"""One WebSocket as the hub sees it: whose it is, its rooms, and what waits to be sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from .event import Position

TOO_FAR_BEHIND = 1008
MISBEHAVING = 1008
TOO_BIG = 1009
OUR_ERROR = 1011
RESTARTING = 1012
NOT_SIGNED_IN = 4401
NOT_ALLOWED = 4403


@dataclass(frozen=True)
class Member:
    """Whose connection it is; derive a class to keep more, such as what ``recheck`` needs.

    Attributes:
        id: Names the person; all connections of one person have the same.
        name: What others see.
        via: What lets this connection in, such as the key of a browser session or a token:
            ``disconnect`` can end the connections of one only.
        may_say: Whether the member may talk in rooms.
    """

    id: str
    name: str
    via: str = field(default="", kw_only=True)
    may_say: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class Seat:
    """A connection in a room.

    Attributes:
        doing: What the member does there.
        since: From where on the connection is told of events as they come.
    """

    doing: str
    since: Position


@dataclass(frozen=True, slots=True)
class Closing:
    """Why a connection is being closed."""

    code: int
    reason: str


class Connection:
    """The sending half, and the door by which others end the connection.

    Args:
        member: Whose it is.
        send: Sends one message, and waits while the client does not read.
        queue_size: How many messages may wait; with more the client is too far behind.
    """

    def __init__(
        self, member: Member, send: Callable[[str], Awaitable[None]], queue_size: int
    ) -> None:
        self.member = member
        self.seats: dict[str, Seat] = {}  # by room
        self.closing: Closing | None = None
        self.on_close: Callable[[], None] | None = None
        self.fell_behind = False
        self._send = send
        self._limit = queue_size
        self._queue: deque[str] = deque()
        self._replayed = 0  # of those in the queue: the log bounds them, not the limit
        self._waiting = asyncio.Event()
        self._caught_up = asyncio.Event()

    @property
    def queued(self) -> int:
        """How many messages wait to be sent."""
        return len(self._queue)

    def push(self, frame: str) -> None:
        """Send a message soon; a client that is too far behind is closed instead."""
        if self.closing is not None:
            return
        if len(self._queue) - self._replayed >= self._limit:
            self.fell_behind = True
            self.close(TOO_FAR_BEHIND, "Too far behind; come back with 'since'")
            return
        self._queue.append(frame)
        self._waiting.set()

    def push_replay(self, frames: Iterable[str]) -> None:
        """Send what the client missed, however much it is."""
        before = len(self._queue)
        self._queue.extend(frames)
        self._replayed += len(self._queue) - before
        self._waiting.set()

    async def caught_up(self) -> None:
        """Wait until what was replayed is sent, so that nobody can ask for it again and again."""
        while self._replayed:
            self._caught_up.clear()
            await self._caught_up.wait()

    def close(self, code: int, reason: str) -> None:
        """End the connection; the first reason counts."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            if self.on_close is not None:
                self.on_close()

    def drop(self) -> None:
        """Forget what waits: a close may take long, and nothing else is sent any more."""
        self._queue.clear()

    async def write(self) -> None:
        """Send what waits, for as long as the connection lives; a task of its own."""
        while True:
            while self._queue:
                await self._send(self._queue.popleft())
                if self._replayed:
                    self._replayed -= 1
                    self._caught_up.set()
            self._waiting.clear()
            await self._waiting.wait()
