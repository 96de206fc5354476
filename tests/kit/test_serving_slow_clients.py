"""Clients that send byte by byte are cut off, and others are served meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from quarterdeck import serving
from quarterdeck.app import Quart
from tests.wire import Address, connected

from .serving_app import make_app, served

pytestmark = pytest.mark.feature("AP6")

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
TIMEOUT = 0.5
PAUSE = 0.1  # between two bytes: no pause is as long as the timeout


@pytest.fixture(params=["httptools", "h11"], autouse=True)
def http1(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.Config, "http1", request.param)


@pytest.fixture
def app() -> Quart:
    return make_app(BODY_TIMEOUT=TIMEOUT)


async def status_of_a_slow_client(address: Address, begin: bytes) -> int:
    async with asyncio.timeout(20), connected(address) as wire:
        await wire.send(begin)
        answer = asyncio.create_task(wire.read_head())
        with suppress(ConnectionError):
            while not (await asyncio.wait([answer], timeout=PAUSE))[0]:
                await wire.send(b"x")
        await answer
        assert wire.headers["connection"] == "close"
        await wire.ended()
        return wire.status


async def test_they_are_answered_408_and_cut_off_while_others_are_served(app: Quart) -> None:
    async with served(app, keep_alive_timeout=TIMEOUT) as (address, _):
        slow = [
            asyncio.create_task(status_of_a_slow_client(address, begin))
            for begin in (HEAD, BODY)
            for _ in range(10)
        ]
        while any(not task.done() for task in slow):
            async with asyncio.timeout(5), connected(address) as wire:
                await wire.send(HEAD + b"no\r\n\r\n")
                await wire.read_head()
                assert wire.status == 200
            await asyncio.sleep(PAUSE)

        assert {task.result() for task in slow} == {408}


async def test_a_client_that_sends_nothing_is_told_nothing(app: Quart) -> None:
    async with served(app, keep_alive_timeout=0.1) as (address, _), connected(address) as wire:
        async with asyncio.timeout(10):
            assert await wire.reader.read() == b""
