"""Sessions in Memcached.

A restart or a full memory ends sessions, and the sessions of a user cannot be listed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from emcache import (
    Client,
    ClusterNoAvailableNodes,
    CommandError,
    MemcachedHostAddress,
    NotFoundCommandError,
    NotStoredStorageCommandError,
    StorageCommandError,
    create_client,
)

from quarterdeck.exceptions import ConfigurationError

from .store import Entry, Row, SessionStore

if TYPE_CHECKING:
    from quart import Quart

CONNECTIONS = 32  # per server
PATIENCE = 0.5  # seconds for a client to close
FRESH = 1.0  # seconds before a client in trouble is replaced by another


class MemcachedStore(SessionStore):
    """Rows are items; their version is Memcached's own (``gets`` and ``cas``).

    Args:
        source: The app's own client, which it closes itself; or the servers.
        timeout: Seconds for connecting, where the client is made here.
    """

    name = "memcached"
    errors = (CommandError, ClusterNoAvailableNodes)

    def __init__(self, source: Client | Sequence[MemcachedHostAddress], *, timeout: float) -> None:
        self._source = source
        self._timeout = timeout
        self._client: Client | None = None
        self._opened = 0.0
        self._opening = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def read(self, key: str) -> Row | None:
        async with self._use() as client:
            item = await client.gets(key.encode())
        return None if item is None else Row(item.value, item.cas)

    async def create(self, key: str, entry: Entry) -> None:
        async with self._use() as client:
            await client.add(key.encode(), entry.payload, exptime=_time(entry))

    async def replace(self, key: str, entry: Entry, version: Any) -> bool:
        try:
            async with self._use() as client:
                await client.cas(key.encode(), entry.payload, version, exptime=_time(entry))
        except NotStoredStorageCommandError:
            return False
        except StorageCommandError as error:
            if "NOT_FOUND" in str(error):  # emcache has no class for it
                return False
            raise
        return True

    async def delete(self, key: str) -> bool:
        try:
            async with self._use() as client:
                await client.delete(key.encode())
        except NotFoundCommandError:
            return False
        return True

    async def aclose(self) -> None:
        if self._client is not None:
            self._retire(self._client)
        if self._closing:
            _, unfinished = await asyncio.wait(self._closing, timeout=PATIENCE)
            for task in unfinished:
                task.cancel()  # it waits for a connection that may never come
            await asyncio.gather(*unfinished, return_exceptions=True)

    @asynccontextmanager
    async def _use(self) -> AsyncIterator[Client]:
        if isinstance(self._source, Client):
            yield self._source
            return
        client = await self._open(self._source)
        try:
            yield client
        except CommandError:
            raise  # an answer
        except BaseException:  # no answer: the caller waited no longer and cancelled
            # The client would wait up to a minute before it tries to connect again.
            if asyncio.get_running_loop().time() - self._opened > FRESH:
                self._retire(client)
            raise

    async def _open(self, servers: Sequence[MemcachedHostAddress]) -> Client:
        async with self._opening:
            if self._client is None:
                self._client = await create_client(
                    servers,
                    timeout=None,  # the caller's holds
                    connection_timeout=self._timeout,
                    max_connections=CONNECTIONS,
                    purge_unused_connections_after=None,
                )
                self._opened = asyncio.get_running_loop().time()
        return self._client

    def _retire(self, client: Client) -> None:
        if self._client is client:
            self._client = None
            task = asyncio.create_task(client.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _time(entry: Entry) -> int:
    """Memcached takes a number as large as this for a Unix time."""
    return math.ceil(entry.expires)


def make_store(config: Mapping[str, Any], _app: Quart) -> MemcachedStore:
    """Return the store that the configuration describes; nothing connects yet."""
    source = config["SESSION_MEMCACHED"] or "127.0.0.1:11211"
    if isinstance(source, str):
        source = [_server(part.strip()) for part in source.split(",")]
    elif not isinstance(source, Client):
        raise ConfigurationError(
            "SESSION_MEMCACHED", f"is {source!r}", "Give an emcache.Client, or 'host:port'."
        )
    return MemcachedStore(source, timeout=config["SESSION_TIMEOUT_SECONDS"])


def _server(text: str) -> MemcachedHostAddress:
    host, _, port = text.removeprefix("memcached://").rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigurationError("SESSION_MEMCACHED", f"is {text!r}", "Write 'host:port'.")
    return MemcachedHostAddress(host, int(port))
