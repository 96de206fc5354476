"""WebSockets on the wire, against a client that sends whatever bytes it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import websocket
from quart.signals import websocket_received, websocket_sent
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from quarterdeck import serving
from quarterdeck.app import Quart
from tests.captured import CAPTURED
from tests.wire import ACCEPT, CLOSE, PING, PONG, TEXT, Address, connected, raw

from .served_app import served as served_by_program
from .serving_app import make_app, served


@pytest.fixture
def app() -> Quart:
    return make_app()


@pytest.fixture
async def address(app: Quart) -> AsyncIterator[Address]:
    async with served(app) as (address, _):
        yield address


def events(app: Quart) -> list[str]:
    return app.events  # type: ignore[attr-defined, no-any-return]


async def no_websocket_is_open(app: Quart) -> None:
    async with asyncio.timeout(10):
        while app.open_websockets.total:  # noqa: ASYNC110 - a counter, and nothing to wait for
            await asyncio.sleep(0.01)


# --- handshake ------------------------------------------------------------------------


@pytest.mark.feature("WS1")
async def test_the_accept_value_is_that_of_the_standard(address: Address) -> None:
    async with connected(address, "/ws/echo") as wire:
        assert wire.status == 101
        assert wire.headers["sec-websocket-accept"] == ACCEPT
        assert "sec-websocket-extensions" not in wire.headers


@pytest.mark.feature("WS1")
@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ({"Upgrade": "something"}, 400),
        ({"Content_Length": "5"}, 400),
        ({"Transfer_Encoding": "chunked"}, 400),
    ],
    ids=["version", "key", "short key", "no upgrade", "length", "chunks"],
)
async def test_what_is_no_handshake_is_refused(
    address: Address, header: dict[str, str], status: int
) -> None:
    async with connected(address, "/ws/echo", **header) as wire:
        assert wire.status == status
        if status == 426:
            assert wire.headers["sec-websocket-version"] == "13"


REFUSING = """
from quart import Quart, abort

app = Quart(__name__)


@app.websocket("/refused")
async def refused():
    abort(403)
