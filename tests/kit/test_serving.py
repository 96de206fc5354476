"""The server of one process: how it stops, what it refuses, what it writes."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from pathlib import Path

import h2.connection
import h2.events
import pytest

from quarterdeck import serving
from quarterdeck.app import Quart
from quarterdeck.serving.client_protocol import ClientProtocol
from quarterdeck.serving.error_responses import error_response
from tests.wire import Address, Wire, connected

from .serving_app import make_app, served

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(params=["httptools", "h11"], autouse=True)
def http1(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The parser: both have to pass every test."""
    monkeypatch.setattr(serving.Config, "http1", request.param)
    return str(request.param)


@pytest.fixture
def app() -> Quart:
    return make_app()


def events(app: Quart) -> list[str]:
    return app.events  # type: ignore[attr-defined, no-any-return]


def started(app: Quart) -> asyncio.Event:
    return app.started  # type: ignore[attr-defined, no-any-return]


async def body(wire: Wire) -> bytes:
    async with asyncio.timeout(10):
        return await wire.reader.readexactly(int(wire.headers["content-length"]))


async def no_connections() -> None:
    """Wait until the server has no connection."""
    async with asyncio.timeout(10):
        while any("_connected" in repr(task) for task in asyncio.all_tasks()) or any(  # noqa: ASYNC110
            each in each.server.connections
            for each in gc.get_objects()
            if isinstance(each, ClientProtocol)
        ):
            await asyncio.sleep(0.02)


# --- stopping -------------------------------------------------------------------------


@pytest.mark.feature("WS3")
@pytest.mark.hazard("one open WebSocket makes SIGTERM hang")
async def test_websockets_are_closed_with_1012_and_end_before_after_serving(app: Quart) -> None:
    async with (
        served(app) as (address, stop),
        connected(address, "/ws/echo") as one,
        connected(address, "/ws/deaf") as two,
    ):
        stop.set()
        assert await one.close_code() == 1012
        assert await two.close_code() == 1012
        await one.ended()
        await two.ended()

    assert events(app) == ["handler ended", "handler ended", "after serving"]


@pytest.mark.hazard("requests under way are lost at SIGTERM")
async def test_requests_under_way_are_answered(app: Quart) -> None:
    async with served(app) as (address, stop), connected(address) as wire:
        await wire.send(GET % b"/slow")
        await started(app).wait()
        stop.set()
        await wire.read_head()
        assert (wire.status, await body(wire)) == (200, b"late but fine")

    assert events(app) == ["answered", "after serving"]


async def test_idle_connections_do_not_hold_the_stop_up(app: Quart) -> None:
    async with (
        asyncio.timeout(20),
        served(app, graceful_timeout=40) as (address, stop),
        connected(address) as silent,
        connected(address) as wire,
    ):
        await wire.send(GET % b"/")
        await wire.read_head()
        await body(wire)
        stop.set()
        await wire.ended()
        await silent.ended()


@pytest.mark.hazard("Python >= 3.12: graceful_timeout is ignored")
async def test_what_takes_longer_than_the_graceful_timeout_is_cancelled(app: Quart) -> None:
    async with asyncio.timeout(20):
        async with served(app, graceful_timeout=0.2) as (address, stop), connected(address) as wire:
            await wire.send(GET % b"/slow?seconds=60")
            await started(app).wait()
            stop.set()
            await wire.ended()

    assert events(app) == ["after serving"]


@pytest.mark.hazard("a download whose reader stalls hangs the stop")
async def test_a_download_that_nobody_reads_does_not_hang_the_stop(app: Quart) -> None:
    async with asyncio.timeout(20):
        async with served(app, graceful_timeout=0.2) as (address, stop), connected(address) as wire:
            await wire.send(GET % b"/endless")
            await started(app).wait()
            stop.set()

    assert events(app) == ["after serving"]


async def test_a_download_that_nobody_reads_ends_by_itself(app: Quart) -> None:
    async with served(app, write_timeout=0.2) as (address, _), connected(address) as wire:
        await wire.send(GET % b"/endless")
        await started(app).wait()
        await no_connections()


async def test_start_up_that_fails_is_an_error(app: Quart) -> None:
    @app.before_serving
    async def fails() -> None:
        raise LookupError("no such store")

    with pytest.raises(Exception, match="no such store"):
        async with served(app):
            pass


# --- requests -------------------------------------------------------------------------


