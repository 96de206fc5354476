"""Redis that dies, freezes, forgets, or loses an answer: nothing is lost without a word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from quarterdeck.exceptions import EventRefusedError, EventsUnavailableError
from quarterdeck.sockets.redis import presence
from quarterdeck.sockets.redis.connection import cancel
from tests.servers import Server, redis_server, running

from .conftest import LogLines, MakeProcess
from .processes import Process
from .proxies import Proxy

pytestmark = [
    pytest.mark.feature("WS3"),
    pytest.mark.hazard("Redis listeners die for good on a 1 s outage"),
]

TIMEOUT = 1.0
SLACK = 5.0  # for a busy machine; 50 timeouts are ten times as long
TIMES = {"timeout": TIMEOUT}
Pair = tuple[Process, Process]


@pytest.fixture
async def two(make_process: MakeProcess) -> Pair:
    """Two processes that follow the stream."""
    processes = make_process(**TIMES), make_process(**TIMES)
    for process in processes:
        await process.start()
    await processes[0].publish("before")
    for process in processes:
        await process.until_data("before")
    return processes


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    proxy = Proxy(server.port)
    await proxy.open()
    yield proxy
    await proxy.cut()


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Server]:
    """A Redis that has everything again after a kill -9."""
    with running(redis_server(tmp_path, persistent=True)) as server:
        yield server


@pytest.fixture
def forgetting(tmp_path: Path) -> Iterator[Server]:
    """A Redis that has what was saved on demand."""
    with running(redis_server(tmp_path)) as server:
        yield server


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the times after which a silent process counts as crashed."""
    for name in ("LEASE_SECONDS", "RENEW_SECONDS", "GRACE_SECONDS"):
        monkeypatch.setattr(presence, name, getattr(presence, name) / 2)


# --- Redis is away ----------------------------------------------------------------


async def test_killed_with_its_data(keeping: Server, make_process: MakeProcess) -> None:
    """What was published meanwhile comes out in order, and nobody has a gap."""
    url = f"redis://127.0.0.1:{keeping.port}/0"
    one, other = make_process(url, **TIMES), make_process(url, **TIMES)
    for process in (one, other):
        await process.start()
    await one.publish("before")
    await asyncio.to_thread(keeping.kill)

    assert await one.publish("during", "outage") == ["", ""]
    await asyncio.to_thread(keeping.start)
    await one.publish("after")

    for process in (one, other):
        await process.until_data("before", "during", "outage", "after")
        assert len(process.gaps) == 1  # that of the start


async def test_killed_and_empty(two: Pair, server: Server) -> None:
    """The stream is another one: a gap for everybody, then everything that waited."""
    one, other = two
    await asyncio.to_thread(server.kill)
    await one.publish("during", "outage")
    await asyncio.to_thread(server.start)

    for process in two:
        await process.until_count(gaps=2)
        await process.until_data("before", "during", "outage")
        assert process.log.index(process.gaps[1]) == 2, "the gap comes between"
    await other.publish("after")
    await one.until_data("before", "during", "outage", "after")


async def test_set_back(forgetting: Server, make_process: MakeProcess) -> None:
    """Redis comes back with the data of some time ago."""
    url = f"redis://127.0.0.1:{forgetting.port}/0"
    process = make_process(url, **TIMES)
    await process.start()
    await process.publish("saved")
    async with Redis.from_url(url) as operator:
        await operator.save()
    await process.publish("lost")
    await process.until_data("saved", "lost")

    await asyncio.to_thread(forgetting.kill)
    await asyncio.to_thread(forgetting.start)
    await process.until_count(gaps=2)
    await process.publish("after")

    await process.until_data("saved", "lost", "after")


async def test_frozen(two: Pair, server: Server, log_lines: LogLines) -> None:
    """Nobody waits longer than the timeout, only once, and nothing comes twice afterwards."""
    one, other = two
    server.freeze()
    began = time.monotonic()
    assert await one.publish("during") == [""]
    assert time.monotonic() - began < TIMEOUT + SLACK
    began = time.monotonic()
    assert await one.publish(*range(50)) == [""] * 50
    assert time.monotonic() - began < SLACK
    await log_lines.until("publishing events", count=1)
    await log_lines.until("reading events", count=2)

    server.thaw()
    await other.publish("after")

    for process in two:
        await process.until_count(events=53)
        assert [each for each in process.data if each != "after"] == [
            "before",
            "during",
            *range(50),
        ]
        assert len(process.gaps) == 1


async def test_the_event_loop_goes_on_while_redis_is_frozen(two: Pair, server: Server) -> None:
    server.freeze()
    publishing = asyncio.create_task(two[0].publish(*range(10)))
    longest, before = 0.0, time.monotonic()
    while not publishing.done():
        await asyncio.sleep(0.01)
        now = time.monotonic()
        longest, before = max(longest, now - before), now

    assert longest < 0.8 * TIMEOUT


