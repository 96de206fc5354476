"""What holds for every back end."""

from __future__ import annotations

import asyncio

import pytest

from quarterdeck.sockets.event import parse_id
from quarterdeck.sockets.memory import MemoryBackend

from .conftest import MakeProcess
from .processes import Process

pytestmark = pytest.mark.feature("WS3")


@pytest.fixture(params=["memory", "redis"])
def process(request: pytest.FixtureRequest) -> Process:
    """A process that has not started."""
    if request.param == "memory":
        return Process(MemoryBackend())
    make_process: MakeProcess = request.getfixturevalue("make_process")
    return make_process()


async def test_says_first_from_where_it_is_complete(process: Process) -> None:
    await process.start()
    [position] = process.log

    [sent] = await process.publish("hello")
    await process.until_data("hello")

    assert parse_id(str(position)) < parse_id(sent)


async def test_events_come_once_in_order_with_growing_ids(process: Process) -> None:
    await process.start()

    ids = await process.publish(*range(50))
    await process.until_data(*range(50))

    assert [event.id for event in process.events] == ids
    assert sorted(ids, key=parse_id) == ids
    assert len(set(ids)) == 50


async def test_events_keep_room_name_and_data(process: Process) -> None:
    await process.start()
    data = {"text": "naïve 你好 \x00 \U0001f600", "more": [1, 2.5, None, {"deep": True}]}

    [sent] = await process.publish(data, room="order:1")
    await process.until_data(data)

    [event] = process.events
    assert (event.room, event.name, event.id) == ("order:1", "said", sent)


async def test_many_at_once_each_come_once(process: Process) -> None:
    await process.start()

    ids = await asyncio.gather(*(process.publish(number) for number in range(300)))
    await process.until_count(events=300)

    assert sorted(process.data) == list(range(300))
    assert {event.id for event in process.events} == {id for [id] in ids}


async def test_publishing_does_not_need_a_start(process: Process) -> None:
    assert parse_id(*await process.publish("from a command"))


async def test_presence_is_replaced_room_by_room(process: Process) -> None:
    await process.start()
    await process.enter("Ada", "Bob")
    await process.enter("Cleo", room="team")
    await process.until_here("Ada", "Bob")

    await process.enter("Bob")

    await process.until_here("Bob")
    await process.until_here("Cleo", room="team")


async def test_stops_twice_and_without_a_start(process: Process) -> None:
    await process.backend.stop()
    await process.start()
    await process.backend.stop()
    await process.backend.stop()


async def test_a_check_passes(process: Process) -> None:
    await process.start()

    await process.backend.check()
