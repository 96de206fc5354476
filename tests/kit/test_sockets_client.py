"""The client of programs, with a server that does what a test says, once per connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from quarterdeck.exceptions import (
    ClientClosedError,
    MessageRefusedError,
    NotAllowedError,
    NotSignedInError,
    SocketClientError,
    SocketRefusedError,
    SocketUnreachableError,
)
from quarterdeck.sockets import Event
from quarterdeck.sockets.client import Client, Presence, client, subscriptions

pytestmark = pytest.mark.feature("WS3")

Conversation = Callable[["Server"], Awaitable[None]]


class Server:
    """Our side of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def hears(self, **expected: Any) -> None:
        """The next message must be this one."""
        assert json.loads(await self.socket.recv()) == expected

    async def says(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def events(self, *ids: str, room: str = "orders") -> None:
        for each in ids:
            await self.says(type="event", room=room, id=each, name="moved", data={"n": each})

    async def lets_in(self, since: str | None = None, *, room: str = "orders", at: str) -> None:
        """A subscription comes, with this ``since``, and nothing was missed."""
        more = {"since": since} if since else {}
        await self.hears(type="subscribe", room=room, **more)
        await self.says(type="subscribed", room=room, at=at, replayed=0)

    async def breaks(self) -> None:
        """As when a cable is pulled."""
        self.socket.transport.abort()

    async def stays(self) -> None:
        await self.socket.wait_closed()


@asynccontextmanager
async def serving(*conversations: Conversation, **options: Any) -> AsyncIterator[str]:
    """Serve one conversation per connection; what fails in one fails the test."""
    failures: list[BaseException] = []
    coming = iter(conversations)

    async def handle(socket: ServerConnection) -> None:
        try:
            await next(coming)(Server(socket))
        except BaseException as failure:
            failures.append(failure)
            raise

    async with serve(handle, "127.0.0.1", 0, close_timeout=1, **options) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if failures:
        raise failures[0]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BASE_DELAY", 0.001)


async def take(source: Client, count: int) -> list[str]:
    """Return the ids of the next events; a gap and who is there by what they are."""
    async with asyncio.timeout(5):
        taken = [await anext(source) for _ in range(count)]
    return [each.id if isinstance(each, Event) else type(each).__name__ for each in taken]


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


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (4401, NotSignedInError),
        (4403, NotAllowedError),
        (1002, SocketRefusedError),
        (1009, SocketRefusedError),
    ],
)
async def test_a_close_that_is_final(code: int, error: type[SocketClientError]) -> None:
    """It ends the iteration, and what is waited for; nothing that had arrived is lost."""

    async def conversation(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.events("2-0")
        await server.hears(type="subscribe", room="team")
        await server.socket.close(code)

    async with serving(conversation) as url, Client(url) as source:
        await source.subscribe("orders")
        with pytest.raises(error):
            await source.subscribe("team")
        assert await take(source, 1) == ["2-0"]
        for _ in range(2):
            with pytest.raises(error):
                await anext(source)


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 1013])
async def test_a_close_after_which_it_comes_back(code: int) -> None:
    async def first(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.socket.close(code)

    async def second(server: Server) -> None:
        await server.lets_in("1-0", at="1-0")
        await server.events("2-0")
        await server.stays()

    async with serving(first, second) as url, Client(url) as source:
        await source.subscribe("orders")
        assert await take(source, 1) == ["2-0"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (HTTPStatus.UNAUTHORIZED, NotSignedInError),
        (HTTPStatus.FORBIDDEN, NotAllowedError),
        (HTTPStatus.NOT_FOUND, SocketRefusedError),
        (HTTPStatus.OK, SocketRefusedError),
        (HTTPStatus.SERVICE_UNAVAILABLE, SocketUnreachableError),
    ],
)
async def test_a_handshake_that_is_refused(
    status: HTTPStatus, error: type[SocketClientError]
) -> None:
    def refuse(socket: ServerConnection, _request: Request) -> Response:
        return socket.respond(status, "no")

    async with serving(process_request=refuse) as url:
        with pytest.raises(error):
            await Client(url).__aenter__()


