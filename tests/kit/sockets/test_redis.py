"""Several processes on one Redis."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from quarterdeck.app import Quart
from quarterdeck.exceptions import ConfigurationError, EventsUnavailableError
from quarterdeck.sockets import Hub
from quarterdeck.sockets.event import parse_id
from quarterdeck.sockets.redis import RedisBackend, presence
from quarterdeck.sockets.redis.reader import PUBLISHERS, Duplicates, previous_id

from .conftest import MakeProcess
from .processes import Process

pytestmark = pytest.mark.feature("WS3")


@pytest.fixture
async def two(make_process: MakeProcess) -> tuple[Process, Process]:
    """Two processes that have started."""
    processes = make_process(), make_process()
    for process in processes:
        await process.start()
    return processes


# --- events -----------------------------------------------------------------------


async def test_all_processes_see_all_events_in_one_order(two: tuple[Process, Process]) -> None:
    one, other = two

    await asyncio.gather(one.publish(*range(50)), other.publish(*range(100, 150)))
    for process in two:
        await process.until_count(events=100)

    assert one.events == other.events
    assert [number for number in one.data if number < 100] == list(range(50))
    assert [number for number in one.data if number >= 100] == list(range(100, 150))


async def test_a_new_process_knows_the_newest_events(make_process: MakeProcess) -> None:
    first = make_process()
    ids = await first.publish(*range(30))

    late = make_process(log_size=10)
    await late.start()

    assert late.data == list(range(20, 30))
    [floor] = late.gaps
    assert parse_id(ids[19]) <= parse_id(floor) < parse_id(ids[20])


async def test_a_process_that_starts_again_knows_as_much(make_process: MakeProcess) -> None:
    process = make_process()
    await process.start()
    await process.publish("before")
    await process.until_data("before")
    await process.backend.stop()
    process.log.clear()

    await process.start()

    assert process.data == ["before"]


async def test_a_command_publishes_before_it_ends(
    two: tuple[Process, Process], make_process: MakeProcess
) -> None:
    command = make_process()
    publishing = asyncio.create_task(command.publish("imported"))
    await asyncio.sleep(0)
    await command.backend.stop()

    await publishing
    await two[0].until_data("imported")


async def test_the_stream_stays_short(make_process: MakeProcess, redis: Redis, prefix: str) -> None:
    process = make_process(length=100)

    await asyncio.gather(*(process.publish(number) for number in range(400)))

    assert 100 <= await redis.xlen(f"{prefix}events") <= 300


@pytest.mark.parametrize("decimal", ["1-1", "1-0", "0-0"])
def test_previous_id(decimal: str) -> None:
    expected = {"1-1": "1-0", "1-0": "0-18446744073709551615", "0-0": "0-18446744073709551615"}

    assert previous_id(decimal) == expected[decimal]


def test_what_was_sent_again_is_told_by_its_number() -> None:
    seen = Duplicates()

    came = [seen.add({b"from": mark}) for mark in (b"a-1", b"a-2", b"b-1", b"a-1", b"a-2", b"a-3")]

    assert came == [True, True, True, False, False, True]
    assert not seen.add({b"begin": b""})
    assert not seen.add({b"from": b"nonsense"})


def test_publishers_of_long_ago_are_forgotten() -> None:
    seen = Duplicates()
    for number in range(PUBLISHERS + 1):
        seen.add({b"from": b"p%d-7" % number})

    assert not seen.add({b"from": b"p1-7"})
    assert seen.add({b"from": b"p0-7"})


async def test_an_event_that_cannot_be_delivered_stops_nothing(
    make_process: MakeProcess, caplog: pytest.LogCaptureFixture
) -> None:
    process = make_process()
    await process.start()
    process.fails_for = "bad"

    await process.publish("bad", "good")
    await process.until_data("good")

    assert "cannot be delivered" in caplog.text


async def test_foreign_entries_are_passed_over(
    two: tuple[Process, Process], redis: Redis, prefix: str
) -> None:
    await redis.xadd(f"{prefix}events", {"from": "x-1", "what": "is this"})
    await redis.xadd(f"{prefix}events", {"what": "is this"})

    await two[0].publish("ours")

    await two[1].until_data("ours")


# --- presence ---------------------------------------------------------------------


async def test_people_of_all_processes_are_here(two: tuple[Process, Process]) -> None:
    one, other = two

    await one.enter("Ada")
    await other.enter("Bob")

    await one.until_here("Ada", "Bob")
    await other.until_here("Ada", "Bob")
    assert "orders" in one.changes
    await one.enter()
    await other.until_here("Bob")


async def test_a_process_that_stops_takes_its_people_along_at_once(
    two: tuple[Process, Process],
) -> None:
    one, other = two
    await one.enter("Ada")
    await other.until_here("Ada")

    async with asyncio.timeout(presence.LEASE_SECONDS):
        await one.backend.stop()
        await other.until_here()


async def test_a_new_process_sees_who_was_here_before(
    two: tuple[Process, Process], make_process: MakeProcess
) -> None:
    await two[0].enter("Ada")
    await two[1].until_here("Ada")
    late = make_process()
    await late.start()

    await late.until_here("Ada")


# --- configuration ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "'SOCKETS_REDIS' is not set. Set it or REDIS_URL"),
        ({"SOCKETS_REDIS": "localhost"}, "'SOCKETS_REDIS' is not a Redis URL"),
        ({"REDIS_URL": "http://localhost"}, "'REDIS_URL' is not a Redis URL"),
        ({"SOCKETS_REDIS": 6379}, "'SOCKETS_REDIS' is not a Redis URL"),
        (
            {"SOCKETS_REDIS": "redis://h", "SOCKETS_LOG_SIZE": 30_000},
            "'SOCKETS_REDIS_STREAM_LENGTH' is less than 'SOCKETS_LOG_SIZE'",
        ),
    ],
)
def test_what_cannot_work_is_refused_at_once(config: dict[str, Any], message: str) -> None:
    app = Quart(__name__)
    app.config.update(SOCKETS_BACKEND="redis", **config)

    with pytest.raises(ConfigurationError, match=message):
        Hub(app)


async def test_a_client_that_decodes_is_refused() -> None:
    client = Redis(decode_responses=True)
    app = Quart(__name__)
    app.config.update(SOCKETS_BACKEND="redis", SOCKETS_REDIS=client)

    with pytest.raises(ConfigurationError, match="decodes"):
        Hub(app)
    await client.aclose()


@pytest.mark.parametrize("options", [{}, {"protocol": 2}, {"protocol": 3}, {"socket_timeout": 0.5}])
async def test_the_apps_own_client_is_used_and_left_open(
    url: str, prefix: str, options: dict[str, Any]
) -> None:
    client = Redis.from_url(url, driver_info=None, **options)
    process = Process(RedisBackend(client, prefix=prefix))
    await process.start()

    await process.publish("hello")
    await process.until_data("hello")
    await process.backend.stop()

    assert await client.ping()
    await client.aclose()


async def test_a_wrong_password_ends_the_start(make_process: MakeProcess, url: str) -> None:
    process = make_process(url.replace("//", "//nobody:secret@"))

    with pytest.raises(EventsUnavailableError, match=r"'127.0.0.1:\d+' does not carry") as caught:
        await process.start()

    assert "secret" not in str(caught.value)


async def test_a_key_in_the_way_ends_the_start(
    make_process: MakeProcess, redis: Redis, prefix: str
) -> None:
    await redis.set(f"{prefix}events", "something else")

    with pytest.raises(EventsUnavailableError, match="WRONGTYPE"):
        await make_process().start()
