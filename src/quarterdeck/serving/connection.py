"""One TCP connection: reads and writes that end in time, whatever the client does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ssl import SSLError
from typing import Any

from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from .config import Config
from .events import Abort, Finish
from .protocol import Protocol
from .websocket import RESTARTING

#: Seconds that a client has to close its side once we have closed ours.
LINGER_SECONDS = 3.0


class IdleTimer:
    """Calls ``action`` after so many seconds of idleness; in the form of Hypercorn's task."""

    def __init__(self, seconds: float, action: Callable[[], None]) -> None:
        self._seconds = seconds
        self._action = action
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        return self._handle is not None

    def start(self) -> None:
        self.cancel()
        self._handle = asyncio.get_running_loop().call_later(self._seconds, self._action)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class Connection(TCPServer):
    """One connection of Hypercorn's with our protocols on it."""

    config: Config
    protocol: Protocol  # type: ignore[assignment]  # takes the place of Hypercorn's

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.transport = self.writer.transport
        self._idle = IdleTimer(self.config.keep_alive_timeout, self._leave)
        self._linger: asyncio.TimerHandle | None = None
        self._finishing = False

    async def run(self) -> None:
        """Serve the client until one of both has had enough."""
        try:
            async with TaskGroup(self.loop) as task_group:
                self._task_group = task_group
                self.protocol = self._create_protocol()
                try:
                    await self.protocol.initiate()
                    self._idle.start()
                    await self._read_data()
                finally:
                    self._idle.cancel()
                    if self.protocol.websocket is not None:
                        self.protocol.websocket.abandon()
        except OSError:
            pass
        finally:
            await self._close()

    def _create_protocol(self) -> Protocol:
        socket = self.writer.get_extra_info("socket")
        ssl_object = self.writer.get_extra_info("ssl_object")
        alpn = ssl_object.selected_alpn_protocol() if ssl_object else None
        return Protocol(
            self.app,
            self.config,
            self.context,
            self._task_group,
            ConnectionState(self.state),
            ssl_object is not None,
            parse_socket_addr(socket.family, socket.getpeername()),
            parse_socket_addr(socket.family, socket.getsockname()),
            self.protocol_send,
            alpn_protocol=alpn or "http/1.1",
        )

    async def protocol_send(self, event: Event) -> None:
        """Do what the protocol asks for."""
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Updated):
            self._became_idle() if event.idle else self._idle.cancel()
        elif isinstance(event, Abort):
            self.transport.abort()
        elif isinstance(event, Closed | Finish):
            self._finish()

    # --- reading ------------------------------------------------------------------

    async def _read_data(self) -> None:
        while not self.reader.at_eof():
            try:
                async with asyncio.timeout(self.config.read_timeout):
                    data = await self.reader.read(MAX_RECV)
            except TimeoutError:
                if self.protocol.expects_data:
                    break
            except (OSError, SSLError):
                break
            else:
                if not self._finishing:
                    await self.protocol.handle(RawData(data))
        await self.protocol.handle(Closed())

    # --- writing ------------------------------------------------------------------

    async def _write(self, data: bytes) -> None:
        async with self.send_lock:
            if self.transport.is_closing():
                await asyncio.sleep(0)  # who sends in a loop must come to hear of it
                return
            try:
                self.writer.write(data)
                if self.transport.get_write_buffer_size():
                    await self._drain()
            except (OSError, RuntimeError):
                await self.protocol.handle(Closed())

    async def _drain(self) -> None:
        """Wait for the client to take what it was sent, as long as it takes anything."""
        while True:
            waiting = self.transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(self.config.write_timeout):
                    return await self.writer.drain()
            except TimeoutError:
                if self.transport.get_write_buffer_size() >= waiting:
                    self.transport.abort()
                    raise

    # --- the end ------------------------------------------------------------------

    def stop(self) -> None:
        """Begin to end, because the server stops: requests under way are still answered."""
        websocket = self.protocol.websocket
        if websocket is not None:
            self._task_group.spawn(websocket.close, RESTARTING, "Restarting")
        elif self._idle.is_running:
            self._leave()

    def _became_idle(self) -> None:
        if self.context.terminated.is_set():
            self._leave()
        else:
            self._idle.start()

    def _leave(self) -> None:
        self._idle.cancel()
        self._task_group.spawn(self._initiate_server_close)

    def _finish(self) -> None:
        """Close our side only: a client that is still sending would not see what it was told."""
        if self._finishing:
            return
        self._finishing = True
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
            self._linger = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        else:
            self.transport.close()

    async def _close(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        self.transport.close()
        try:
            async with asyncio.timeout(self.config.write_timeout):
                await self.writer.wait_closed()
        except (OSError, RuntimeError, TimeoutError):
            self.transport.abort()
        except asyncio.CancelledError:
            self.transport.abort()
            raise
