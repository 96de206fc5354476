"""The server of one process: how it stops, what it refuses, what it writes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import h2.connection
import h2.events
import pytest

from quarterdeck import serving
from quarterdeck.app import Quart
from tests.wire import Address, Wire, connected

from .serving_app import make_app, served

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


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
        asyncio.timeout(3),
        served(app) as (address, stop),
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
    async with asyncio.timeout(5):
        async with served(app, graceful_timeout=0.2) as (address, stop), connected(address) as wire:
            await wire.send(GET % b"/slow?seconds=60")
            await started(app).wait()
            stop.set()
            await wire.ended()

    assert events(app) == ["after serving"]


@pytest.mark.hazard("a download whose reader stalls hangs the stop")
async def test_a_download_that_nobody_reads_does_not_hang_the_stop(app: Quart) -> None:
    async with asyncio.timeout(5):
        async with served(app, graceful_timeout=0.2) as (address, stop), connected(address) as wire:
            await wire.send(GET % b"/endless")
            await started(app).wait()
            stop.set()

    assert events(app) == ["after serving"]


async def test_a_download_that_nobody_reads_ends_by_itself(app: Quart) -> None:
    async with served(app, write_timeout=0.2) as (address, _), connected(address) as wire:
        await wire.send(GET % b"/endless")
        await started(app).wait()
        async with asyncio.timeout(10):
            while any("_connected" in repr(task) for task in asyncio.all_tasks()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


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


async def test_connections_are_kept_and_idle_ones_closed(app: Quart) -> None:
    async with served(app, keep_alive_timeout=0.3) as (address, _), connected(address) as wire:
        for _ in range(3):
            await wire.send(GET % b"/")
            await wire.read_head()
            assert await body(wire) == b"fine"
        async with asyncio.timeout(3):
            await wire.ended()


async def test_half_a_request_is_not_waited_for_for_ever(app: Quart) -> None:
    async with served(app, read_timeout=0.2) as (address, _), connected(address) as wire:
        await wire.send(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Le")
        async with asyncio.timeout(3):
            await wire.ended()


async def test_a_long_answer_outlives_the_read_timeout(app: Quart) -> None:
    """The client has nothing to say while it waits."""
    async with served(app, read_timeout=0.1) as (address, _), connected(address) as wire:
        await wire.send(GET % b"/slow")
        await wire.read_head()
        assert await body(wire) == b"late but fine"


async def test_the_server_ends_after_max_requests(app: Quart) -> None:
    async with asyncio.timeout(5):
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
