"""The way to Redis: one client, a limit on how long it may take, one voice for its outages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import EqualJitterBackoff, NoBackoff
from redis.exceptions import RedisError

logger = logging.getLogger("quarterdeck.sockets")

T = TypeVar("T")

FAILURES = (RedisError, OSError, TimeoutError)
BLOCK_SECONDS = 2.0
_BACKOFF = EqualJitterBackoff(cap=1.0, base=0.05)
_LONGEST = 10  # failures after which the pause grows no more


class Link:
    """A client whose every answer is awaited for so long and no longer.

    Args:
        client: The app's own client, which it closes itself; or the URL for one.
        prefix: What all keys begin with.
        timeout: Seconds after which Redis counts as away.
    """

    def __init__(self, client: Redis | str, *, prefix: str, timeout: float) -> None:
        self._own = isinstance(client, str)
        # Any, because redis-py's annotations leave open whether bytes or text comes back.
        self.redis: Any = _make_client(client) if isinstance(client, str) else client
        self.prefix = prefix
        self.timeout = timeout
        # How long a read may wait for events: less than the client itself waits for an answer.
        limit = self.redis.connection_pool.connection_kwargs.get("socket_timeout")
        self.block = min(BLOCK_SECONDS, limit / 2) if limit else BLOCK_SECONDS

    @property
    def address(self) -> str:
        """Where Redis is, without the password."""
        found = self.redis.connection_pool.connection_kwargs
        return str(found.get("path") or f"{found.get('host', 'redis')}:{found.get('port', 6379)}")

    async def ask(self, answer: Awaitable[T], *, longer: float = 0.0) -> T:
        """Await an answer of Redis, at most the timeout and ``longer`` seconds.

        Raises:
            RedisError, OSError, TimeoutError: If there is none; all of ``FAILURES``.
        """
        async with asyncio.timeout(self.timeout + longer):
            return await answer

    async def aclose(self) -> None:
        if self._own:
            await self.redis.aclose()


class Outages:
    """Pauses between attempts, growing and uneven, and one line in the log per outage.

    Args:
        work: What is attempted, for the log.
    """

    def __init__(self, work: str) -> None:
        self.trouble = ""  # of the latest attempt; empty if it went well
        self._work = work
        self._failures = 0

    async def pause(self, error: BaseException) -> None:
        """Wait before the next attempt, whatever went wrong: the work never ends."""
        self.trouble = describe(error)
        self._failures += 1
        if not isinstance(error, FAILURES):
            logger.error("%s has failed and is tried again", self._work, exc_info=error)
        elif self._failures == 1:
            logger.warning("Redis is away, %s has to wait: %s", self._work, self.trouble)
        await asyncio.sleep(_BACKOFF.compute(min(self._failures, _LONGEST)))

    def end(self) -> None:
        """Note that an attempt went well."""
        if self._failures:
            logger.info("Redis is back, %s goes on (attempt %d)", self._work, self._failures + 1)
        self.trouble = ""
        self._failures = 0


def describe(error: BaseException) -> str:
    """Say what went wrong; a timeout says nothing by itself."""
    return str(error).rstrip(".") or "no answer in time"


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for it.

    More than once if need be: ``asyncio.wait_for``, which redis-py uses, may lose a
    cancellation on Python 3.11.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.5)


def _make_client(url: str) -> Redis:
    pool = ConnectionPool.from_url(
        url,
        # Link.ask holds the time, which is another one for reads that wait for events.
        socket_timeout=None,
        socket_connect_timeout=None,
        # Whether and when to try again is decided where it is known what hangs on it.
        retry=Retry(NoBackoff(), 0),
        driver_info=None,  # else every new connection looks up the version of redis-py on disk
    )
    return Redis.from_pool(pool)
