"""Connections to Redis that the store keeps: each answer belongs to its question."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from quarterdeck.session import Entry
from quarterdeck.session.redis import RedisStore
from tests.servers import Server

pytestmark = pytest.mark.feature("S2")


@pytest.fixture
def server(running: Callable[[str], Server]) -> Iterator[Server]:
    server = running("redis")
    yield server
    server.heal()


@pytest.fixture
async def store(server: Server) -> AsyncIterator[RedisStore]:
    prefix = f"{uuid.uuid4().hex[:8]}:"
    store = RedisStore(f"redis://127.0.0.1:{server.port}/0", prefix=prefix, timeout=10)
    yield store
    await store.aclose()


@pytest.fixture
def names(store: RedisStore) -> tuple[str, str]:
    """The keys of two rows."""
    return f"{store._prefix}a", f"{store._prefix}b"


def entry(payload: bytes) -> Entry:
    return Entry(payload, time.time() + 60, None)


async def fill(store: RedisStore, names: tuple[str, str]) -> None:
    for name in names:
        await store.create(name, entry(name.encode()))


async def payload_of(store: RedisStore, name: str) -> bytes | None:
    row = await store.read(name)
    return None if row is None else row.payload


def kept(store: RedisStore) -> list[Any]:
    assert store._quick is not None
    return store._quick._idle


async def test_an_answer_that_nobody_waits_for_is_not_taken_for_another(
    store: RedisStore, names: tuple[str, str]
) -> None:
    await fill(store, names)
    (connection,) = kept(store)
    await connection.send_command("GET", names[0])
    async with asyncio.timeout(10):
        while not await connection.can_read():  # noqa: ASYNC110  # nothing else tells
            await asyncio.sleep(0)
    assert await payload_of(store, names[1]) == names[1].encode()


async def test_an_answer_after_the_limit_is_not_taken_for_another(
    store: RedisStore, names: tuple[str, str], server: Server
) -> None:
    await fill(store, names)
    server.freeze()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await store.read(names[0])
    server.thaw()
    assert await payload_of(store, names[1]) == names[1].encode()


async def test_a_restart_of_the_server_fails_no_request(
    store: RedisStore, names: tuple[str, str], server: Server
) -> None:
    await fill(store, names)
    server.kill()
    server.heal()
    await fill(store, names)  # the new server knows no script
    assert await payload_of(store, names[0]) == names[0].encode()


async def test_requests_at_a_time_have_a_connection_each(
    store: RedisStore, names: tuple[str, str]
) -> None:
    await fill(store, names)
    wanted = [names[number % 2] for number in range(20)]
    assert await asyncio.gather(*(payload_of(store, name) for name in wanted)) == [
        name.encode() for name in wanted
    ]
    assert 1 < len(kept(store)) <= len(wanted)


async def test_closing_closes_the_kept_connections(
    store: RedisStore, names: tuple[str, str]
) -> None:
    await fill(store, names)
    (connection,) = kept(store)
    await store.aclose()
    assert not connection.is_connected
    assert kept(store) == []
    assert await payload_of(store, names[0]) == names[0].encode()  # the next use connects


async def test_connections_of_the_apps_own_client_are_given_back(
    server: Server, names: tuple[str, str]
) -> None:
    client = Redis.from_url(
        f"redis://127.0.0.1:{server.port}/0", max_connections=1, driver_info=None
    )
    store = RedisStore(client, prefix="", timeout=10)
    await fill(store, names)
    assert await payload_of(store, names[0]) == names[0].encode()
    assert await client.ping()  # with the only connection
    await client.aclose()