async def test_away_at_the_start(make_process: MakeProcess, server: Server) -> None:
    """The process serves; what it missed is a gap as soon as Redis is there."""
    await asyncio.to_thread(server.kill)
    process = make_process(**TIMES)
    await process.start()
    assert process.log == []
    await process.publish("early")

    await asyncio.to_thread(server.start)

    await process.until(lambda: bool(process.log))
    await process.publish("later")
    await process.until(lambda: process.data[-1:] == ["later"])


async def test_a_check_names_what_is_wrong(two: Pair, server: Server) -> None:
    for outage in (server.freeze, server.kill):
        await asyncio.to_thread(outage)
        began = time.monotonic()
        with pytest.raises(EventsUnavailableError, match=f"'127.0.0.1:{server.port}' does not"):
            await two[0].backend.check()
        assert time.monotonic() - began < TIMEOUT + SLACK


async def test_a_check_notices_that_events_do_not_come_through(
    two: Pair, redis: Redis, prefix: str
) -> None:
    """Redis answers, and yet nothing can be published."""
    await redis.delete(f"{prefix}events")
    await redis.set(f"{prefix}events", "something else")
    await two[0].publish("stuck")

    with pytest.raises(EventsUnavailableError, match="WRONGTYPE"):
        await two[0].backend.check()
    await redis.delete(f"{prefix}events")


# --- what waits -------------------------------------------------------------------