async def test_an_answer_made_before_the_body_was_read_arrives(app: Quart) -> None:
    """Closing at once would reset the connection of a client that is still sending."""
    async with served(app) as (address, _), connected(address) as wire:
        await wire.send(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n")
        for _ in range(30):
            wire.writer.write(bytes(100_000))
            await asyncio.sleep(0)
        await wire.read_head()
        assert (wire.status, await body(wire)) == (413, b"too much")


@pytest.mark.hazard("app_put can wait for ever after a refused upload")
@pytest.mark.parametrize("size", [200_000, 30_000_000], ids=["small", "large"])
async def test_a_refused_upload_says_that_it_ends_the_connection_and_ends_it(
    app: Quart, size: int
) -> None:
    """A pooled client must not send its next request there, and no task may stay behind."""
    head = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
    async with served(app) as (address, _):
        async with connected(address) as wire:
            await wire.send(head + bytes(100_000))
            await wire.read_head()
            assert (wire.status, await body(wire)) == (413, b"too much")
            assert wire.headers["connection"] == "close"
            for _ in range(size // 100_000 - 1):
                await wire.send(bytes(100_000))  # stops here if the server reads no more
            await wire.ended()
        await no_connections()


async def test_json_over_its_limit_is_refused_before_the_rest_arrives(app: Quart) -> None:
    """The limit of other bodies is higher, and must not decide how much is kept."""
    app.config.update(MAX_JSON_SIZE=10_000, MAX_CONTENT_LENGTH=16_000_000)
    head = b"POST /json HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    async with served(app) as (address, _), connected(address) as wire:
        await wire.send(head + b"Content-Type: application/json\r\n\r\n")
        await wire.send(b"%x\r\n" % 10_002 + b'"' + b"x" * 10_001 + b"\r\n")
        await wire.read_head()
        assert (wire.status, wire.headers["connection"]) == (413, "close")


async def test_a_client_that_sends_on_after_its_answer_is_cut_off(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.serving.client_protocol.MAX_LINGER_SECONDS", 0.2)
    async with served(app) as (address, _), connected(address) as wire:
        await wire.send(b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        async with asyncio.timeout(10):
            with suppress(ConnectionError):
                while True:
                    await wire.send(bytes(10_000))
        await no_connections()


async def test_a_request_with_a_body_that_was_read_keeps_its_connection(app: Quart) -> None:
    async with served(app) as (address, _), connected(address) as wire:
        for _ in range(2):
            await wire.send(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
            await wire.send(b"hello")
            await wire.read_head()
            assert await body(wire) == b"5"
            assert "connection" not in wire.headers


async def test_the_last_answer_of_a_stopping_server_says_so(app: Quart) -> None:
    async with served(app) as (address, stop), connected(address) as wire:
        await wire.send(GET % b"/slow")
        await started(app).wait()
        stop.set()
        await wire.read_head()
        assert wire.headers["connection"] == "close"


@pytest.mark.hazard("Content-Length and Transfer-Encoding together are answered and kept open")
@pytest.mark.parametrize(
    "head",
    [
        b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
        b"POST /read HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked",
    ],
    ids=["length first", "length last", "HTTP/1.0"],
)
async def test_a_body_whose_end_is_ambiguous_is_refused(app: Quart, head: bytes) -> None:
    async with served(app) as (address, _), connected(address) as wire:
        await wire.send(head + b"\r\n\r\n0\r\n\r\n" + GET % b"/")
        await wire.read_head()
        assert wire.status == 400
        async with asyncio.timeout(5):
            assert b"HTTP/1.1 200" not in await wire.reader.read()


HANDSHAKE = (
    b"GET /ws/echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n\r\n"
)


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (b"GET / HTTP/9\r\n\r\n", 400, b"not valid HTTP"),
        (b"GET /half HTTP/1.1\r\nHo", 408, b"in time"),
        (HANDSHAKE, 426, b"version 13"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70_000, 431, b"too long"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, b"HTTP/1.1"),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
async def test_a_refusal_of_the_server_has_a_text(
    app: Quart, request_: bytes, status: int, reason: bytes
) -> None:
    async with served(app, read_timeout=0.3) as (address, _), connected(address) as wire:
        await wire.send(request_)
        await wire.read_head()
        text = await body(wire)
        assert wire.status == status
        assert wire.headers["connection"] == "close"
        assert text.startswith(str(status).encode())
        assert reason in text
        await wire.ended()


async def test_a_silent_client_is_not_answered(app: Quart) -> None:
    """A keep-alive connection that times out must not find an answer to its next request."""
    async with served(app, read_timeout=0.2) as (address, _), connected(address) as wire:
        async with asyncio.timeout(20):
            assert await wire.reader.read() == b""


async def test_connections_are_kept_and_idle_ones_closed(app: Quart) -> None:
    async with served(app, keep_alive_timeout=1) as (address, _), connected(address) as wire:
        for _ in range(3):
            await wire.send(GET % b"/")
            await wire.read_head()
            assert await body(wire) == b"fine"
        async with asyncio.timeout(4):  # less than the default
            await wire.ended()


async def test_half_a_request_is_not_waited_for_for_ever(app: Quart) -> None:
    async with served(app, read_timeout=0.2) as (address, _), connected(address) as wire:
        await wire.send(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Le")
        async with asyncio.timeout(20):
            await wire.ended()


async def test_a_long_answer_outlives_the_read_timeout(app: Quart) -> None:
    """The client has nothing to say while it waits."""
    async with served(app, read_timeout=0.1) as (address, _), connected(address) as wire:
        await wire.send(GET % b"/slow")
        await wire.read_head()
        assert await body(wire) == b"late but fine"


async def test_the_server_ends_after_max_requests(app: Quart) -> None:
    async with asyncio.timeout(20):
        async with served(app, max_requests=1) as (address, _):
            for _ in range(2):
                async with connected(address) as wire:
                    await wire.send(GET % b"/")
                    await wire.read_head()
                    assert wire.status == 200
            while "after serving" not in events(app):  # noqa: ASYNC110 - a list tells it
                await asyncio.sleep(0.01)


# --- HTTP/2 without TLS ---------------------------------------------------------------

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


H2_GET = [(":path", "/"), (":scheme", "http"), (":authority", "localhost")]


async def ask(address: Address, data: bytes) -> bytes:
    async with connected(address) as wire:
        await wire.send(data)
        async with asyncio.timeout(5):
            return await wire.reader.read(65536)


@pytest.mark.hazard("cleartext h2c and prior-knowledge HTTP/2 are accepted")
async def test_cleartext_http2_is_refused_unless_configured(app: Quart) -> None:
    async with served(app) as (address, _):
        assert (await ask(address, UPGRADE)).startswith(b"HTTP/1.1 200")
        assert (await ask(address, PREFACE)).startswith(b"HTTP/1.1 505")
    async with served(app, http2_cleartext=True) as (address, _):
        assert (await ask(address, UPGRADE)).startswith(b"HTTP/1.1 101")
        settings = await ask(address, PREFACE)
        assert settings[3:4] == b"\x04"
        assert b"\x00\x08\x00\x00\x00\x01" not in settings  # WebSockets need HTTP/1.1


async def test_http2_serves_requests_and_no_websockets(app: Quart) -> None:
    """WebSockets over HTTP/2 would be Hypercorn's own, which are not bounded."""
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(1, [*H2_GET, (":method", "GET")], end_stream=True)
    websocket = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        ("sec-websocket-version", "13"),
    ]
    client.send_headers(3, [websocket[0], *H2_GET, *websocket[1:]])
    seen: dict[int, list[type]] = {1: [], 3: []}
    async with served(app, http2_cleartext=True) as (address, _), connected(address) as wire:
        while h2.events.StreamEnded not in seen[1] or not seen[3]:
            await wire.send(client.data_to_send())
            async with asyncio.timeout(5):
                data = await wire.reader.read(65536)
            for event in client.receive_data(data):
                seen.get(getattr(event, "stream_id", 0) or 0, []).append(type(event))
    assert h2.events.ResponseReceived in seen[1]
    assert seen[3] == [h2.events.StreamReset]


async def test_http2_goes_on_after_a_refused_upload(app: Quart) -> None:
    """Its stream is reset; the connection serves others."""
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(1, [*H2_GET[1:], (":path", "/early"), (":method", "POST")])
    seen: list[tuple[type, int | None]] = []
    async with (
        served(app, http2_cleartext=True) as (address, _),
        connected(address) as wire,
        asyncio.timeout(10),
    ):
        while (h2.events.StreamEnded, 3) not in seen:
            if (h2.events.StreamReset, 1) not in seen:
                if client.local_flow_control_window(1) > 10_000:
                    client.send_data(1, bytes(10_000))
            elif 3 not in client.streams:
                client.send_headers(3, [*H2_GET, (":method", "GET")], end_stream=True)
            await wire.send(client.data_to_send())
            received = client.receive_data(await wire.reader.read(65536))
            seen += [(type(event), getattr(event, "stream_id", None)) for event in received]
    assert (h2.events.ResponseReceived, 1) in seen


# --- configuration --------------------------------------------------------------------


def test_a_file_of_hypercorns_is_read(tmp_path: Path) -> None:
    file = tmp_path / "hypercorn.toml"
    file.write_text("bind = ['127.0.0.1:9']\nwrite_timeout = 7\n")

    config = serving.Config.from_toml(file)

    assert (config.bind, config.write_timeout) == (["127.0.0.1:9"], 7)


def test_headers_of_every_answer_are_made_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    config = serving.Config()
    monkeypatch.setattr("quarterdeck.serving.config.time", lambda: 1_000_000_000.5)
    first = config.response_headers("h11")
    assert config.response_headers("h11") is first
    monkeypatch.setattr("quarterdeck.serving.config.time", lambda: 1_000_000_001.5)
    assert config.response_headers("h11") is not first


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (408, "408 Request Timeout. The request did not arrive in time.\n"),
        (500, "500 Internal Server Error. The application failed without an answer.\n"),
        (503, "503 Service Unavailable.\n"),
    ],
)
def test_an_error_of_the_server_is_a_line_of_text(status: int, text: str) -> None:
    headers, body = error_response(status)

    assert body.decode() == text
    assert (b"content-length", str(len(text)).encode()) in headers
    assert (b"x-content-type-options", b"nosniff") in headers
    assert dict(headers)[b"content-security-policy"].startswith(b"default-src 'none'")
