"""Sessions in Redis or Valkey, which removes expired ones by itself."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from quarterdeck._redis import LOCAL, QuickCommands, redis_client, redis_source

from .store import Entry, Row, SessionStore

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
_WRITE_NAME = hashlib.sha1(_WRITE.encode()).hexdigest()  # noqa: S324  # so Redis names scripts


class RedisStore(SessionStore):
    """Rows are strings, and each user has a sorted set of the keys of their sessions.

    Args:
        client: The app's own client, which it closes itself; or the URL for one.
        prefix: The start of the keys of the index.
        timeout: Seconds for connecting, where the client is made here.
    """

    name = "redis"
    errors = (RedisError,)

    def __init__(self, client: Redis | str, *, prefix: str, timeout: float) -> None:
        self._quick: QuickCommands | None = None
        if isinstance(client, str):
            # The caller's timeout holds; a second one costs a quarter of the time.
            client = redis_client(client, timeout=None, connect_timeout=timeout, retries=1)
            self._quick = QuickCommands(client)
        self._client = client
        # Connections of an app's own client are only borrowed.
        self._send = client.execute_command if self._quick is None else self._quick.send
        self._prefix = prefix

    async def read(self, key: str) -> Row | None:
        payload: Any = await self._send("GET", key)
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
        if self._quick is not None:
            await self._quick.aclose()
            await self._client.aclose()

    async def _run(self, key: str, entry: Entry, *version: bytes) -> Any:
        keys = [key] if entry.owner is None else [key, self._index(entry.owner)]
        times = (int(entry.expires * 1000), int(time.time() * 1000))
        values = (len(keys), *keys, entry.payload, *times, *version)
        try:
            return await self._send("EVALSHA", _WRITE_NAME, *values)
        except NoScriptError:  # a server that was just started
            return await self._send("EVAL", _WRITE, *values)

    def _index(self, owner: str) -> str:
        return f"{self._prefix}owner:{hashlib.sha256(owner.encode()).hexdigest()}"


def make_store(config: Mapping[str, Any], app: Quart) -> RedisStore:
    """Return the store that the configuration describes; nothing connects yet."""
    key = "SESSION_REDIS" if config["SESSION_REDIS"] else "REDIS_URL"
    client = config["SESSION_REDIS"] or app.config.get("REDIS_URL") or LOCAL
    return RedisStore(
        redis_source(key, client),
        prefix=config["SESSION_KEY_PREFIX"],
        timeout=config["SESSION_TIMEOUT_SECONDS"],
    )
