"""The client for Redis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from quarterdeck._redis import LOCAL, redis_client, redis_source

if TYPE_CHECKING:
    from quart import Quart

TIMEOUT_SECONDS = 5.0


class RedisConnection:
    """A client, and the prefix of all keys.

    Args:
        client: The app's own client, which it closes itself; or the URL for one.
        prefix: Of the keys.
    """

    def __init__(self, client: Redis | str, prefix: str) -> None:
        self._own = isinstance(client, str)
        # Any, because redis-py's annotations leave open whether bytes or text comes back.
        self.redis: Any = client
        if isinstance(client, str):
            self.redis = redis_client(
                client, timeout=TIMEOUT_SECONDS, connect_timeout=TIMEOUT_SECONDS, retries=1
            )
        self.prefix = prefix

    def key(self, name: str) -> str:
        return f"{self.prefix}:{name}"

    async def aclose(self) -> None:
        if self._own:
            await self.redis.aclose()


def make_connection(config: Mapping[str, Any], app: Quart, client: Any = None) -> RedisConnection:
    """Return the connection that the configuration describes; nothing connects yet.

    Raises:
        ConfigurationError: If it is no client, and no URL.
    """
    key = "SCHEDULER_REDIS" if client or config["SCHEDULER_REDIS"] else "REDIS_URL"
    client = client or config["SCHEDULER_REDIS"] or app.config.get("REDIS_URL")
    return RedisConnection(redis_source(key, client or LOCAL), config["SCHEDULER_PREFIX"])
