"""The client of programs, with a server that does what a test says, once per connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.http11 import Request

from quarterdeck.exceptions import (
    ClientClosedError,
    MessageRefusedError,
)
from quarterdeck.sockets import Event
from quarterdeck.sockets.client import Client, Presence, client

from .sockets_client_server import Server, serving, take

pytestmark = pytest.mark.feature("WS3")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BASE_DELAY", 0.001)


async def test_an_event_as_it_was_sent() -> None:
    async def conversation(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.events("2-0")
        await server.says(type="presence", room="orders", here=[{"id": "7", "name": "Ada"}])
        await server.stays()

    async with serving(conversation) as url, Client(url) as source:
        assert await source.subscribe("orders") == "1-0"
        event, presence = await anext(source), await anext(source)

    assert isinstance(event, Event)
    assert (event.room, event.id, event.name, event.data) == (
        ("orders", "2-0", "moved", {"n": "2-0"})
    )
    assert presence == Presence("orders", ({"id": "7", "name": "Ada"},))


async def test_after_a_broken_connection_it_goes_on_where_it_was() -> None:
    async def first(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.events("2-0", "3-0")
        await server.breaks()

    async def second(server: Server) -> None:
        await server.hears(type="subscribe", room="orders", since="3-0")
        await server.events("4-0", "10-0")
        await server.says(type="subscribed", room="orders", at="12-0", replayed=2)
        await server.events("13-0")
        await server.socket.close(1012)

    async def third(server: Server) -> None:
        await server.lets_in("13-0", at="13-0")
        await server.events("14-0")
        await server.stays()

    async with serving(first, second, third) as url, Client(url) as source:
        await source.subscribe("orders")
        assert await take(source, 6) == ["2-0", "3-0", "4-0", "10-0", "13-0", "14-0"]
        assert source.last_id("orders") == "14-0"


async def test_nothing_is_yielded_twice() -> None:
    """Even if the server sends again what arrived already."""

    async def conversation(server: Server) -> None:
        await server.lets_in("5-0", at="5-0")
        await server.events("4-0", "5-0", "6-0", "6-0", "6-1", "6-0")
        await server.stays()

    async with serving(conversation) as url, Client(url) as source:
        await source.subscribe("orders", since="5-0")
        assert await take(source, 2) == ["6-0", "6-1"]
        assert await source_is_quiet(source)


async def source_is_quiet(source: Client) -> bool:
    try:
        async with asyncio.timeout(0.05):
            await anext(source)
    except TimeoutError:
        return True
    return False


async def test_rooms_resume_each_at_its_own_place() -> None:
    async def first(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.lets_in(room="team", at="1-0")
        await server.events("2-0")
        await server.events("3-0", room="team")
        await server.events("4-0")
        await server.breaks()

    async def second(server: Server) -> None:
        await server.lets_in("4-0", at="4-0")
        await server.lets_in("3-0", room="team", at="4-0")
        await server.events("5-0", room="team")
        await server.stays()

    async with serving(first, second) as url, Client(url) as source:
        await source.subscribe("orders")
        await source.subscribe("team")
        assert await take(source, 4) == ["2-0", "3-0", "4-0", "5-0"]


async def test_a_quiet_room_resumes_where_it_was_entered() -> None:
    async def first(server: Server) -> None:
        await server.lets_in(at="7-0")
        await server.breaks()

    async def second(server: Server) -> None:
        await server.lets_in("7-0", at="9-0")
        await server.events("10-0")
        await server.stays()

    async with serving(first, second) as url, Client(url) as source:
        await source.subscribe("orders")
        assert await take(source, 1) == ["10-0"]


async def test_a_gap_is_said_where_it_is() -> None:
    """And a server that begins anew with lower ids is not taken for one that repeats itself."""

    async def first(server: Server) -> None:
        await server.lets_in(at="100-0")
        await server.events("101-0")
        await server.breaks()

    async def second(server: Server) -> None:
        await server.hears(type="subscribe", room="orders", since="101-0")
        await server.says(type="gap", room="orders")
        await server.says(type="subscribed", room="orders", at="5-0", replayed=0)
        await server.events("6-0")
        await server.breaks()

    async def third(server: Server) -> None:
        await server.lets_in("6-0", at="6-0")
        await server.events("7-0")
        await server.stays()

    async with serving(first, second, third) as url, Client(url) as source:
        await source.subscribe("orders")
        assert await take(source, 4) == ["101-0", "Gap", "6-0", "7-0"]


async def test_a_gap_is_said_again_if_the_connection_breaks_after_it() -> None:
    async def first(server: Server) -> None:
        await server.lets_in("3-0", at="3-0")
        await server.says(type="gap", room="orders")
        await server.breaks()

    async def second(server: Server) -> None:
        await server.hears(type="subscribe", room="orders", since="3-0")
        await server.says(type="gap", room="orders")
        await server.says(type="subscribed", room="orders", at="9-0", replayed=0)
        await server.events("10-0")
        await server.stays()

    async with serving(first, second) as url, Client(url) as source:
        await source.subscribe("orders", since="3-0")
        assert await take(source, 3) == ["Gap", "Gap", "10-0"]


async def test_iteration_goes_on_after_an_error_message() -> None:
    async def conversation(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.hears(type="say", room="orders", text="Hello")
        await server.says(type="error", code="too_fast", detail="Slow down.")
        await server.events("2-0")
        await server.stays()

    async with serving(conversation) as url, Client(url) as source:
        await source.subscribe("orders")
        await source.say("orders", "Hello")
        with pytest.raises(MessageRefusedError, match="Slow down"):
            await anext(source)
        assert await take(source, 1) == ["2-0"]


async def test_a_room_that_was_left_is_not_entered_again() -> None:
    async def first(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.lets_in(room="team", at="1-0")
        await server.hears(type="unsubscribe", room="orders")
        await server.breaks()

    async def second(server: Server) -> None:
        await server.lets_in("1-0", room="team", at="1-0")
        await server.events("2-0", room="team")
        await server.stays()

    async with serving(first, second) as url, Client(url) as source:
        await source.subscribe("orders")
        await source.subscribe("team")
        await source.unsubscribe("orders")
        assert await take(source, 1) == ["2-0"]


async def test_a_ping_is_answered_even_by_the_next_connection() -> None:
    async def first(server: Server) -> None:
        await server.hears(type="ping")
        await server.breaks()

    async def second(server: Server) -> None:
        await server.hears(type="ping")
        await server.says(type="pong")
        await server.stays()

    async with serving(first, second) as url, Client(url) as source:
        assert 0 < await source.ping() < 5


async def test_a_reader_who_does_not_read_is_not_flooded() -> None:
    """The server is what has to wait; whoever then reads gets everything in order."""
    count, size = 1_000, 10
    ids = [f"{number}-0" for number in range(1, count + 1)]

    async def conversation(server: Server) -> None:
        await server.lets_in(at="0-0")
        await server.events(*ids)
        await server.stays()

    async with serving(conversation) as url, Client(url, queue_size=size) as source:
        await source.subscribe("orders")
        await source_is_full(source, size)
        assert await take(source, count) == ids


async def source_is_full(source: Client, size: int) -> None:
    """It stays at its limit while the server goes on sending."""
    for _ in range(100):
        await asyncio.sleep(0.001)
    assert source._queue.qsize() == size


async def test_an_answer_comes_even_if_more_was_missed_than_the_queue_holds() -> None:
    ids = [f"{number}-0" for number in range(2, 102)]

    async def conversation(server: Server) -> None:
        await server.hears(type="subscribe", room="orders", since="1-0")
        await server.events(*ids)
        await server.says(type="subscribed", room="orders", at=ids[-1], replayed=len(ids))
        await server.events("200-0", "201-0")
        await server.hears(type="ping")
        await server.says(type="pong")
        await server.stays()

    async with serving(conversation) as url, Client(url, queue_size=10) as source:
        assert await source.subscribe("orders", since="1-0") == ids[-1]
        await source.ping()
        assert await take(source, 102) == [*ids, "200-0", "201-0"]


async def test_who_we_are_is_in_the_handshake() -> None:
    seen: list[Request] = []

    async def conversation(server: Server) -> None:
        assert server.socket.request
        seen.append(server.socket.request)

    headers = {"X-Request-ID": "7"}
    async with (
        serving(conversation) as url,
        Client(url + "/ws", token="t0k", cookie="session=s", headers=headers),
    ):
        pass
    assert seen[0].path == "/ws"
    assert seen[0].headers["Authorization"] == "Bearer t0k"
    assert seen[0].headers["Cookie"] == "session=s"
    assert seen[0].headers["X-Request-ID"] == "7"


async def test_the_end_of_the_block_ends_the_iteration() -> None:
    async def conversation(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.stays()

    async def read(source: Client) -> list[Any]:
        return [happening async for happening in source]

    async with serving(conversation) as url:
        async with Client(url) as source:
            await source.subscribe("orders")
            reading = asyncio.create_task(read(source))
            await asyncio.sleep(0)
        assert await reading == []
        with pytest.raises(ClientClosedError):
            await source.subscribe("team")
        with pytest.raises(ClientClosedError):
            await source.say("orders", "Hello")
