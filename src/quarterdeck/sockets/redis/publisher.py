"""Events on their way to the stream: in order, and kept while Redis is away."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import secrets
from collections import deque
from dataclasses import dataclass, field

from quarterdeck.exceptions import EventRefusedError

from .link import Link, Outages, end

logger = logging.getLogger("quarterdeck.sockets")

Fields = dict[str, str | bytes]

BATCH = 100


@dataclass(slots=True, eq=False)
class _Waiting:
    fields: Fields
    answer: asyncio.Future[str] = field(default_factory=asyncio.Future)

    def tell(self, position: str) -> None:
        """Let the caller go, with the id or without."""
        if not self.answer.done():
            self.answer.set_result(position)


class Publisher:
    """The only sender of this process, so that events enter the stream in the order given.

    Each entry carries a number of this publisher's. When an answer is lost, the same numbers
    are sent again, and readers drop what they have seen (``Duplicates``).

    Args:
        link: The way to Redis.
        stream: Key of the stream.
        length: Entries that the stream keeps, roughly.
        capacity: Events that may wait while Redis is away.
    """

    def __init__(self, link: Link, stream: str, *, length: int, capacity: int) -> None:
        self._link = link
        self._stream = stream
        self._length = length
        self._capacity = capacity
        self._name = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._queue: deque[_Waiting] = deque()
        self.outages = Outages("publishing events")
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def publish(self, fields: Fields) -> str:
        """Return the id of the new entry; empty if it has to wait because Redis is away.

        Raises:
            EventRefusedError: If too many wait already.
        """
        if len(self._queue) >= self._capacity:
            raise EventRefusedError(self._capacity)
        waiting = _Waiting(fields | {"from": f"{self._name}-{next(self._numbers)}"})
        self._queue.append(waiting)
        if self._task is None or self._task.done():
            self._task = self._begin()
        if not self.outages.trouble:
            await asyncio.wait({waiting.answer}, timeout=self._link.timeout)
        waiting.tell("")
        return waiting.answer.result()

    async def stop(self) -> None:
        """Send what waits, if Redis takes it now; say so if it is lost."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=self._link.timeout)
            await end(self._task)
            self._task = None
        if self._queue:
            logger.error("%d events are lost: Redis did not come back in time", len(self._queue))
            self._queue.clear()

    def _begin(self) -> asyncio.Task[None]:
        # A context of its own: it may outlive the request that happens to begin it.
        return asyncio.get_running_loop().create_task(
            self._send_all(), name="sockets-publisher", context=contextvars.Context()
        )

    async def _send_all(self) -> None:
        while self._queue:
            batch = list(itertools.islice(self._queue, BATCH))
            try:
                ids = await self._link.ask(self._add(batch))
            except Exception as error:
                for waiting in self._queue:
                    waiting.tell("")
                await self.outages.pause(error)
                continue
            self.outages.end()
            for waiting, entry in zip(batch, ids, strict=True):
                waiting.tell(entry.decode())
                self._queue.popleft()

    async def _add(self, batch: list[_Waiting]) -> list[bytes]:
        # All or none of them: a number that came after a later one would look like a duplicate.
        async with self._link.redis.pipeline(transaction=len(batch) > 1) as pipeline:
            for waiting in batch:
                pipeline.xadd(self._stream, waiting.fields, maxlen=self._length, approximate=True)
            return list(await pipeline.execute())
