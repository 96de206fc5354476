"""Sessions in a cache of cachelib, for one process.

Cachelib has no way to replace a value only if it is unchanged, so this process checks and writes
under a lock of its own. Several processes could undo each other's changes.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from cachelib import BaseCache

from quarterdeck.exceptions import ConfigurationError

from .store import Entry, Row, SessionStore

if TYPE_CHECKING:
    from quart import Quart


class CacheLibStore(SessionStore):
    """Rows are values of any cachelib cache, each with its end and a random version.

    A cache is asked from a worker thread, by one task at a time.

    Args:
        cache: For example ``cachelib.FileSystemCache("sessions", threshold=0)``.
    """

    name = "cachelib"
    errors = (Exception,)  # each kind of cache raises those of its own client

    def __init__(self, cache: BaseCache) -> None:
        self._cache = cache
        self._lock = asyncio.Lock()

    async def read(self, key: str) -> Row | None:
        async with self._lock:
            return await asyncio.to_thread(self._read, key)

    async def create(self, key: str, entry: Entry) -> None:
        async with self._lock:
            await asyncio.to_thread(self._write, key, entry)

    async def replace(self, key: str, entry: Entry, version: Any) -> bool:
        async with self._lock:
            return await asyncio.to_thread(self._replace, key, entry, version)

    async def delete(self, key: str) -> bool:
        async with self._lock:
            return await asyncio.to_thread(self._delete, key)

    async def existing(self, keys: Collection[str]) -> set[str]:
        async with self._lock:
            return await asyncio.to_thread(self._existing, keys)

    # --- in a worker thread -----------------------------------------------------------

    def _read(self, key: str) -> Row | None:
        value = self._cache.get(key)
        if value is None or value[0] <= time.time():
            return None
        _expires, version, payload = value
        return Row(payload, version)

    def _write(self, key: str, entry: Entry) -> None:
        value = (entry.expires, secrets.token_bytes(8), entry.payload)
        left = max(1, math.ceil(entry.expires - time.time()))
        if not self._cache.set(key, value, timeout=left):
            raise OSError(f"{type(self._cache).__name__} did not store the session")

    def _replace(self, key: str, entry: Entry, version: bytes) -> bool:
        row = self._read(key)
        if row is None or row.version != version:
            return False
        self._write(key, entry)
        return True

    def _delete(self, key: str) -> bool:
        return self._read(key) is not None and bool(self._cache.delete(key))

    def _existing(self, keys: Collection[str]) -> set[str]:
        return {key for key in keys if self._read(key) is not None}


def make_store(config: Mapping[str, Any], _app: Quart) -> CacheLibStore:
    """Return the store over the cache of the app.

    Raises:
        ConfigurationError: If ``SESSION_CACHELIB`` is no cache.
    """
    cache = config["SESSION_CACHELIB"]
    if not isinstance(cache, BaseCache):
        raise ConfigurationError(
            "SESSION_CACHELIB",
            f"is {cache!r}",
            "Give a cache, for example cachelib.FileSystemCache('sessions', threshold=0).",
        )
    return CacheLibStore(cache)
