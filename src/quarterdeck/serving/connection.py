"""One TCP connection, with timeouts for reading and writing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ssl import SSLError
from typing import TYPE_CHECKING, Any, cast

from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from .client_protocol import Linger, end_sending
from .config import Config
from .events import Upgrade
from .protocol import Protocol
from .proxy_protocol import ProxyHeader
from .task_group import TaskGroup
from .websocket import WebSocket

if TYPE_CHECKING:
    from .server import Server

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

    def __init__(
        self,
        server: Server,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        proxy_header: ProxyHeader,
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server.app, loop, server.config, server.context, server.state, reader, writer
        )
        self._server = server
        self._proxy_header = proxy_header
        self._task = asyncio.current_task()
        self.transport = cast(asyncio.Transport, self.writer.transport)
        self._idle = IdleTimer(self.config.keep_alive_timeout, self._close_idle)
        self._linger: Linger | None = None
        self._finishing = False
        self._is_busy = False
        self._is_handed_over = False
        self._has_read = False  # all that the client will send

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
                    self._has_read = True
                    self._idle.cancel()
        except OSError:
            pass
        finally:
            if not self._is_handed_over:
                await self._close()

    def _create_protocol(self, peer: Any) -> Protocol:
        socket = self.writer.get_extra_info("socket")
        ssl_object = self.writer.get_extra_info("ssl_object")
        alpn = ssl_object.selected_alpn_protocol() if ssl_object else None
        told = self._proxy_header
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
        elif isinstance(event, Upgrade):
            await self._become_websocket(event)
        elif isinstance(event, Closed):
            self._finish()

    async def _become_websocket(self, event: Upgrade) -> None:
        self._is_handed_over = True
        self._idle.cancel()
        websocket = WebSocket(self._server, event.request, keep=self.writer)
        self.transport.set_protocol(websocket)
        has_left = self.reader.at_eof()
        self.reader.feed_eof()  # no more comes here: the rest can be read at once
        websocket.begin(self.transport, event.early + await self.reader.read())
        if has_left:
            websocket.eof_received()
            self.transport.close()

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
                if self._linger is not None:
                    self._linger.keep()
                elif not self._finishing:
                    await self.protocol.handle(RawData(data))
                if self._is_handed_over:
                    return
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
        if self._linger is not None:
            self.transport.abort()
        elif self._idle.is_running:
            self._idle.cancel()
            self._idle = IdleTimer(REQUEST_SECONDS_AT_STOP, self._close_idle)
            self._idle.start()

    def abort(self) -> None:
        """End the connection and the handlers of its requests at once."""
        self.transport.abort()
        if self._task is not None:
            self._task.cancel()

    def _became_idle(self) -> None:
        if self._has_read:  # the connection ends with the handlers of its requests
            return
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
        """Close the sending direction, and read on for a while: see ``Linger``."""
        if self._finishing:
            return
        self._finishing = True
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            end_sending(self.transport)
        elif not self.protocol.is_receiving:  # TLS has no end of one direction
            self.transport.close()
            return
        self._linger = Linger(self.transport, is_stopping=self.context.terminated.is_set())

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
