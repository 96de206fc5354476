"""Clients that flood an HTTP/2 connection with frames are cut off, and cost little memory."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress

import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import hpack
import pytest

from quarterdeck.app import Quart
from quarterdeck.serving.frame_limits import (
    BURST,
    BYTES_PER_FRAME,
    PER_SECOND,
    FloodError,
    FrameLimits,
)
from tests.wire import Address, Wire, connected

from .serving_app import make_app, served
from .test_serving_memory import Process, process

pytestmark = pytest.mark.feature("AP6")

MIB = 2**20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
UNKNOWN = 0x20
END_STREAM, END_HEADERS = 0x1, 0x4
CALM = h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
PAIRS = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/")]
GET = hpack.Encoder().encode(PAIRS, huffman=False)
SLOW = hpack.Encoder().encode([*PAIRS[:3], (":path", "/slow?seconds=30")])


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    head = len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4)
    return head + payload


def request(stream: int, block: bytes = GET) -> bytes:
    return frame(HEADERS, block, flags=END_STREAM | END_HEADERS, stream=stream)


def reset(stream: int) -> bytes:
    return frame(RST_STREAM, (8).to_bytes(4), stream=stream)


async def give(wire: Wire, frames: bytes, *, times: int = 1) -> list[tuple[int, bytes]]:
    """Send as much as the server takes, reading what it sends; return its frames."""
    found: list[tuple[int, bytes]] = []

    async def read() -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await wire.reader.readexactly(9)
                found.append((head[3], await wire.reader.readexactly(int.from_bytes(head[:3]))))

    reader = asyncio.create_task(read())
    async with asyncio.timeout(30):
        with suppress(ConnectionError):
            await wire.send(PREFACE + frame(SETTINGS))
            for _ in range(times):
                if reader.done():
                    break
                await wire.send(frames)
        await reader
    return found


def goaway_of(found: list[tuple[int, bytes]]) -> int | None:
    return next((int.from_bytes(payload[4:8]) for kind, payload in found if kind == GOAWAY), None)


async def get(address: Address) -> int:
    """Ask on a connection of its own."""
    async with asyncio.timeout(5), connected(address) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await wire.read_head()
        return wire.status


# A header of 4,000 bytes in the table, and a block that names it 200,000 times.
BOMB = hpack.Encoder().encode([*PAIRS, ("x", "y" * 4000)], huffman=False)
REPEATED = GET[:-1] + bytes([0x80 | 62]) * 14_000

FLOODS = {
    "pings": frame(PING, bytes(8)) * 1000,
    "settings": frame(SETTINGS, b"\x00\x03\x00\x00\x00\x64") * 1000,
    "acknowledged settings": frame(SETTINGS, flags=1) * 1000,
    "priorities": b"".join(
        frame(PRIORITY, (0).to_bytes(4) + b"\x10", stream=2 * number + 1) for number in range(1000)
    ),
    "window updates": request(1) + frame(WINDOW, (1).to_bytes(4)) * 1000,
    "empty data": frame(HEADERS, GET, flags=END_HEADERS, stream=1) + frame(DATA, stream=1) * 1000,
    "unknown frames": frame(UNKNOWN) * 1000,
    "continuations": frame(HEADERS, GET, stream=1)
    + frame(CONTINUATION, bytes(16), stream=1) * 3000,
    "empty continuations": frame(HEADERS, GET, stream=1) + frame(CONTINUATION, stream=1) * 3000,
    "large continuations": frame(HEADERS, GET, stream=1)
    + frame(CONTINUATION, bytes(16_384), stream=1) * 100,
    "rapid resets": b"".join(request(n, SLOW) + reset(n) for n in range(1, 4001, 2)),
}
CODES = {
    "continuations": h2.errors.ErrorCodes.PROTOCOL_ERROR,  # h2 takes 64 parts
    "empty continuations": h2.errors.ErrorCodes.PROTOCOL_ERROR,
}


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with process(http2_cleartext=True, errorlog=None) as server:
        yield server


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_ends_its_connection_and_costs_little(name: str, server: Process) -> None:
    assert await get(server.address) == 200
    server.begin()

    async with connected(server.address) as wire:
        found = await give(wire, FLOODS[name], times=200)

    assert goaway_of(found) == CODES.get(name, CALM)
    assert server.growth < 8 * MIB
    assert await get(server.address) == 200


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_headers_that_unpack_to_many_times_their_size_are_refused(server: Process) -> None:
    assert await get(server.address) == 200
    server.begin()

    async with connected(server.address) as wire:
        found = await give(wire, request(1, BOMB) + request(3, REPEATED))

    assert goaway_of(found) == CALM
    assert server.growth < 8 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_frame_that_claims_to_be_huge_is_not_kept(server: Process) -> None:
    server.begin()

    async with connected(server.address) as wire:
        claim = (2**24 - 1).to_bytes(3) + bytes([DATA, 0]) + (1).to_bytes(4)
        found = await give(wire, claim + bytes(15 * MIB))

    assert goaway_of(found) == h2.errors.ErrorCodes.FRAME_SIZE_ERROR
    assert server.growth < 8 * MIB


@pytest.fixture
def app() -> Quart:
    return make_app()


async def test_rapid_resets_start_few_requests_and_none_stays(app: Quart) -> None:
    running, begun = set[int](), list[int]()

    @app.get("/wait/<int:number>")
    async def wait(number: int) -> str:
        begun.append(number)
        running.add(number)
        try:
            await asyncio.Event().wait()
        finally:
            running.discard(number)
        return ""

    encoder = hpack.Encoder()
    pairs = [encoder.encode([*PAIRS[:3], (":path", f"/wait/{n}")]) for n in range(1, 4001, 2)]
    frames = (request(2 * n + 1, pair) + reset(2 * n + 1) for n, pair in enumerate(pairs))
    async with served(app, http2_cleartext=True) as (address, _), connected(address) as wire:
        found = await give(wire, b"".join(frames))
        async with asyncio.timeout(10):
            while running:  # noqa: ASYNC110 - tasks of the server
                await asyncio.sleep(0.01)

    assert goaway_of(found) == CALM
    assert len(begun) <= BURST + 1


async def test_a_page_with_a_hundred_pictures_that_is_left_is_no_flood(app: Quart) -> None:
    """And then the next page, on the same connection."""
    client = h2.connection.H2Connection()
    client.initiate_connection()
    for stream in range(1, 200, 2):
        client.send_headers(stream, [*PAIRS[:3], (":path", "/slow?seconds=60")], end_stream=True)
    for stream in range(1, 200, 2):
        client.reset_stream(stream)
    client.ping(b"12345678")
    client.send_headers(201, PAIRS, end_stream=True)

    async with served(app, http2_cleartext=True) as (address, _), connected(address) as wire:
        assert await answer(client, wire, 201) == b"fine"


async def test_a_long_download_is_no_flood(app: Quart) -> None:
    """A client that acknowledges each frame for itself, on the stream and on the connection."""

    @app.get("/long")
    async def long() -> bytes:
        return bytes(24 * MIB)

    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(1, [*PAIRS[:3], (":path", "/long")], end_stream=True)

    async with served(app, http2_cleartext=True) as (address, _), connected(address) as wire:
        assert len(await answer(client, wire, 1)) == 24 * MIB


async def answer(client: h2.connection.H2Connection, wire: Wire, stream: int) -> bytes:
    body = bytearray()
    async with asyncio.timeout(30):
        while True:
            await wire.send(client.data_to_send())
            for event in client.receive_data(await wire.reader.read(65536)):
                if isinstance(event, h2.events.DataReceived) and event.stream_id == stream:
                    body += event.data
                    if not event.data:
                        continue
                    with suppress(h2.exceptions.StreamClosedError):  # this is the last one
                        for number in (None, stream):
                            client.increment_flow_control_window(
                                event.flow_controlled_length, number
                            )
                if isinstance(event, h2.events.StreamEnded) and event.stream_id == stream:
                    return bytes(body)
                assert not isinstance(event, h2.events.ConnectionTerminated), event


# --- the counting -------------------------------------------------------------------------


def test_frames_are_counted_however_they_are_cut() -> None:
    data = PREFACE + frame(SETTINGS, bytes(6)) + request(1) + frame(DATA, b"x" * 500, stream=1)
    for size in (1, 2, 7, 9, 10, len(data)):
        limits = FrameLimits(16_384, 65_536)

        pieces = [data[begin : begin + size] for begin in range(0, len(data), size)]

        assert sum(limits.read(piece) for piece in pieces) == 3


def test_the_allowance_fills_up_again() -> None:
    now = 0.0
    limits = FrameLimits(16_384, 65_536, clock=lambda: now)
    limits.read(PREFACE + frame(PING, bytes(8)) * BURST)
    now = 1.0
    assert limits.read(frame(PING, bytes(8)) * PER_SECOND) == PER_SECOND
    limits.earn(18 * BYTES_PER_FRAME)
    assert limits.read(frame(WINDOW, bytes(4)) * 18) == 18
    with pytest.raises(FloodError):
        limits.read(frame(PING, bytes(8)))
