"""Sessions in Redis or Valkey, which removes expired ones by itself."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from quarterdeck.exceptions import ConfigurationError

from .base import Entry, Row, SessionStore

if TYPE_CHECKING:
    from quart import Quart

# The whole old row is the version: what has not changed may be overwritten. One script, so
# that comparing, writing and keeping the owner's index are one step and one round trip.
_WRITE = """
local row, index = KEYS[1], KEYS[2]
local payload, expires, now, old = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if old and redis.call('GET', row) ~= old then return 0 end
redis.call('SET', row, payload, 'PXAT', expires)
if index then
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  redis.call('ZADD', index, expires, row)
  local last = redis.call('ZREVRANGE', index, 0, 0, 'WITHSCORES')
  redis.call('PEXPIREAT', index, last[2])
end
return 1
"""


class RedisStore(SessionStore):
    """Rows are strings, and each user has a sorted set of the keys of their sessions.

    Args:
        client: The app's own client, which it closes itself; or the URL for one.
        prefix: What the keys of the index begin with.
        timeout: Seconds for connecting, where the client is made here.
    """

    name = "redis"
    errors = (RedisError,)

    def __init__(self, client: Redis | str, *, prefix: str, timeout: float) -> None:
        self._own = isinstance(client, str)
        self._client = _make_client(client, timeout) if isinstance(client, str) else client
        self._prefix = prefix
        self._write = self._client.register_script(_WRITE)

    async def read(self, key: str) -> Row | None:
        payload: Any = await self._client.get(key)
        return None if payload is None else Row(payload, payload)

    async def create(self, key: str, entry: Entry) -> None:
        await self._run(key, entry)

    async def replace(self, key: str, entry: Entry, version: Any) -> bool:
        return bool(await self._run(key, entry, version))

    async def delete(self, key: str) -> bool:
        return bool(await self._client.delete(key))

    async def find(self, owner: str) -> list[tuple[str, bytes]]:
        index = self._index(owner)
        members: Any = await self._client.zrange(index, 0, -1)
        if not members:
            return []
        payloads: Any = await self._client.mget(members)
        rows = dict(zip(members, payloads, strict=True))
        if gone := [key for key, payload in rows.items() if payload is None]:
            await self._client.zrem(index, *gone)
        return [(key.decode(), payload) for key, payload in rows.items() if payload is not None]

    async def existing(self, keys: Collection[str]) -> set[str]:
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.exists(key)
        found = await pipeline.execute()
        return {key for key, there in zip(keys, found, strict=True) if there}

    async def aclose(self) -> None:
        if self._own:
            await self._client.aclose()

    async def _run(self, key: str, entry: Entry, *version: bytes) -> Any:
        keys = [key] if entry.owner is None else [key, self._index(entry.owner)]
        times = (int(entry.expires * 1000), int(time.time() * 1000))
        return await self._write(keys=keys, args=[entry.payload, *times, *version])

    def _index(self, owner: str) -> str:
        return f"{self._prefix}owner:{hashlib.sha256(owner.encode()).hexdigest()}"


def make_store(config: Mapping[str, Any], app: Quart) -> RedisStore:
    """Return the store that the configuration describes; nothing connects yet."""
    client = config["SESSION_REDIS"] or app.config.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
    if not isinstance(client, str | Redis):
        raise ConfigurationError(
            "SESSION_REDIS", f"is {client!r}", "Give a redis.asyncio.Redis, or a URL."
        )
    if isinstance(client, Redis) and client.connection_pool.connection_kwargs.get(
        "decode_responses"
    ):
        raise ConfigurationError(
            "SESSION_REDIS", "decodes what it reads into text", "Give one without decode_responses."
        )
    return RedisStore(
        client, prefix=config["SESSION_KEY_PREFIX"], timeout=config["SESSION_TIMEOUT_SECONDS"]
    )


def _make_client(url: str, timeout: float) -> Redis:
    pool = ConnectionPool.from_url(
        url,
        socket_timeout=None,  # the caller's holds; a second one costs a quarter of the time
        socket_connect_timeout=timeout,
        # Once, at once: a connection that a restart of the server has cut.
        retry=Retry(NoBackoff(), 1),
        # Else every new connection looks up the version of redis-py on disk.
        driver_info=None,
    )
    return Redis.from_pool(pool)
