"""The hub on a real server in a process of its own, with clients that speak raw frames."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from .raw import CLOSE, RawSocket

pytestmark = pytest.mark.feature("WS3")

ROOT = Path(__file__).parents[3]
START_SECONDS = 30
CLIENTS, EVENTS = 100, 300


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    listening.set_inheritable(True)
    command = [sys.executable, "-m", "hypercorn", "tests.kit.sockets.served:app"]
    process = subprocess.Popen(
        [*command, "--bind", f"fd://{listening.fileno()}"],
        cwd=ROOT,
        pass_fds=[listening.fileno()],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(listening.getsockname()[1])
        yield listening.getsockname()[1]
    finally:
        process.terminate()
        process.wait(10)
        listening.close()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ask(port, "GET", "/statistics")
        except OSError:
            assert time.monotonic() < deadline
        else:
            return


def ask(port: int, method: str, path: str) -> bytes:
    with closing(HTTPConnection("127.0.0.1", port, timeout=50)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        assert response.status == 200
        return response.read()


async def statistics(port: int) -> dict[str, int]:
    found: dict[str, int] = json.loads(await asyncio.to_thread(ask, port, "GET", "/statistics"))
    return found


async def publish(port: int, count: int, size: int) -> None:
    await asyncio.to_thread(ask, port, "POST", f"/publish?count={count}&size={size}")


class Follower:
    """A client that keeps its last id, and comes back with it however it lost the connection."""

    def __init__(self, port: int, name: str) -> None:
        self.port = port
        self.path = f"/ws?as={name}"
        self.numbers: list[int] = []
        self.closes = 0
        self.ready = asyncio.Event()
        self._last: str | None = None

    async def follow(self, count: int, *, leave_at: int | None = None) -> None:
        """Collect so many events; go away without a word after ``leave_at`` of them."""
        while len(self.numbers) < count:
            since = {} if self._last is None else {"since": self._last}
            with closing(await RawSocket.connect(self.port, self.path)) as connection:
                connection.pause = 0.05
                await connection.send(type="subscribe", room="open", **since)
                async for message in connection.messages():
                    self._hear(message)
                    if len(self.numbers) in {count, leave_at}:
                        leave_at = None
                        break
            self.closes += 1

    def _hear(self, message: dict[str, Any]) -> None:
        assert message["type"] in {"event", "subscribed", "presence"}, message
        self._last = message.get("id") or message.get("at") or self._last
        if message["type"] == "event":
            self.numbers.append(message["data"]["number"])
        elif message["type"] == "subscribed":
            self.ready.set()


async def test_many_clients_and_many_events(port: int) -> None:
    """Each event once and in order, also for the third that loses its connection on the way."""
    asyncio.get_running_loop().set_debug(False)  # it would be the slowest part
    followers = [Follower(port, f"p{number % 30}") for number in range(CLIENTS)]
    async with asyncio.timeout(55), asyncio.TaskGroup() as group:
        for number, follower in enumerate(followers):
            leave_at = None if number % 3 else 1 + number * EVENTS // CLIENTS
            group.create_task(follower.follow(EVENTS, leave_at=leave_at))
        for follower in followers:
            await follower.ready.wait()
        await publish(port, EVENTS, 10)
    expected = list(range(EVENTS))
    assert all(follower.numbers == expected for follower in followers)
    assert sum(follower.closes > 1 for follower in followers) >= CLIENTS // 3


@pytest.mark.hazard("a slow reader blocks its sender for ever")
async def test_a_client_that_does_not_read(port: int) -> None:
    """It is closed with 1008 while others hear everything, and gets the rest when it is back."""
    behind = (await statistics(port))["fell_behind"]
    follower = Follower(port, "Follower")
    with closing(await RawSocket.connect(port, "/ws?as=Sleeper", buffer=4096)) as sleeper:
        await sleeper.send(type="subscribe", room="open")
        following = asyncio.create_task(follower.follow(400))
        await follower.ready.wait()
        async with asyncio.timeout(25):
            await publish(port, 400, 20_000)
            await following
            numbers, last = await _read_until_closed(sleeper)
    assert follower.numbers == list(range(400))
    assert (await statistics(port))["fell_behind"] > behind
    assert len(numbers) < 400
    with closing(await RawSocket.connect(port, "/ws?as=Sleeper")) as again:
        await again.send(type="subscribe", room="open", since=last)
        async for message in again.messages():
            if message["type"] == "event":
                numbers.append(message["data"]["number"])
            elif message["type"] == "subscribed":
                break
    assert numbers == list(range(400))


async def _read_until_closed(sleeper: RawSocket) -> tuple[list[int], str]:
    """What a client finds that wakes up: some events, the last id, and 1008."""
    numbers: list[int] = []
    last = ""
    async for opcode, payload in sleeper.frames():
        if opcode == CLOSE:
            assert int.from_bytes(payload[:2]) == 1008
            return numbers, last
        message = msgspec.json.decode(payload)
        last = message.get("id") or message.get("at") or last
        if message["type"] == "event":
            numbers.append(message["data"]["number"])
    raise AssertionError("ended without a close frame")
