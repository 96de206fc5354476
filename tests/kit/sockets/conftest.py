"""A real Redis, and processes on it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from quarterdeck.sockets.redis import RedisBackend
from tests.servers import Server, redis_server

from .processes import Process

MakeProcess = Callable[..., Process]


@pytest.fixture(scope="session")
def running_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = redis_server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(running_redis: Server) -> Iterator[Server]:
    """A Redis that a test may take away; it is whole again afterwards."""
    yield running_redis
    running_redis.heal()


@pytest.fixture
def url(server: Server) -> str:
    return f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture
def prefix() -> str:
    """Keys of this test alone."""
    return f"{uuid.uuid4().hex[:8]}:"


@pytest.fixture
async def redis(url: str) -> AsyncIterator[Redis]:
    """Redis as an operator sees it."""
    client = Redis.from_url(url)
    yield client
    await client.aclose()


@pytest.fixture
async def make_process(url: str, prefix: str) -> AsyncIterator[MakeProcess]:
    """Makes processes of one app; they are stopped after the test."""
    made: list[Process] = []

    def make(at: str = url, **options: Any) -> Process:
        options = {"timeout": 10.0} | options  # a busy machine is no outage
        made.append(Process(RedisBackend(at, prefix=prefix, **options)))
        return made[-1]

    yield make
    for process in made:
        await process.backend.stop()
