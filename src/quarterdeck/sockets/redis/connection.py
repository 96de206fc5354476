"""The connection to Redis: a client with timeouts, and the backoff between attempts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.backoff import EqualJitterBackoff
from redis.exceptions import RedisError

from quarterdeck._redis import redis_client

logger = logging.getLogger("quarterdeck.sockets")

T = TypeVar("T")

REDIS_ERRORS = (RedisError, OSError, TimeoutError)
BLOCK_SECONDS = 2.0
_DELAYS = EqualJitterBackoff(cap=1.0, base=0.05)
_MAX_FAILURES = 10  # failures after which the pause grows no more


class RedisConnection:
    """A client with a timeout for each command.

    Args:
        client: A client that the app closes itself, or a URL.
        prefix: The prefix of all keys.
        timeout: Seconds after which Redis counts as unavailable.
    """

    def __init__(self, client: Redis | str, *, prefix: str, timeout: float) -> None:
        self._own = isinstance(client, str)
        # Any, because redis-py's annotations leave open whether bytes or text comes back.
        self.redis: Any = client
        if isinstance(client, str):
            # ``call`` holds the time, which is another one for reads that wait for events. The
            # publisher and the reader retry themselves.
            self.redis = redis_client(client, timeout=None, connect_timeout=None, retries=0)
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

    async def call(self, answer: Awaitable[T], *, extra: float = 0.0) -> T:
        """Await an answer of Redis, for at most the timeout plus ``extra`` seconds.

        Raises:
            RedisError, OSError, TimeoutError: If there is none; all of ``REDIS_ERRORS``.
        """
        async with asyncio.timeout(self.timeout + extra):
            return await answer

    async def aclose(self) -> None:
        if self._own:
            await self.redis.aclose()


class Backoff:
    """Growing, random pauses between attempts, and one line in the log per outage.

    Args:
        work: The name of the attempted work, for the log.
    """

    def __init__(self, work: str) -> None:
        self.last_error = ""  # of the latest attempt; empty if it went well
        self._work = work
        self._failures = 0

    async def wait(self, error: BaseException) -> None:
        """Wait before the next attempt; every kind of error is retried."""
        self.last_error = describe(error)
        self._failures += 1
        if not isinstance(error, REDIS_ERRORS):
            logger.error("%s has failed and is retried", self._work, exc_info=error)
        elif self._failures == 1:
            logger.warning("Redis is away, %s has to wait: %s", self._work, self.last_error)
        await asyncio.sleep(_DELAYS.compute(min(self._failures, _MAX_FAILURES)))

    def reset(self) -> None:
        """Note that an attempt succeeded."""
        if self._failures:
            logger.info("Redis is back, %s goes on (attempt %d)", self._work, self._failures + 1)
        self.last_error = ""
        self._failures = 0


def describe(error: BaseException) -> str:
    """Return the text of an error; that of a timeout is empty."""
    return str(error).rstrip(".") or "no answer in time"


async def cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for it.

    It is repeated until the task ends: ``asyncio.wait_for``, which redis-py uses, may lose a
    cancellation on Python 3.11.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.5)