"""


@pytest.mark.feature("WS1")
def test_a_refused_handshake_leaves_no_error_in_the_log(tmp_path: Path) -> None:
    with served_by_program(tmp_path, REFUSING) as server:
        for path, status in 4 * (("/refused", 403), ("/nowhere", 404)):
            with (
                pytest.raises(InvalidStatus) as caught,
                connect(server.url.replace("http", "ws") + path, proxy=None),
            ):
                pass
            assert caught.value.response.status_code == status
    assert "Error" not in server.log, server.log
    assert "Running on" in server.log


async def test_frames_before_the_answer_are_refused(address: Address) -> None:
    async with connected(address) as wire:
        await wire.send(
            b"GET /ws/echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n" + raw.frame(TEXT, b"early")
        )
        await wire.read_head()
        assert wire.status == 400
        await wire.ended()


# --- frames ---------------------------------------------------------------------------


@pytest.mark.feature("WS2")
@pytest.mark.parametrize("frame", CAPTURED, ids=["hello", "digits", "chinese", "memorial"])
async def test_captured_frames_come_back_as_their_text(address: Address, frame: bytes) -> None:
    async with connected(address, "/ws/echo") as wire:
        await wire.send(frame)
        assert await wire.receive() == (TEXT, CAPTURED[frame].encode())


@pytest.mark.feature("WS2")
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 2**20])
@pytest.mark.parametrize("kind", [str, bytes])
async def test_messages_of_every_length(address: Address, size: int, kind: type) -> None:
    message = "x" * size if kind is str else bytes(size)
    async with connected(address, "/ws/echo") as wire:
        await wire.message(message)
        _, payload = await wire.receive()
        assert payload == (message.encode() if isinstance(message, str) else message)


async def test_fragments_are_one_message(address: Address) -> None:
    async with connected(address, "/ws/echo") as wire:
        word = "vå".encode()
        for head, part in ((0x01, word[:2]), (0x00, word[2:]), (0x80, b"!")):
            await wire.send(_short(head, part))
        assert await wire.receive() == (TEXT, word + b"!")


def _short(head: int, payload: bytes) -> bytes:
    return bytes([head, 0x80 | len(payload)]) + b"\x00" * 4 + payload


async def test_many_fragments_are_one_message_too(address: Address) -> None:
    part = ("四" * 6).encode()
    async with connected(address, "/ws/echo") as wire:
        await wire.send(_short(0x01, b"") + _short(0x00, part) * 2500)
        await wire.send(_short(0x80 | PING, b"had them all?"))
        assert (await wire.receive())[0] == PONG
        await wire.send(_short(0x80, b"!"))
        assert await wire.receive() == (TEXT, part * 2500 + b"!")


@pytest.mark.parametrize("part", [b"", b"x"], ids=["empty", "of one byte"])
async def test_fragments_that_bring_nothing_are_1008(address: Address, part: bytes) -> None:
    """Each costs as much of the CPU as a message; 400,000 in 2.4 MB took seconds."""
    async with connected(address, "/ws/echo") as wire:
        await wire.send(_short(0x01, b"") + _short(0x00, part) * 990 + _short(0x80, b"!"))
        assert await wire.receive() == (TEXT, part * 990 + b"!")
        await wire.send(_short(0x01, b"") + _short(0x00, part) * 2000)
        assert await wire.close_code() == 1008


async def test_ping_is_answered_between_fragments(address: Address) -> None:
    async with connected(address, "/ws/echo") as wire:
        await wire.send(_short(0x01, b"a") + _short(0x80 | PING, b"there?") + _short(0x80, b"b"))
        assert await wire.receive() == (PONG, b"there?")
        assert await wire.receive() == (TEXT, b"ab")


async def test_signals_and_middleware_see_every_message(app: Quart) -> None:
    """The server hands messages to our app directly, unless something stands between them."""
    between: list[str] = []
    heard: list[Any] = []
    inner = app.asgi_app

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        async def noted_receive() -> Any:
            message = await receive()
            between.append(message["type"])
            return message

        await inner(scope, noted_receive, send)

    async def on_received(message: Any, **_: Any) -> None:
        heard.append(message)

    async def echo_once(address: Address) -> None:
        async with connected(address, "/ws/echo") as wire:
            await wire.message("a")
            assert await wire.receive() == (TEXT, b"a")
            await wire.send(_short(0x80 | CLOSE, b"\x03\xe8"))
            await wire.ended()

    async with served(app) as (address, _):
        with websocket_received.connected_to(on_received), websocket_sent.connected_to(on_received):
            await echo_once(address)
        assert heard == ["a", "a"]
        app.asgi_app = middleware  # type: ignore[method-assign]
        await echo_once(address)
        await no_websocket_is_open(app)
    assert between == ["websocket.connect", "websocket.receive", "websocket.disconnect"]


@pytest.mark.parametrize("receivers", [1, 3])
async def test_several_tasks_of_a_handler_may_receive(receivers: int) -> None:
    """Each message goes to one of them, also if one is cancelled while it waits."""
    app = Quart(__name__)
    seen: list[str] = []

    @app.websocket("/")
    async def handler() -> None:
        async def take() -> None:
            while True:
                seen.append(str(await websocket.receive()))

        await websocket.accept()
        tasks = [asyncio.create_task(take()) for _ in range(receivers + 1)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async with served(app) as (address, _), connected(address, "/") as wire:
        for number in range(20):
            await wire.message(str(number))
        await wire.send(_short(0x80 | CLOSE, b"\x03\xe8"))
        assert await wire.close_code() == 1000
        await no_websocket_is_open(app)
    assert sorted(seen, key=int) == [str(number) for number in range(20)]


# --- codes ----------------------------------------------------------------------------


@pytest.mark.hazard("protocol errors send no 1002 and no 1007")
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x05hello", 1002),
        (_short(0xC1, b"x"), 1002),
        (_short(0x83, b"x"), 1002),
        (_short(0x80, b"x"), 1002),
        (_short(0x09, b"x"), 1002),
        (_short(0x81, b"\xff"), 1007),
        (_short(0x01, b"\xc3") + _short(0x80, b"("), 1007),
    ],
    ids=["unmasked", "reserved bit", "opcode", "continuation", "ping part", "UTF-8", "UTF-8 parts"],
)
async def test_errors_of_the_protocol_have_their_codes(
    address: Address, app: Quart, frame: bytes, code: int
) -> None:
    async with connected(address, "/ws/echo") as wire:
        await wire.send(frame)
        assert await wire.close_code() == code
        await wire.ended()
    await no_websocket_is_open(app)


@pytest.mark.parametrize(("sent", "answered"), [(b"\x03\xe8", 1000), (b"\x11\x30", 4400), (b"", 0)])
async def test_a_close_is_answered_with_its_code(
    address: Address, app: Quart, sent: bytes, answered: int
) -> None:
    async with connected(address, "/ws/echo") as wire:
        await wire.send(_short(0x80 | CLOSE, sent))
        assert await wire.close_code() == answered
        await wire.ended()
    assert events(app) == ["handler ended"]


@pytest.mark.hazard("the client's clean close cancels the handler with messages queued")
async def test_messages_before_a_close_come_back_before_it_ends(address: Address) -> None:
    """On the wire the answers cannot follow the close frame, so the handler is asked."""
    seen: list[str] = []
    app = Quart(__name__)

    @app.websocket("/")
    async def handler() -> None:
        while True:
            seen.append(str(await websocket.receive()))
            await asyncio.sleep(0)

    async with served(app) as (other, _), connected(other, "/") as wire:
        messages = b"".join(_short(0x81, b"%d" % number) for number in range(200))
        await wire.send(messages + _short(0x80 | CLOSE, b"\x03\xe8"))
        assert await wire.close_code() == 1000
        await wire.ended()
        await no_websocket_is_open(app)

    assert seen == [str(number) for number in range(200)]


# --- limits ---------------------------------------------------------------------------


@pytest.mark.hazard("after close 1009 the connection goes on reading and storing")
async def test_a_message_that_is_too_large_is_1009(address: Address) -> None:
    async with connected(address, "/ws/echo") as wire:
        await wire.message(bytes(2**20 + 1))
        assert await wire.close_code() == 1009
        await wire.message("more")  # goes nowhere
        await wire.ended()


async def test_the_size_counts_bytes_not_characters() -> None:
    keys = {"websocket_max_message_size": 10}
    async with served(make_app(), **keys) as (address, _), connected(address, "/ws/echo") as wire:
        await wire.message("四四四")
        assert await wire.receive() == (TEXT, "四四四".encode())
        await wire.message("四四四四")
        assert await wire.close_code() == 1009


@pytest.mark.parametrize(
    ("key", "status"),
    [("WEBSOCKET_MAX_CONNECTIONS", 503), ("WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS", 429)],
)
async def test_one_too_many_is_told_when_to_come_again(key: str, status: int) -> None:
    app = make_app(**{key: 1})
    async with served(app) as (address, _):
        async with connected(address, "/ws/echo"), connected(address, "/ws/echo") as late:
            assert (late.status, late.headers["retry-after"]) == (status, "10")
            await late.ended()
        await no_websocket_is_open(app)
        async with connected(address, "/ws/echo") as again:
            assert again.status == 101


async def test_each_path_has_a_budget_of_its_own() -> None:
    """Or strangers could use up the WebSockets of those who are signed in."""
    app = make_app(WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS=1)
    async with (
        served(app) as (address, _),
        connected(address, "/ws/echo") as one,
        connected(address, "/ws/deaf") as other,
        connected(address, "/ws/echo") as late,
    ):
        assert (one.status, other.status, late.status) == (101, 101, 429)


@pytest.mark.hazard("a vanished client is not noticed")
async def test_a_client_that_does_not_answer_pings_is_gone(app: Quart) -> None:
    keys = {"websocket_ping_interval": 0.1, "websocket_pong_timeout": 0.1}
    async with served(app, **keys) as (address, _), connected(address, "/ws/echo") as wire:
        assert (await wire.receive())[0] == PING
        await wire.ended()
        await no_websocket_is_open(app)
    assert events(app)[0] == "handler ended"


async def test_by_default_that_takes_forty_seconds() -> None:
    config = serving.Config()
    assert (config.websocket_ping_interval, config.websocket_pong_timeout) == (20, 20)


async def test_a_client_that_answers_pings_stays(app: Quart) -> None:
    """For longer than one that does not answer might."""
    keys = {"websocket_ping_interval": 0.1, "websocket_pong_timeout": 2.0}
    async with served(app, **keys) as (address, _), connected(address, "/ws/echo") as wire:
        for _ in range(25):
            opcode, payload = await wire.receive()
            assert opcode == PING
            await wire.send(_short(0x80 | PONG, payload))
        await wire.message("still here")
        while (await wire.receive()) != (TEXT, b"still here"):
            pass


@pytest.mark.hazard("a slow reader blocks its sender for ever")
async def test_a_reader_that_stalls_is_dropped(app: Quart) -> None:
    async with served(app, write_timeout=0.2) as (address, _), connected(address, "/ws/flood"):
        await no_websocket_is_open_after_one(app)
    assert events(app)[0] == "handler ended"


async def no_websocket_is_open_after_one(app: Quart) -> None:
    while not app.open_websockets.total:  # noqa: ASYNC110 - a counter, and nothing to wait for
        await asyncio.sleep(0.01)
    await no_websocket_is_open(app)


async def test_a_reader_that_is_slow_but_reads_is_not() -> None:
    app = make_app()
    async with served(app, write_timeout=2.0) as (address, _):
        async with connected(address, "/ws/flood") as wire:
            for _ in range(25):
                await asyncio.sleep(0.1)
                for _ in range(20):
                    await wire.receive()
        assert events(app) == []
