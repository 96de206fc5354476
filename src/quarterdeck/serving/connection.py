"""One TCP connection, with timeouts for reading and writing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ssl import SSLError
from typing import Any

from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from .config import Config
from .events import Abort, Finish
from .protocol import Protocol
from .proxy_protocol import ProxyHeader
from .task_group import TaskGroup
from .websocket import SERVICE_RESTART

#: Seconds without a byte after which a client that was answered is cut off. Until then its
#: bytes are read and dropped: a connection closed under them could reset before the answer
#: was read (RFC 9112, section 9.6).
LINGER_SECONDS = 5.0
#: Seconds after which it is cut off even if it sends on.
MAX_LINGER_SECONDS = 30.0
#: The same while the server stops: a client that leaves its side open must not hold that up.
LINGER_SECONDS_AT_STOP = 1.0

#: Seconds in which an idle client can send a request while the server stops. The request may be
#: on its way already, and would be lost; its response ends the connection.
REQUEST_SECONDS_AT_STOP = 1.0


#: Of a connection that comes without a proxy.
NO_PROXY = ProxyHeader()


class IdleTimer:
    """Call ``action`` after some seconds of idleness; with the interface of Hypercorn's task."""

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


class TCPConnection(TCPServer):
    """Hypercorn's connection with our protocols."""

    config: Config
    protocol: Protocol  # type: ignore[assignment]  # takes the place of Hypercorn's
    proxy_header: ProxyHeader = NO_PROXY

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.transport = self.writer.transport
        self._idle = IdleTimer(self.config.keep_alive_timeout, self._close_idle)
        self._linger: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._finishing = False
        self._is_busy = False

    async def run(self) -> None:
        """Serve the client until one side closes."""
        try:
            async with TaskGroup(self.loop) as task_group:
                self._task_group = task_group
                peer = self.writer.get_extra_info("peername")
                if peer is None:  # it left before it was served
                    return
                self.protocol = self._create_protocol(peer)
                try:
                    await self.protocol.initiate()
                    self._idle.start()
                    await self._read_data()
                finally:
                    self._idle.cancel()
                    if self.protocol.websocket is not None:
                        self.protocol.websocket.connection_lost()
        except OSError:
            pass
        finally:
            await self._close()

    def _create_protocol(self, peer: Any) -> Protocol:
        socket = self.writer.get_extra_info("socket")
        ssl_object = self.writer.get_extra_info("ssl_object")
        alpn = ssl_object.selected_alpn_protocol() if ssl_object else None
        told = self.proxy_header
        return Protocol(
            self.app,
            self.config,
            self.context,
            self._task_group,
            ConnectionState(self.state),
            ssl_object is not None or told.is_tls,
            told.client or parse_socket_addr(socket.family, peer),
            told.server or parse_socket_addr(socket.family, self.writer.get_extra_info("sockname")),
            self.protocol_send,
            alpn_protocol=alpn or "http/1.1",
        )

    async def protocol_send(self, event: Event) -> None:
        """Handle an event of the protocol."""
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Updated):
            self._is_busy = not event.idle
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
                    await self.protocol.time_out()
                    break
            except (OSError, SSLError):
                break
            else:
                if self._finishing:
                    self._keep_lingering()
                else:
                    await self.protocol.handle(RawData(data))
        await self.protocol.handle(Closed())

    # --- writing ------------------------------------------------------------------

    async def _write(self, data: bytes) -> None:
        async with self.send_lock:
            if self.transport.is_closing():
                await asyncio.sleep(0)  # lets a task that sends in a loop be cancelled
                return
            try:
                self.writer.write(data)
                if self.transport.get_write_buffer_size():
                    await self._drain()
            except (OSError, RuntimeError):
                await self.protocol.handle(Closed())

    async def _drain(self) -> None:
        """Wait until the client has read the buffer; abort if it stops reading."""
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
        """Begin to close because the server stops; running requests are still answered."""
        websocket = self.protocol.websocket
        if websocket is not None:
            self._task_group.spawn(websocket.close, SERVICE_RESTART, "Restarting")
        elif self._linger is not None:
            self.transport.abort()
        elif self._idle.is_running:
            self._idle.cancel()
            self._idle = IdleTimer(REQUEST_SECONDS_AT_STOP, self._close_idle)
            self._idle.start()

    def _became_idle(self) -> None:
        if self.context.terminated.is_set():
            self._close_idle()
        else:
            self._idle.start()

    def _close_idle(self) -> None:
        self._idle.cancel()
        self._task_group.spawn(self._answer_and_close)

    async def _answer_and_close(self) -> None:
        if self._is_busy:  # a request came in this moment, and is answered
            return
        await self.protocol.time_out()  # for a client whose headers are still on their way
        await self._initiate_server_close()

    def _finish(self) -> None:
        """Close the sending direction, and read on for a while: see ``LINGER_SECONDS``."""
        if self._finishing:
            return
        self._finishing = True
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        elif not self.protocol.is_receiving:  # TLS has no end of one direction
            self.transport.close()
            return
        is_stopping = self.context.terminated.is_set()
        seconds = LINGER_SECONDS_AT_STOP if is_stopping else MAX_LINGER_SECONDS
        self._deadline = self.loop.time() + seconds
        self._keep_lingering()

    def _keep_lingering(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        end = min(self.loop.time() + LINGER_SECONDS, self._deadline)
        self._linger = self.loop.call_at(end, self.transport.abort)

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
