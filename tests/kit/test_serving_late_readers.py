"""Clients that read late, leave within a response, or send a body late: nothing is lost or kept."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest
from quart import websocket

from quarterdeck import serving
from quarterdeck.app import Quart
from quarterdeck.serving import client_protocol
from tests.wire import KEY, Address, connected

from .serving_app import make_app, served

pytestmark = pytest.mark.feature("AP6")

MIB = 2**20
GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % KEY.encode()
)
RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: a close sends RST


@pytest.fixture(params=["httptools", "h11"], autouse=True)
def http1(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.Config, "http1", request.param)


async def test_the_body_of_a_request_that_waits_may_come_later() -> None:
    head = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    async with served(make_app()) as (address, _), connected(address) as wire:
        await wire.send(GET % b"/slow?seconds=0.05" + head)
        await wire.read_head()
        assert await wire.reader.readexactly(13) == b"late but fine"
        await wire.send(b"hello")
        await wire.read_head()
        assert await wire.reader.readexactly(1) == b"5"


async def test_requests_that_wait_are_not_counted_before_their_turn() -> None:
    """Or fewer than ``keep_alive_max_requests`` are answered, and the others lost."""
    async with (
        served(make_app(), keep_alive_max_requests=20) as (address, _),
        connected(address) as wire,
    ):
        await wire.send(GET % b"/" * 60)
        async with asyncio.timeout(20):
            assert (await wire.reader.read()).count(b"fine") == 20


async def test_an_app_is_told_of_an_invalid_body_that_it_has_not_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_protocol, "LINGER_SECONDS", 0.1)  # h11 tells it after that
    found = asyncio.get_running_loop().create_future()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        try:
            found.set_result(await receive())
        except Exception as error:
            found.set_exception(error)

    head = (
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    async with served(app) as (address, _), connected(address) as wire:  # type: ignore[arg-type]
        await wire.send(head + b"no chunk\r\n")
        async with asyncio.timeout(20):
            assert await found == {"type": "http.disconnect"}


# --- large responses --------------------------------------------------------------------


def large_app(size: int) -> Quart:
    app = make_app()

    @app.get("/large")
    async def large() -> bytes:
        app.events.append("large")  # type: ignore[attr-defined]
        return bytes(size)

    return app


async def test_responses_that_are_not_read_hold_up_the_requests_behind_them() -> None:
    count = 80
    app = large_app(MIB)
    begun: list[str] = app.events  # type: ignore[attr-defined]
    async with served(app) as (address, _), connected(address) as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await wire.send(GET % b"/large" * count)
        async with connected(address) as other:
            for _ in range(4 * count):  # each takes several turns of the loop
                await other.send(GET % b"/")
                await other.read_head()
                await other.reader.readexactly(4)
        assert len(begun) < count / 2  # what the buffers of the system hold
        wire.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(count):
            await wire.read_head()
            assert len(await wire.reader.readexactly(MIB)) == MIB
    assert begun.count("large") == count


async def read_slowly(address: Address, connection: bytes, size: int) -> int:
    request = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: %s\r\n\r\n" % connection
    async with connected(address) as wire:
        await wire.send(request)
        await wire.read_head()
        got = 0
        while got < size and (piece := await wire.reader.read(MIB)):
            got += len(piece)
            await asyncio.sleep(len(piece) / size)  # about a second for all of it
        return got


async def test_a_response_that_is_read_slowly_is_not_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_protocol, "LINGER_SECONDS", 0.1)
    size = 24 * MIB  # much more than the buffers of the system
    async with served(large_app(size), keep_alive_timeout=0.1) as (address, _):
        kinds = (b"close", b"keep-alive")
        found = await asyncio.gather(*(read_slowly(address, kind, size) for kind in kinds))
    assert found == [size, size]


# --- clients that leave -----------------------------------------------------------------


@pytest.mark.parametrize("request_", [GET % b"/", HANDSHAKE], ids=["response", "websocket"])
async def test_a_reset_stops_an_app_that_sends_without_a_pause(request_: bytes) -> None:
    """Or it would never learn of it, and nothing else would be served meanwhile."""
    most = 20_000
    client = socket.socket()
    ended = asyncio.get_running_loop().create_future()
    is_websocket = request_ is HANDSHAKE

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await receive()
        if is_websocket:
            await send({"type": "websocket.accept"})
            piece: dict[str, Any] = {"type": "websocket.send", "bytes": b"x"}
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            piece = {"type": "http.response.body", "body": b"x", "more_body": True}
        await send(piece)
        leaving = asyncio.create_task(receive())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
        sent = 0
        while not leaving.done() and sent < most:
            await send(piece)
            sent += 1
        ended.set_result(sent)

    async with served(app) as (address, _):  # type: ignore[arg-type]
        client.connect(address)
        client.sendall(request_)
        async with asyncio.timeout(20):
            assert await ended < most


# --- the end of a WebSocket -------------------------------------------------------------


@pytest.mark.parametrize(("code", "reason"), [(70_000, ""), (1000, "\ud800")])
async def test_a_close_that_cannot_be_sent_is_an_error_of_the_app(code: int, reason: str) -> None:
    """The client is told so, instead of a connection that stays open and does nothing."""
    app = Quart(__name__)

    @app.websocket("/ws")
    async def close() -> None:
        await websocket.accept()
        await websocket.close(code, reason)

    async with served(app) as (address, _), connected(address, "/ws") as wire:
        assert await wire.close_code() == 1011
        await wire.ended()


async def test_bytes_of_the_client_do_not_cut_a_refusal_in_two() -> None:
    may_end = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        start = {"type": "websocket.http.response.start", "status": 403}
        part = {"type": "websocket.http.response.body", "body": b"one", "more_body": True}
        await send(start | {"headers": [(b"content-length", b"6")]})
        await send(part)
        await may_end.wait()
        await send(part | {"body": b"two", "more_body": False})

    async with served(app) as (address, _), connected(address, "/ws") as wire:  # type: ignore[arg-type]
        assert wire.status == 403
        assert await wire.reader.readexactly(3) == b"one"
        await wire.send(b"hello")
        async with connected(address) as other:  # when this is answered, the bytes have arrived
            await other.send(HANDSHAKE)
            await other.read_head()
        may_end.set()
        async with asyncio.timeout(20):
            assert await wire.reader.read() == b"two"
