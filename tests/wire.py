"""A WebSocket client that can misbehave: it sends the bytes it is told to."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.modules import load

EXAMPLE = Path(__file__).parents[1] / "examples" / "by_hand" / "websocket_client.py"
raw: Any = load(EXAMPLE, "websocket_client")

TEXT, BINARY, CLOSE, PING, PONG = raw.TEXT, raw.BINARY, raw.CLOSE, raw.PING, raw.PONG
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455, where the answer is also written down
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SECONDS = 20.0

Address = tuple[str, int]


class Wire:
    """One connection, after or instead of a handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}

    async def handshake(self, path: str, **more: str) -> None:
        """Send a handshake; ``more`` are headers, or replace those of the handshake."""
        headers = {
            "Host": "localhost",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": KEY,
            "Sec-WebSocket-Version": "13",
        } | {name.replace("_", "-"): value for name, value in more.items()}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        await self.read_head()

    async def read_head(self) -> None:
        async with asyncio.timeout(SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        self.status = int(first.split()[1])
        pairs = (line.split(": ", 1) for line in lines)
        self.headers = {name.lower(): value for name, value in pairs}

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def message(self, payload: str | bytes) -> None:
        if isinstance(payload, str):
            await self.send(raw.frame(TEXT, payload.encode()))
        else:
            await self.send(raw.frame(BINARY, payload))

    async def receive(self) -> tuple[int, bytes]:
        """Return the next frame."""
        async with asyncio.timeout(SECONDS):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(size)

    async def close_code(self) -> int:
        """Skip what comes before the close frame and return its code."""
        while True:
            opcode, payload = await self.receive()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2])

    async def ended(self) -> None:
        """Wait until the server has closed its side, or reset the connection."""
        async with asyncio.timeout(SECONDS):
            with suppress(ConnectionError):
                await self.reader.read()


def masked(head: int, payload: bytes, *, size: int | None = None) -> bytes:
    """Return a frame with this first byte, and with a size that may be a lie."""
    data = b"\x00" * 4 + payload  # a mask of zeros changes nothing
    return struct.pack("!BBQ", head, 0x80 | 127, len(payload) if size is None else size) + data


@asynccontextmanager
async def connected(address: Address, path: str | None = None, **more: str) -> AsyncIterator[Wire]:
    """Connect, and shake hands if there is a path."""
    reader, writer = await asyncio.open_connection(*address)
    wire = Wire(reader, writer)
    try:
        if path is not None:
            await wire.handshake(path, **more)
        yield wire
    finally:
        writer.transport.abort()


def peak_memory(pid: int) -> int:
    """Return the most memory in bytes that a process held since ``forget_peak``."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) * 1024


def forget_peak(pid: int) -> int:
    """Begin to measure anew; returns what the process holds now."""
    fd = os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY)
    os.write(fd, b"5")
    os.close(fd)
    return peak_memory(pid)
