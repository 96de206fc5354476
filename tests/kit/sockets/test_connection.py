"""What waits for a client, and what becomes of one that does not read."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import pytest

from quarterdeck.sockets import Event, Member
from quarterdeck.sockets.connection import Connection
from quarterdeck.sockets.handler import ConnectionHandler
from quarterdeck.sockets.rate_limiter import RateLimiter
from tests.kit.sockets.app import make_app


class Reader:
    """A client that takes a message when it is told to."""

    def __init__(self, queue_size: int = 3) -> None:
        self.got: list[str] = []
        self.may_read = asyncio.Semaphore(0)
        self.keeps_up = False
        self.connection = Connection(Member("1", "Ada"), self._send, self._write, queue_size)
        self.closed = asyncio.Event()
        self.connection.on_close = self.closed.set

    def _write(self, frame: bytes) -> bool:
        if self.keeps_up:
            self.got.append(frame[2:].decode())
        return self.keeps_up

    async def _send(self, frame: str) -> None:
        await self.may_read.acquire()
        self.got.append(frame)

    async def read(self, count: int) -> None:
        for _ in range(count):
            self.may_read.release()
            await asyncio.sleep(0)
            await asyncio.sleep(0)


@pytest.mark.hazard("a slow reader blocks its sender for ever")
async def test_a_reader_that_falls_behind_is_closed() -> None:
    reader = Reader(queue_size=3)
    for frame in "abcd":
        reader.connection.push(frame)
    assert reader.connection.closing is not None
    assert reader.connection.closing.code == 1008
    assert reader.connection.fell_behind
    assert reader.connection.queued == 3  # and no more, whatever comes
    reader.connection.push("e")
    assert reader.connection.queued == 3
    assert reader.closed.is_set()
    await reader.connection.drop()


async def test_a_reader_that_keeps_up_is_not() -> None:
    reader = Reader(queue_size=3)
    for frame in "abcdefgh":
        reader.connection.push(frame)
        await reader.read(1)
    assert reader.connection.closing is None
    assert "".join(reader.got) == "abcdefgh"
    await reader.connection.drop()


async def test_messages_are_written_at_once_unless_others_wait() -> None:
    """Then they take their turn, and the task that sends them ends with them."""
    reader = Reader()
    reader.keeps_up = True
    reader.connection.push("a")
    assert (reader.got, reader.connection.queued) == (["a"], 0)
    reader.keeps_up = False
    reader.connection.push("b")
    reader.keeps_up = True
    reader.connection.push("c")
    assert reader.got == ["a"]
    await reader.read(2)
    assert reader.got == ["a", "b", "c"]
    await asyncio.sleep(0)
    reader.connection.push("d")
    assert reader.got == ["a", "b", "c", "d"]


async def test_an_event_is_encoded_once_for_all() -> None:
    event = Event("open", "1-0", "n", msgspec.Raw(b"7"))
    frames: list[bytes] = []

    def write(frame: bytes) -> bool:
        frames.append(frame)
        return True

    for number in range(3):
        connection = Connection(Member(str(number), "Ada"), asyncio.sleep, write, 3)  # type: ignore[arg-type]
        connection.push(event.frame, event)
    assert frames[0] is frames[1] is frames[2]
    assert frames[0][2:].decode() == event.frame


async def test_what_is_replayed_is_not_bounded_by_the_queue() -> None:
    """Or a client that missed more than it could never come back."""
    reader = Reader(queue_size=3)
    reader.connection.push_replay("abcdefghij")
    replayed = asyncio.create_task(reader.connection.wait_until_replayed())
    for frame in "klm":
        reader.connection.push(frame)
    assert reader.connection.closing is None
    await reader.read(9)
    assert not replayed.done()
    await reader.read(1)
    await asyncio.wait_for(replayed, 30)
    await reader.read(3)
    assert "".join(reader.got) == "abcdefghijklm"
    for frame in "abcd":
        reader.connection.push(frame)
    assert reader.connection.closing is not None  # the bound is what it was
    await reader.connection.drop()


def test_the_first_reason_counts() -> None:
    connection = Connection(Member("1", "Ada"), asyncio.sleep, None, 3)  # type: ignore[arg-type]
    connection.close(4401, "Signed out")
    connection.close(1012, "Restarting")
    assert connection.closing is not None
    assert connection.closing.code == 4401


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_rate(clock: list[float]) -> None:
    rate = RateLimiter(rate=2, burst=3)
    assert [rate.allows() for _ in range(4)] == [True, True, True, False]
    clock[0] += 0.5
    assert [rate.allows() for _ in range(2)] == [True, False]
    clock[0] += 1000
    assert [rate.allows() for _ in range(4)] == [True, True, True, False]


def test_who_goes_on_after_being_told_is_flooding(clock: list[float]) -> None:
    rate = RateLimiter(rate=1, burst=2)
    allowed = [rate.allows() for _ in range(3)]
    assert allowed == [True, True, False]
    assert not rate.is_flooding
    rate.allows()
    assert rate.is_flooding


def test_only_refusals_in_a_row_are_flooding(clock: list[float]) -> None:
    rate = RateLimiter(rate=1, burst=1)
    assert not rate.is_flooding
    assert rate.allows()
    assert not rate.allows()
    assert rate.is_flooding
    clock[0] += 1
    assert rate.allows()
    assert not rate.is_flooding


async def test_who_does_not_read_a_replay_cannot_ask_for_another() -> None:
    """Or a queue without a bound would be had for a few bytes each."""
    app, hub = make_app(SOCKETS_PRESENCE_SECONDS=60)
    async with app.test_app(), app.app_context():
        manager = app.extensions["sockets"]
        first = await hub.publish("open", "n", 0)
        for number in range(10):
            await hub.publish("open", "n", number)
        asked = 0

        class Stubborn:
            """It asks and asks, and takes nothing."""

            async def receive(self) -> str:
                nonlocal asked
                asked += 1
                await asyncio.sleep(0)
                return f'{{"type":"subscribe","room":"open","since":"{first}"}}'

            async def send(self, frame: str) -> None:
                await asyncio.Event().wait()

            async def close(self, code: int, reason: str) -> None:
                pass

        async def anybody(member: Member, room: str) -> bool:
            return True

        async def nothing(member: Member, room: str) -> str | None:
            return None

        async def unkept(member: Member, room: str, text: str) -> bool:
            return False

        ada, client = Member("1", "Ada"), cast(Any, Stubborn())
        talk = ConnectionHandler(manager, client, ada, anybody, nothing, unkept, hub.publish)
        running = asyncio.create_task(talk.run())
        for _ in range(50):
            await asyncio.sleep(0)
        assert asked == 1
        assert talk.connection.queued == 10
        running.cancel()
        await asyncio.wait([running])
