"""A WebSocket client of a few dozen lines that does no more than it is told: not even read."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec

TEXT, CLOSE = 0x1, 0x8


class RawSocket:
    """One connection; what was read and not yet asked for is kept in ``_bytes``."""

    pause = 0.0  # between reads, for many clients in one process: they take more at once

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._bytes = b""

    @classmethod
    async def connect(cls, port: int, path: str, *, buffer: int | None = None) -> RawSocket:
        """Shake hands; with a small ``buffer`` the server soon feels that nobody reads."""
        loop = asyncio.get_running_loop()
        connection = socket.socket()
        connection.setblocking(False)
        if buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        raw = cls(connection)
        key = base64.b64encode(os.urandom(16)).decode()
        await raw._write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in raw._bytes:
            await raw._read()
        head, raw._bytes = raw._bytes.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101"), head
        return raw

    async def send(self, **message: Any) -> None:
        """Send a JSON message of less than 126 bytes."""
        data = msgspec.json.encode(message)
        mask = b"\0\0\0\0"  # masked, as clients must, with zeros
        await self._write(bytes([0x80 | TEXT, 0x80 | len(data)]) + mask + data)

    async def frames(self) -> AsyncIterator[tuple[int, bytes]]:
        """Read frames, unmasked and whole as our servers send them, until the end."""
        while True:
            while (frame := self._take()) is not None:
                yield frame
            if not await self._read():
                return
            await asyncio.sleep(self.pause)

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """Read JSON messages; a close ends them."""
        async for opcode, payload in self.frames():
            if opcode == CLOSE:
                return
            yield msgspec.json.decode(payload)

    def close(self) -> None:
        """Go away without a word."""
        self._socket.close()

    def _take(self) -> tuple[int, bytes] | None:
        data = self._bytes
        if len(data) < 2:
            return None
        length, start = data[1], 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(data[2:start])
        if len(data) < start + length:
            return None
        self._bytes = data[start + length :]
        return data[0] & 0x0F, data[start : start + length]

    async def _read(self) -> bool:
        received = await asyncio.get_running_loop().sock_recv(self._socket, 1 << 16)
        self._bytes += received
        return bool(received)

    async def _write(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)
