"""A way to a server that a test can cut."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial


class Proxy:
    """Passes bytes on and back, for as long as it is told to.

    Attributes:
        port: Where it listens; the same after a cut.
        swallows: Whether answers are lost: the connection ends in their place.
        swallowed: Set when an answer was lost.
        commands: All that clients have sent, in the pieces in which it came.
    """

    def __init__(self, port: int) -> None:
        self.swallows = False
        self.swallowed = asyncio.Event()
        self.commands: list[bytes] = []
        self._target = port
        self._server: asyncio.Server | None = None
        self._is_cut = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def open(self) -> None:
        self._is_cut = asyncio.Event()
        serve = partial(self._serve, self._is_cut)
        self._server = await asyncio.start_server(serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End all connections and take no new ones."""
        assert self._server is not None
        self._is_cut.set()
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(
        self, is_cut: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass on what one client sends, unless the line was cut after it was accepted.

        Such a client must not stay connected: from Python 3.12 on, ``wait_closed`` waits for it.
        """
        ends = {writer}
        self._writers |= ends
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            ends.add(back)
            self._writers |= ends
            if not is_cut.is_set():
                answers = self._pass(there, writer, answers=True)
                await asyncio.gather(self._pass(reader, back), answers)
        finally:
            self._writers -= ends
            for each in ends:
                each.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if answers and self.swallows:
                    self.swallowed.set()
                    break
                if not answers:
                    self.commands.append(data)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
