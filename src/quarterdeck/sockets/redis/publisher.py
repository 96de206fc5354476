"""The sender of events: in order, with a buffer for outages of Redis."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import secrets
from collections import deque
from dataclasses import dataclass, field

from quarterdeck._process import process_token
from quarterdeck.exceptions import EventRefusedError

from .connection import Backoff, RedisConnection, cancel

logger = logging.getLogger("quarterdeck.sockets")

Fields = dict[str, str | bytes]

BATCH = 100


@dataclass(slots=True, eq=False)
class _Waiting:
    fields: Fields
    answer: asyncio.Future[str] = field(default_factory=asyncio.Future)

    def resolve(self, position: str) -> None:
        """Release the caller, with the id or an empty text."""
        if not self.answer.done():
            self.answer.set_result(position)


class Publisher:
    """The only sender of this process, so that events enter the stream in the given order.

    Each entry carries the name of this publisher and a number. When an answer is lost, the same
    numbers are sent again, and readers drop the duplicates (``Duplicates``).

    Args:
        connection: The client and its timeout.
        stream: Key of the stream.
        length: The approximate number of entries that the stream keeps.
        capacity: The most events that may wait while Redis is unavailable.
    """

    def __init__(
        self, connection: RedisConnection, stream: str, *, length: int, capacity: int
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._length = length
        self._capacity = capacity
        self._suffix = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._queue: deque[_Waiting] = deque()
        self.backoff = Backoff("publishing events")
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def publish(self, fields: Fields) -> str:
        """Return the id of the new entry; empty if it waits because Redis is unavailable.

        Raises:
            EventRefusedError: If too many wait already.
        """
        if len(self._queue) >= self._capacity:
            raise EventRefusedError(self._capacity)
        name = process_token() + self._suffix
        waiting = _Waiting(fields | {"from": f"{name}-{next(self._numbers)}"})
        self._queue.append(waiting)
        if self._task is None or self._task.done():
            self._task = self._start_task()
        if not self.backoff.last_error:
            await asyncio.wait({waiting.answer}, timeout=self._connection.timeout)
        waiting.resolve("")
        return waiting.answer.result()

    async def stop(self) -> int:
        """Send the waiting events if Redis takes them now; log and return the number lost."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=self._connection.timeout)
            await cancel(self._task)
            self._task = None
        if self._queue:
            logger.error("%d events are lost: Redis did not come back in time", len(self._queue))
        lost = len(self._queue)
        self._queue.clear()
        return lost

    def _start_task(self) -> asyncio.Task[None]:
        # A context of its own: it may outlive the request that happens to begin it.
        return asyncio.get_running_loop().create_task(
            self._send_all(), name="sockets-publisher", context=contextvars.Context()
        )

    async def _send_all(self) -> None:
        while self._queue:
            batch = list(itertools.islice(self._queue, BATCH))
            try:
                ids = await self._connection.call(self._add(batch))
            except Exception as error:
                for waiting in self._queue:
                    waiting.resolve("")
                await self.backoff.wait(error)
                continue
            self.backoff.reset()
            for waiting, entry in zip(batch, ids, strict=True):
                waiting.resolve(entry.decode())
                self._queue.popleft()

    async def _add(self, batch: list[_Waiting]) -> list[bytes]:
        # All or none of them: a number that came after a later one would look like a duplicate.
        async with self._connection.redis.pipeline(transaction=len(batch) > 1) as pipeline:
            for waiting in batch:
                pipeline.xadd(self._stream, waiting.fields, maxlen=self._length, approximate=True)
            return list(await pipeline.execute())
