"""``/ws/echo`` of a running ``crm serve``, in raw bytes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.captured import CAPTURED, CHINESE, HELLO
from tests.demonstration import Demonstrations
from tests.serving import server
from tests.wire import (
    ACCEPT,
    BINARY,
    EXAMPLE,
    TEXT,
    Address,
    connected,
    forget_peak,
    masked,
    peak_memory,
    raw,
)

pytestmark = pytest.mark.any_database

MIB = 2**20


@dataclass
class Served:
    """A running ``crm serve``."""

    process: subprocess.Popen[bytes]
    url: str

    @property
    def address(self) -> Address:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0


@pytest.fixture(scope="module")
def served(
    demonstrations: Demonstrations, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("crm")
    demonstrations.copy(folder)
    with server(folder) as (process, url):
        yield Served(process, url)


@pytest.mark.feature("WS1")
async def test_the_accept_value(served: Served) -> None:
    async with connected(served.address, "/ws/echo") as wire:
        assert (wire.status, wire.headers["sec-websocket-accept"]) == (101, ACCEPT)


@pytest.mark.feature("WS2")
async def test_the_captured_frames_come_back(served: Served) -> None:
    """One after the other on one connection, then all in one piece."""
    async with connected(served.address, "/ws/echo") as wire:
        for frame, text in CAPTURED.items():
            await wire.send(frame)
            assert await wire.receive() == (TEXT, text.encode())
        await wire.send(b"".join(CAPTURED))
        for text in CAPTURED.values():
            assert await wire.receive() == (TEXT, text.encode())


@pytest.mark.feature("WS2")
async def test_a_captured_frame_in_single_bytes(served: Served) -> None:
    async with connected(served.address, "/ws/echo") as wire:
        for byte in CHINESE:
            await wire.send(bytes([byte]))
            await asyncio.sleep(0)
        assert await wire.receive() == (TEXT, "最漂亮".encode())


@pytest.mark.feature("WS1", "WS2")
def test_the_raw_client_of_the_docs(served: Served) -> None:
    url = served.url.replace("http", "ws") + "/ws/echo"
    for text in ("hello", "x" * 125, "x" * 126, "最" * 30_000):
        command = [sys.executable, str(EXAMPLE), url, text]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
        )
        assert done.stdout.splitlines() == [text, "closed with 1000"]


@pytest.mark.feature("WS3")
async def test_a_page_of_another_site_may_echo(served: Served) -> None:
    async with connected(served.address, "/ws/echo", Origin="https://elsewhere.example") as wire:
        await wire.send(HELLO)
        assert await wire.receive() == (TEXT, b"hello")


@pytest.mark.feature("WS3")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_bad_clients_cost_no_memory(served: Served) -> None:
    """All at once; the same one by one, with figures, in ``test_serving_memory.py``."""
    pid = served.process.pid
    before = forget_peak(pid)

    async def sends(frame: bytes, code: int) -> None:
        async with connected(served.address, "/ws/echo") as wire:
            closed = asyncio.create_task(wire.close_code())
            for _ in range(1000):
                wire.writer.write(frame)
                try:
                    await wire.writer.drain()
                except ConnectionError:
                    break
                await asyncio.sleep(0)
                if closed.done():
                    break
            assert await closed == code

    part = raw.frame(0, bytes(60_000))[1:]
    first = masked(0x02, bytes(70_000))
    await asyncio.gather(
        sends(raw.frame(BINARY, bytes(MIB + 1)), 1009),
        sends(masked(0x82, bytes(60_000), size=2**40), 1009),
        sends(masked(0xC1, bytes(400_000)), 1002),
        _fragments(served.address, first, b"\x00" + part),
    )

    assert peak_memory(pid) - before < 24 * MIB


async def _fragments(address: Address, first: bytes, more: bytes) -> None:
    async with connected(address, "/ws/echo") as wire:
        await wire.send(first)
        for _ in range(30):
            await wire.send(more)
        assert await wire.close_code() == 1009


@pytest.mark.feature("WS3")
async def test_a_server_that_stops_says_so(served: Served) -> None:
    """The last test here: it stops the server that the others use."""
    async with connected(served.address, "/ws/echo") as wire:
        await wire.message("hello")
        await wire.receive()
        served.process.terminate()
        assert await wire.close_code() == 1012
        await wire.ended()
    assert await asyncio.to_thread(served.process.wait, 20) == 0
