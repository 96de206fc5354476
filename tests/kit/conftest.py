"""Servers that the tests of all rooms share, and a clock that tests turn forward."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.servers import Server

Advance = Callable[[float], None]


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