async def test_a_server_that_is_busy_for_a_while_is_asked_again() -> None:
    """But not at first, when it is more likely that the address is wrong."""
    handshakes = 0

    def refuse_the_second(socket: ServerConnection, _request: Request) -> Response | None:
        nonlocal handshakes
        handshakes += 1
        return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "") if handshakes == 2 else None

    async def first(server: Server) -> None:
        await server.breaks()

    async def second(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.stays()

    async with (
        serving(first, second, process_request=refuse_the_second) as url,
        Client(url) as source,
    ):
        await source.subscribe("orders")
    assert handshakes == 3


async def test_nobody_is_there(unused_tcp_port: int) -> None:
    url = f"ws://127.0.0.1:{unused_tcp_port}/ws"

    with pytest.raises(SocketUnreachableError, match=f"'{url}' does not answer"):
        await Client(url).__aenter__()


@pytest.mark.parametrize("url", ["127.0.0.1:8000/ws", "ftp://example.com/", ""])
async def test_what_is_no_address(url: str) -> None:
    with pytest.raises(SocketRefusedError):
        await Client(url).__aenter__()


async def test_a_server_of_something_else() -> None:
    async def echo(server: Server) -> None:
        await server.socket.send(await server.socket.recv())
        await server.socket.send("Hello")
        await server.stays()

    async with serving(echo) as url, Client(url) as source:
        with pytest.raises(SocketRefusedError, match="an invalid message"):
            await source.subscribe("orders")


async def test_a_room_that_is_refused_leaves_the_others_alone() -> None:
    async def first(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.hears(type="subscribe", room="vault")
        await server.says(type="error", room="vault", code="forbidden", detail="Not for you.")
        await server.breaks()

    async def second(server: Server) -> None:
        await server.lets_in("1-0", at="1-0")
        await server.events("2-0")
        await server.stays()

    async with serving(first, second) as url, Client(url) as source:
        await source.subscribe("orders")
        with pytest.raises(MessageRefusedError, match=r"'vault' - Not for you\.") as refusal:
            await source.subscribe("vault")
        assert refusal.value.code == "forbidden"
        assert await take(source, 1) == ["2-0"]


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


def test_delays_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BASE_DELAY", 0.5)
    tries = {failures: [client._delay(failures) for _ in range(300)] for failures in (0, 3, 50)}

    assert max(tries[0]) <= 0.5
    assert 2 < max(tries[3]) <= 4
    assert 20 < max(tries[50]) <= client.MAX_DELAY
    assert all(len(set(delays)) > 250 for delays in tries.values())


async def test_a_server_that_finds_us_too_fast_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It does not say for which room; so there is one question at a time."""
    monkeypatch.setattr(subscriptions, "PAUSE_SECONDS", 0.01)

    async def conversation(server: Server) -> None:
        await server.hears(type="subscribe", room="orders")
        await server.says(type="error", code="too_fast", detail="Wait a moment.")
        await server.lets_in(at="1-0")
        await server.lets_in(room="team", at="2-0")
        await server.stays()

    async with serving(conversation) as url, Client(url) as source:
        entered = await asyncio.gather(source.subscribe("orders"), source.subscribe("team"))
    assert list(entered) == ["1-0", "2-0"]


async def test_a_room_that_is_closed_to_us_later_is_said_once() -> None:
    async def first(server: Server) -> None:
        await server.lets_in(at="1-0")
        await server.breaks()

    async def second(server: Server) -> None:
        await server.hears(type="subscribe", room="orders", since="1-0")
        await server.says(type="error", room="orders", code="not_allowed", detail="No longer.")
        await server.breaks()

    async def third(server: Server) -> None:
        await server.lets_in(room="team", at="2-0")
        await server.events("3-0", room="team")
        await server.stays()

    async with serving(first, second, third) as url, Client(url) as source:
        await source.subscribe("orders")
        with pytest.raises(MessageRefusedError, match="'orders' - No longer"):
            await anext(source)
        await source.subscribe("team")
        assert await take(source, 1) == ["3-0"]
