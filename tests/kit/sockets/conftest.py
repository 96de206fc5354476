"""A real Redis, and processes on it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from quarterdeck.sockets.redis import RedisBackend
from tests.servers import Server

from .processes import Process

MakeProcess = Callable[..., Process]


class LogLines(logging.Handler):
    """The lines that the hub logs, and a way to wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._added = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
        self._added.set()

    async def until(self, part: str, *, count: int) -> None:
        """Wait until so many lines contain a text."""
        async with asyncio.timeout(20):
            while sum(part in line for line in self._lines) < count:
                self._added.clear()
                await self._added.wait()


@pytest.fixture
def server(running_redis: Server) -> Iterator[Server]:
    """A Redis that a test may take away; it is whole again afterwards."""
    yield running_redis
    running_redis.heal()


@pytest.fixture
async def log_lines() -> AsyncIterator[LogLines]:
    handler = LogLines()
    logger = logging.getLogger("quarterdeck.sockets")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


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
