"""The reader of the streams: each entry once and in order, or a gap."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from redis.exceptions import AuthenticationError, ResponseError

from .connection import REDIS_ERRORS, Backoff, RedisConnection, cancel

logger = logging.getLogger("quarterdeck.sockets")

Fields = dict[bytes, bytes]
Entry = tuple[str, Fields]

BATCH = 100  # entries handled without a pause for the event loop
BACKFILL_SECONDS = 5.0  # more, for reading thousands of entries at once
PUBLISHERS = 1000
LARGEST = 2**64 - 1


class Duplicates:
    """The newest number of each publisher, by which repeated entries are recognised."""

    def __init__(self) -> None:
        self._newest: OrderedDict[bytes, int] = OrderedDict()

    def add(self, fields: Fields) -> bool:
        """Note an entry; return False if it is a duplicate or has no publisher."""
        publisher, _, number = fields.get(b"from", b"").rpartition(b"-")
        if not number.isdigit():
            return False
        if self._newest.get(publisher, 0) >= int(number):
            return False
        self._newest[publisher] = int(number)
        self._newest.move_to_end(publisher)
        if len(self._newest) > PUBLISHERS:
            self._newest.popitem(last=False)
        return True


def previous_id(position: str) -> str:
    """Return the largest possible id before another one."""
    milliseconds, number = map(int, position.split("-"))
    if number:
        return f"{milliseconds}-{number - 1}"
    return f"{max(milliseconds - 1, 0)}-{LARGEST}"


class Reader:
    """A task that reads events from its position on, over outages of Redis.

    Each read also checks that the entry at the position still exists. If so, the new entries
    follow it without a gap. If not, the stream was trimmed, lost or restored from a backup: the
    reader reports a gap and continues with the next entry.

    Args:
        connection: The client and its timeout.
        events: Key of the stream of events.
        notifications: Key of the stream of notifications. Its entries may be lost.
        newest: The number of entries to read at the start.
    """

    def __init__(
        self, connection: RedisConnection, *, events: str, notifications: str, newest: int
    ) -> None:
        self._connection = connection
        self._events = events
        self._notifications = notifications
        self._newest = newest
        self._notification_position = "0-0"
        self.backoff = Backoff("reading events")
        self._task: asyncio.Task[None] | None = None

    async def start(
        self,
        *,
        on_gap: Callable[[str], None],
        on_event: Callable[[str, Fields], None],
        on_notification: Callable[[Fields], None],
    ) -> None:
        """Deliver the newest events if Redis is available, then read on in a task.

        Raises:
            RedisError: If Redis answers and refuses.
        """
        self._on_gap, self._on_event, self._on_notification = on_gap, on_event, on_notification
        self._position = ""  # the entry that it stands on
        self._has_gap = True
        self._seen = Duplicates()
        try:
            await self._restart(self._newest)
        except (ResponseError, AuthenticationError):
            raise
        except REDIS_ERRORS:
            pass  # the task tries again, and says so
        self._task = asyncio.create_task(self._follow(), name="sockets-reader")

    async def stop(self) -> None:
        if self._task is not None:
            await cancel(self._task)
            self._task = None

    async def _follow(self) -> None:
        while True:
            try:
                await (self._restart(1) if self._has_gap else self._read())
            except Exception as error:
                await self.backoff.wait(error)
            else:
                self.backoff.reset()

    async def _restart(self, newest: int) -> None:
        """Report a gap, and continue with the oldest entry after it."""
        extra = BACKFILL_SECONDS if newest > 1 else 0.0
        entries = await self._connection.call(self._fetch_start(newest), extra=extra)
        self._on_gap(previous_id(entries[0][0]))
        self._handle(entries)
        self._has_gap = False

    async def _fetch_start(self, newest: int) -> list[Entry]:
        """Return the next unread entry; if there is none, the newest ones, oldest first."""
        redis = self._connection.redis
        async with redis.pipeline(transaction=True) as pipeline:  # both of one moment
            pipeline.xrange(self._events, f"({self._position or '0-0'}", count=1)
            pipeline.xrevrange(self._events, count=newest)
            after, latest = await pipeline.execute()
        found = (after if self._position else []) or latest[::-1]
        if not found:
            # A first position: without one, later losses could not be detected. An event that
            # another process has just published serves as well and must not be missed.
            await redis.xadd(self._events, {"begin": ""})
            found = await redis.xrange(self._events, count=1)
        return [(entry.decode(), fields) for entry, fields in found]

    async def _read(self) -> None:
        streams = {self._events: self._position, self._notifications: self._notification_position}
        async with self._connection.redis.pipeline(transaction=False) as pipeline:
            pipeline.xread(streams, count=BATCH, block=int(self._connection.block * 1000))
            pipeline.xrange(self._events, self._position, self._position)
            answer, still_there = await self._connection.call(
                pipeline.execute(), extra=self._connection.block
            )
        found = _by_stream(answer)
        if still_there:
            self._handle(found.get(self._events, []))
        else:
            logger.warning(
                "Events are missing: '%s' was cut or lost. Clients are told.", self._position
            )
            self._has_gap = True
        for position, fields in found.get(self._notifications, []):
            self._notification_position = position
            self._on_notification(fields)

    def _handle(self, entries: list[Entry]) -> None:
        for position, fields in entries:
            self._position = position
            if not self._seen.add(fields):
                continue
            try:
                self._on_event(position, fields)
            except Exception:
                logger.exception("the event '%s' cannot be delivered", position)


def _by_stream(answer: Any) -> dict[str, list[Entry]]:
    """Return the entries by key, for each shape in which the client may return them."""
    pairs = answer.items() if isinstance(answer, dict) else answer
    found = {}
    for key, entries in pairs:
        flat = entries[0] if entries and isinstance(entries[0], list) else entries
        found[key.decode()] = [(entry.decode(), fields) for entry, fields in flat]
    return found
