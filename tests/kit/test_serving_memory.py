"""What bad clients cost a server: memory of its process, and the time of the others."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.wire import (
    BINARY,
    PING,
    TEXT,
    Address,
    Wire,
    connected,
    forget_peak,
    masked,
    peak_memory,
    raw,
)

pytestmark = [
    pytest.mark.feature("WS3"),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

MIB = 2**20
FLOOD = 200 * MIB


class Process:
    """A server in a process of its own."""

    def __init__(self, pid: int, address: Address) -> None:
        self.pid = pid
        self.address = address
        self._before = 0

    def begin(self) -> None:
        self._before = forget_peak(self.pid)

    @property
    def growth(self) -> int:
        """Bytes that it held at most beyond those of the beginning."""
        return peak_memory(self.pid) - self._before


@contextmanager
def process(**keys: Any) -> Iterator[Process]:
    command = [sys.executable, "-m", "tests.kit.serving_app", json.dumps(keys)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            host, port = json.loads(child.stdout.readline())
            yield Process(child.pid, (host, port))
        finally:
            child.kill()


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with process(write_timeout=2) as server:
        yield server


async def longest_round_trip(
    address: Address, until: asyncio.Event, begun: asyncio.Event | None = None
) -> float:
    """Echo on another connection meanwhile; return the longest time that took."""
    longest = 0.0
    async with connected(address, "/ws/echo") as wire:
        while not until.is_set():
            sent = time.perf_counter()
            await wire.message("are you there")
            await wire.receive()
            longest = max(longest, time.perf_counter() - sent)
            if begun:
                begun.set()
            await asyncio.sleep(0.01)
    return longest


async def pour(wire: Wire, piece: bytes, until: asyncio.Task[int] | None = None) -> int:
    """Send the piece over and over; return the bytes taken until the server takes no more."""
    taken = 0
    while taken < FLOOD and not (until and until.done()):
        wire.writer.write(piece)
        try:
            async with asyncio.timeout(1):
                await wire.writer.drain()
        except (TimeoutError, ConnectionError):
            break
        taken += len(piece)
        await asyncio.sleep(0)  # what is written at once lets nobody else read
    return taken


async def pour_on(wire: Wire, piece: bytes) -> None:
    """Send the piece until the connection ends."""
    while True:
        wire.writer.write(piece)
        await wire.writer.drain()
        await asyncio.sleep(0)


async def pour_until_closed(wire: Wire, piece: bytes) -> int:
    """Return the close code that a client gets which reads while it pours."""
    closed = asyncio.create_task(wire.close_code())
    assert await pour(wire, piece, until=closed) < FLOOD
    return await closed


@pytest.mark.hazard("400 MB sent to a handler that does not receive = 400 MB of memory")
@pytest.mark.parametrize("size", [10, 60_000])
async def test_a_flood_is_held_back(server: Process, size: int) -> None:
    server.begin()
    piece = raw.frame(BINARY, bytes(size)) * max(1, 100_000 // size)
    async with connected(server.address, "/ws/deaf") as wire:
        taken = await pour(wire, piece)

    assert taken < 40 * MIB  # the sockets of both sides take some
    assert server.growth < 12 * MIB


@pytest.mark.hazard("a slow reader blocks its sender for ever")
@pytest.mark.parametrize(
    "frame",
    [raw.frame(BINARY, bytes(60_000)), raw.frame(PING, bytes(100)) * 600],
    ids=["messages", "pings"],
)
async def test_a_client_that_sends_and_never_reads_is_dropped(
    server: Process, frame: bytes
) -> None:
    server.begin()
    async with connected(server.address, "/ws/echo") as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionError):  # after write_timeout, however fast it pours
            await asyncio.wait_for(pour_on(wire, frame), 10)
    assert server.growth < 12 * MIB

    assert server.growth < 12 * MIB


@pytest.mark.hazard("unfinished fragments are stored")
@pytest.mark.parametrize("head", [0x01, 0x02], ids=["text", "binary"])
async def test_fragments_without_end_are_1009_and_not_kept(server: Process, head: int) -> None:
    server.begin()
    part = b"x" * 60_000
    async with connected(server.address, "/ws/echo") as wire:
        await wire.send(masked(head, b"x" * 70_000))  # and more to follow
        assert await pour_until_closed(wire, b"\x00" + raw.frame(0, part)[1:]) == 1009

    assert server.growth < 12 * MIB


async def test_a_storm_of_tiny_frames_stalls_nobody(server: Process) -> None:
    server.begin()
    over = asyncio.Event()
    meanwhile = asyncio.create_task(longest_round_trip(server.address, over))
    async with connected(server.address, "/ws/echo") as wire:
        await wire.send(_middle(0x01, b""))
        storm = _middle(0x00, b"as small as it may be") * 10_000
        for _ in range(4):
            await wire.send(storm)
        await wire.send(_middle(0x80, b""))
        assert await wire.receive() == (TEXT, b"as small as it may be" * 40_000)
    over.set()

    assert await meanwhile < 1
    assert server.growth < 12 * MIB


async def test_a_frame_that_claims_to_be_huge_is_1009_and_not_kept(server: Process) -> None:
    server.begin()
    async with connected(server.address, "/ws/echo") as wire:
        await wire.send(masked(0x82, b"", size=2**40))
        assert await pour_until_closed(wire, bytes(60_000)) == 1009

    assert server.growth < 12 * MIB


def bomb(size: int) -> bytes:
    """Return one compressed text frame, a thousandth of its size."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(deflate.compress(bytes(MIB)) for _ in range(size // MIB))
    return masked(0xC1, data + deflate.flush(zlib.Z_SYNC_FLUSH)[:-4])


@pytest.mark.hazard("a compressed bomb: 398 KB became 400 MB, the loop stalled 1.9 s")
@pytest.mark.parametrize(
    ("offered", "code"), [(False, 1002), (True, 1009)], ids=["not offered", "offered"]
)
async def test_a_bomb_costs_neither_memory_nor_a_stall(offered: bool, code: int) -> None:
    explosive = bomb(400 * MIB)
    assert len(explosive) < 420_000
    with process(websocket_deflate=offered) as server:
        begun, over = asyncio.Event(), asyncio.Event()
        meanwhile = asyncio.create_task(longest_round_trip(server.address, over, begun))
        await begun.wait()
        server.begin()
        offer = {"Sec_WebSocket_Extensions": "permessage-deflate"}
        async with connected(server.address, "/ws/echo", **offer) as wire:
            assert ("sec-websocket-extensions" in wire.headers) is offered
            await wire.send(explosive)
            assert await wire.close_code() == code
        over.set()

        assert server.growth < 12 * MIB
        assert await meanwhile < 0.5


async def test_deflated_messages_come_back_where_that_is_offered() -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflate.compress(b"hello " * 1000) + deflate.flush(zlib.Z_SYNC_FLUSH)[:-4]
    with process(websocket_deflate=True) as server:
        offer = {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"}
        async with connected(server.address, "/ws/echo", **offer) as wire:
            for _ in range(2):
                await wire.send(masked(0xC1, data) if len(data) > 65535 else _middle(0xC1, data))
                opcode, payload = await wire.receive()
                inflate = zlib.decompressobj(-15)
                assert opcode == TEXT
                assert inflate.decompress(payload + b"\0\0\xff\xff") == b"hello " * 1000


def _middle(head: int, payload: bytes) -> bytes:
    assert len(payload) <= 125
    return bytes([head, 0x80 | len(payload)]) + b"\x00" * 4 + payload
