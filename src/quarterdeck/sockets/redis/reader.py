"""What the streams bring: every entry once and in order, or the word that some are missing."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from redis.exceptions import AuthenticationError, ResponseError

from .link import FAILURES, Link, Outages, end

logger = logging.getLogger("quarterdeck.sockets")

Fields = dict[bytes, bytes]
Entry = tuple[str, Fields]

BATCH = 100  # entries given on without a pause for the event loop
LOOK_BACK_SECONDS = 5.0  # more, for reading thousands of entries at once
PUBLISHERS = 1000
LARGEST = 2**64 - 1


class Duplicates:
    """Knows the entries that came before: each publisher numbers its own, upwards."""

    def __init__(self) -> None:
        self._newest: OrderedDict[bytes, int] = OrderedDict()

    def add(self, fields: Fields) -> bool:
        """Remember an entry; return False if it came before, or is nobody's."""
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


def just_before(position: str) -> str:
    """Return the largest id that is smaller."""
    milliseconds, number = map(int, position.split("-"))
    if number:
        return f"{milliseconds}-{number - 1}"
    return f"{max(milliseconds - 1, 0)}-{LARGEST}"


class Reader:
    """One task that follows the events from the entry it stands on, whatever Redis does.

    With each read it asks whether that entry is still there. If so, nothing is missing
    between it and what came. If not, the stream was cut beyond it, was lost or set back: then
    there is a gap, and it goes on with what there is after it.

    Args:
        link: The way to Redis.
        events: Key of the stream that is complete or says so.
        nudges: Key of a stream of which single entries may be lost.
        newest: How many entries to begin with.
    """

    def __init__(self, link: Link, *, events: str, nudges: str, newest: int) -> None:
        self._link = link
        self._events = events
        self._nudges = nudges
        self._newest = newest
        self._nudged_at = "0-0"
        self.outages = Outages("reading events")
        self._task: asyncio.Task[None] | None = None

    async def start(
        self,
        *,
        on_gap: Callable[[str], None],
        on_event: Callable[[str, Fields], None],
        on_nudge: Callable[[Fields], None],
    ) -> None:
        """Bring the newest events, if Redis is there, then follow in a task.

        Raises:
            RedisError: If Redis is there and refuses.
        """
        self._on_gap, self._on_event, self._on_nudge = on_gap, on_event, on_nudge
        self._at = ""  # the entry that it stands on
        self._is_lost = True
        self._seen = Duplicates()
        try:
            await self._begin(self._newest)
        except (ResponseError, AuthenticationError):
            raise
        except FAILURES:
            pass  # the task tries again, and says so
        self._task = asyncio.create_task(self._follow(), name="sockets-reader")

    async def stop(self) -> None:
        if self._task is not None:
            await end(self._task)
            self._task = None

    async def _follow(self) -> None:
        while True:
            try:
                await (self._begin(1) if self._is_lost else self._read())
            except Exception as error:
                await self.outages.pause(error)
            else:
                self.outages.end()

    async def _begin(self, newest: int) -> None:
        """Say that there is a gap, and go on with the oldest entry after it."""
        longer = LOOK_BACK_SECONDS if newest > 1 else 0.0
        entries = await self._link.ask(self._find(newest), longer=longer)
        self._on_gap(just_before(entries[0][0]))
        self._take(entries)
        self._is_lost = False

    async def _find(self, newest: int) -> list[Entry]:
        """Return the next entry that was not read, or else the newest ones, oldest first."""
        redis = self._link.redis
        async with redis.pipeline(transaction=True) as pipeline:  # both of one moment
            pipeline.xrange(self._events, f"({self._at or '0-0'}", count=1)
            pipeline.xrevrange(self._events, count=newest)
            after, latest = await pipeline.execute()
        found = (after if self._at else []) or latest[::-1]
        if not found:
            # Something to stand on: without it nobody could tell later what was lost. An event
            # that somebody has published meanwhile does as well, and is not to be missed.
            await redis.xadd(self._events, {"begin": ""})
            found = await redis.xrange(self._events, count=1)
        return [(entry.decode(), fields) for entry, fields in found]

    async def _read(self) -> None:
        streams = {self._events: self._at, self._nudges: self._nudged_at}
        async with self._link.redis.pipeline(transaction=False) as pipeline:
            pipeline.xread(streams, count=BATCH, block=int(self._link.block * 1000))
            pipeline.xrange(self._events, self._at, self._at)
            answer, standing = await self._link.ask(pipeline.execute(), longer=self._link.block)
        found = _by_stream(answer)
        if standing:
            self._take(found.get(self._events, []))
        else:
            logger.warning("Events are missing: '%s' was cut or lost. Clients are told.", self._at)
            self._is_lost = True
        for position, fields in found.get(self._nudges, []):
            self._nudged_at = position
            self._on_nudge(fields)

    def _take(self, entries: list[Entry]) -> None:
        for position, fields in entries:
            self._at = position
            if not self._seen.add(fields):
                continue
            try:
                self._on_event(position, fields)
            except Exception:
                logger.exception("the event '%s' cannot be delivered", position)


def _by_stream(answer: Any) -> dict[str, list[Entry]]:
    """Return the entries by key, in whichever shape the client was told to return them."""
    pairs = answer.items() if isinstance(answer, dict) else answer
    found = {}
    for key, entries in pairs:
        flat = entries[0] if entries and isinstance(entries[0], list) else entries
        found[key.decode()] = [(entry.decode(), fields) for entry, fields in flat]
    return found
