"""The client of programs when a connection, a room or a message is refused."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from quarterdeck.exceptions import (
    MessageRefusedError,
    NotAllowedError,
    NotSignedInError,
    SocketClientError,
    SocketRefusedError,
    SocketUnreachableError,
)
from quarterdeck.sockets.client import Client, client, subscriptions

from .sockets_client_server import Server, serving, take

pytestmark = pytest.mark.feature("WS3")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BASE_DELAY", 0.001)


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
