"""The hub on a real server in a process of its own, with clients that speak raw frames."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from quarterdeck.app import Quart
from tests.kit.serving_app import served
from tests.wire import CLOSE, Wire, connected

from .app import make_app

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


async def subscribe(wire: Wire, **since: str) -> None:
    await wire.message(json.dumps({"type": "subscribe", "room": "open", **since}))


async def messages(wire: Wire) -> AsyncIterator[dict[str, Any]]:
    """Read JSON messages; a close ends them."""
    while (frame := await wire.receive())[0] != CLOSE:
        yield msgspec.json.decode(frame[1])
    assert int.from_bytes(frame[1][:2]) == 1008


class Follower:
    """A client that keeps its last id, and comes back with it however it lost the connection."""

    def __init__(self, port: int, name: str) -> None:
        self.address = ("127.0.0.1", port)
        self.path = f"/ws?as={name}"
        self.numbers: list[int] = []
        self.closes = 0
        self.ready = asyncio.Event()
        self._last: str | None = None

    async def follow(self, count: int, *, leave_at: int | None = None) -> None:
        """Collect so many events; go away without a word after ``leave_at`` of them."""
        while len(self.numbers) < count:
            async with connected(self.address, self.path) as wire:
                await subscribe(wire, **({} if self._last is None else {"since": self._last}))
                await self.hear(wire, count, leave_at)
            self.closes += 1
            leave_at = None

    async def hear(self, wire: Wire, count: int, leave_at: int | None = None) -> None:
        """Take messages until there are enough, or the server closes with 1008."""
        async for message in messages(wire):
            assert message["type"] in {"event", "subscribed", "presence"}, message
            self._last = message.get("id") or message.get("at") or self._last
            if message["type"] == "subscribed":
                self.ready.set()
            elif message["type"] == "event":
                self.numbers.append(message["data"]["number"])
                if len(self.numbers) in {count, leave_at}:
                    return


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
    follower, sleeper = Follower(port, "Follower"), Follower(port, "Sleeper")
    async with connected(sleeper.address, sleeper.path) as wire, asyncio.timeout(40):
        await subscribe(wire)
        following = asyncio.create_task(follower.follow(400))
        await follower.ready.wait()
        await publish(port, 400, 20_000)
        await following
        await sleeper.hear(wire, 400)  # what it finds when it wakes up, and then the close
    assert follower.numbers == list(range(400))
    assert (await statistics(port))["fell_behind"] > behind
    assert len(sleeper.numbers) < 400
    await sleeper.follow(400)
    assert sleeper.numbers == list(range(400))


@pytest.mark.hazard("a slow reader blocks its sender for ever")
async def test_nothing_is_left_of_a_client_that_never_reads() -> None:
    """On our server, which waits for nobody: also if the close frame itself cannot be sent."""
    app, hub = make_app(Quart, SOCKETS_QUEUE_SIZE=20)
    async with (
        served(cast(Quart, app)) as (address, _),
        app.app_context(),
        connected(address, "/ws?as=Sleeper") as wire,
    ):
        await subscribe(wire)
        while not (now := hub.statistics())["rooms"]:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        while not now["fell_behind"]:
            await hub.publish("open", "n", "x" * 50_000)
            await asyncio.sleep(0)
            now = hub.statistics()
        assert now["connections"] == 0
        await wire.ended()