async def test_only_so_much_waits(
    make_process: MakeProcess, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    process = make_process(capacity=3, **TIMES)
    await process.start()
    await asyncio.to_thread(server.kill)
    await process.publish(1, 2, 3)
    assert process.backend.waiting == 3

    with pytest.raises(EventRefusedError, match="3 events wait for Redis already"):
        await process.publish(4)

    await asyncio.to_thread(server.start)
    await process.until_data(1, 2, 3)
    assert caplog.text.count("Redis is away, publishing") == 1, "one line, not one per attempt"


async def test_what_is_lost_at_the_end_is_said(
    two: Pair, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(server.kill)
    await two[0].publish("during", "outage")

    await two[0].backend.stop()

    assert "2 events are lost" in caplog.text


async def test_an_answer_that_is_lost_makes_no_duplicate(
    two: Pair, make_process: MakeProcess, proxy: Proxy, redis: Redis, prefix: str
) -> None:
    """Redis has the event, the publisher does not know, sends it again: all see it once."""
    sender = make_process(proxy.url, **TIMES)
    await sender.publish("first")
    proxy.swallows = True
    assert await sender.publish("second") == [""]
    await proxy.swallowed.wait()  # a busy machine may need more than the first attempt
    proxy.swallows = False
    await sender.publish("third")

    late = make_process(**TIMES)
    for process in two:
        await process.until_data("before", "first", "second", "third")
    await late.start()
    assert late.data == ["before", "first", "second", "third"]
    assert await redis.xlen(f"{prefix}events") > 5  # with the entry at the beginning


async def test_the_client_itself_retries_nothing(make_process: MakeProcess, proxy: Proxy) -> None:
    """The publisher decides on retries: the client would repeat commands during its timeout."""
    sender = make_process(proxy.url)
    await sender.publish("first")
    proxy.swallows = True
    proxy.commands.clear()

    assert await sender.publish("second") == [""]

    assert len(proxy.commands) == 1, "one command until the failure is known"
    assert b"XADD" in proxy.commands[0]
    pool = sender.backend._connection.redis.connection_pool  # type: ignore[attr-defined]
    assert pool.connection_kwargs["retry"].get_retries() == 0, "not left to a default"
    sender.backend._connection.timeout = 0.1  # type: ignore[attr-defined] # its stop waits so long


# --- a process that is cut off ----------------------------------------------------


async def test_what_was_missed_comes_afterwards(
    two: Pair, make_process: MakeProcess, proxy: Proxy
) -> None:
    away = make_process(proxy.url, **TIMES)
    await away.start()
    await proxy.cut()
    await two[0].publish(*range(100))

    await proxy.open()

    await away.until_data("before", *range(100))
    assert len(away.gaps) == 1


async def test_what_the_stream_has_dropped_is_a_gap(
    make_process: MakeProcess, proxy: Proxy
) -> None:
    away, here = make_process(proxy.url, **TIMES), make_process(length=100, timeout=10.0)
    for process in (away, here):
        await process.start()
    await proxy.cut()
    await asyncio.gather(*(here.publish(number) for number in range(500)))
    await proxy.open()

    await away.until(lambda: len(away.gaps) == 2 and away.data[-1:] == here.data[-1:])

    [_, gap] = away.gaps
    assert away.log[1] == gap
    assert away.data == here.data[-len(away.data) :]
    assert 100 <= len(away.data) < 500


# --- presence ---------------------------------------------------------------------


@pytest.mark.usefixtures("short_leases")
async def test_people_stay_when_redis_forgets_everything(two: Pair, server: Server) -> None:
    one, other = two
    await one.enter("Ada")
    await other.enter("Bob")
    for process in two:
        await process.until_here("Ada", "Bob")
        process.changes.clear()

    await asyncio.to_thread(server.kill)
    await one.enter("Ada", "Cleo")
    await asyncio.to_thread(server.start)

    await other.until_here("Ada", "Bob", "Cleo")
    await asyncio.sleep(presence.RENEW_SECONDS + presence.GRACE_SECONDS)
    for process in two:
        await process.until_here("Ada", "Bob", "Cleo")
        assert len(process.changes) <= 1, "nobody was gone meanwhile"


async def test_people_of_a_process_that_says_nothing_any_more_are_gone(
    two: Pair, make_process: MakeProcess, proxy: Proxy, redis: Redis, prefix: str
) -> None:
    """Within the time that a killed process has: see also the tests of the CRM."""
    silent = make_process(proxy.url, **TIMES)
    await silent.start()
    await silent.enter("Ada")
    await two[0].until_here("Ada")

    began = time.monotonic()
    await proxy.cut()
    await two[0].until_here()

    assert time.monotonic() - began < 15
    assert await redis.scard(f"{prefix}processes") == 2
    await proxy.open()
    await two[0].until_here("Ada")


async def _crash(process: Process) -> None:
    """End a process as ``kill -9`` does: without a goodbye."""
    backend = process.backend
    for part in (backend._presence, backend._reader):  # type: ignore[attr-defined]
        await cancel(part._task)
        part._task = None


@pytest.mark.usefixtures("short_leases")
async def test_a_crash_is_a_gap_for_all(two: Pair, make_process: MakeProcess) -> None:
    """It may have committed a change that it never published."""
    doomed = make_process(**TIMES)
    await doomed.start()
    await doomed.enter("Ada")
    for process in two:
        await process.until_here("Ada")
    gaps = [len(process.gaps) for process in two]

    await _crash(doomed)

    for process, before in zip(two, gaps, strict=True):
        await process.until_count(gaps=before + 1)
    await two[0].publish("after")
    for process in two:
        await process.until_count(events=2)
        assert process.data[-1] == "after"
        assert isinstance(process.log[-2], str), "the gap comes before what is published after it"


@pytest.mark.usefixtures("short_leases")
async def test_a_crash_of_all_is_a_gap_after_the_next_start(
    make_process: MakeProcess, redis: Redis, prefix: str
) -> None:
    doomed = make_process(**TIMES)
    await doomed.start()
    await doomed.publish("before")
    await doomed.enter("Ada")
    await doomed.until_count(events=1)
    while not await redis.exists(f"{prefix}here:{doomed.backend._presence._name}"):  # type: ignore[attr-defined]  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await _crash(doomed)

    late = make_process(**TIMES)
    await late.start()
    await late.until_count(events=1, gaps=2)  # the first gap is that of the start
    another = make_process(**TIMES)
    await another.start()
    await another.until_count(gaps=2)

    assert late.gaps[-1] == another.gaps[-1], "whoever starts later has no events before it"
    name = doomed.backend._presence._name  # type: ignore[attr-defined]
    assert not await redis.sismember(f"{prefix}processes", name)


@pytest.mark.usefixtures("short_leases")
async def test_a_stop_with_everything_published_is_no_gap(
    two: Pair, make_process: MakeProcess
) -> None:
    leaving = make_process(**TIMES)
    await leaving.start()
    await leaving.enter("Ada")
    await two[0].until_here("Ada")
    gaps = len(two[0].gaps)

    await leaving.backend.stop()
    await two[0].until_here()
    doomed = make_process(**TIMES)  # whose crash comes after what could have been said of the stop
    await doomed.start()
    await doomed.enter("Bob")
    await two[0].until_here("Bob")
    await _crash(doomed)

    await two[0].until_count(gaps=gaps + 1)
    assert len(two[0].gaps) == gaps + 1


@pytest.mark.usefixtures("short_leases")
async def test_a_stop_that_loses_events_is_a_gap(
    two: Pair, make_process: MakeProcess, proxy: Proxy
) -> None:
    losing = make_process(proxy.url, **TIMES)
    await losing.start()
    await losing.enter("Ada")
    await two[0].until_here("Ada")
    gaps = len(two[0].gaps)

    await proxy.cut()
    await losing.publish("lost")
    await losing.backend.stop()

    await two[0].until_count(gaps=gaps + 1)


async def test_a_lost_notification_costs_seconds_only(
    two: Pair, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    monkeypatch.setattr(type(other.backend._presence), "on_notification", lambda *_: None)  # type: ignore[attr-defined]

    await one.enter("Ada")

    await other.until_here("Ada")
