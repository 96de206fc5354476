"""Servers that the tests of all rooms share, and a clock that tests turn forward."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.servers import Server

Advance = Callable[[float], None]

STARTERS: dict[str, Callable[[Path], Server]] = {
    "redis": servers.redis_server,
    "mariadb": servers.mariadb,
    "memcached": servers.memcached,
    "mongodb": servers.mongodb,
}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Start servers by name, each once per run."""
    started: dict[str, Server] = {}

    def run(name: str) -> Server:
        if name not in started:
            server = STARTERS[name](tmp_path_factory.mktemp(name))
            server.start()
            started[name] = server
        return started[name]

    yield run
    for server in started.values():
        server.kill()


@pytest.fixture(scope="session")
def running_redis(running: Callable[[str], Server]) -> Server:
    return running("redis")


@pytest.fixture
def advance(monkeypatch: pytest.MonkeyPatch) -> Advance:
    """Turn the clock forward."""
    real, ahead = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + ahead)

    def turn(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    return turn
