"""The server: it listens, and stops in the right order."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from random import randint
from socket import socket
from typing import Any, Protocol

from hypercorn.app_wrappers import WSGIWrapper
from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Sockets
from hypercorn.typing import Framework
from hypercorn.utils import repr_socket_addr, wrap_app

from quarterdeck._server_state import SERVER, ServerState
from quarterdeck.exceptions import CertificateError

from . import debug_errors
from .access_log import AccessLogger
from .config import CANCEL_SECONDS, Config
from .connection import NO_PROXY, TCPConnection
from .http1_protocol import Http1Protocol
from .proxy_listener import ProxyListener
from .proxy_protocol import ProxyHeader


async def serve(
    app: Framework,
    config: Config,
    *,
    shutdown_trigger: Callable[[], Awaitable[Any]],
    sockets: Sockets | None = None,
    on_listening: Callable[[], object] | None = None,
    on_max_requests: Callable[[], object] | None = None,
    reload_trigger: Callable[[], Awaitable[Any]] | None = None,
    check: Callable[[Any], Awaitable[None]] | None = None,
) -> None:
    """Serve an ASGI app until ``shutdown_trigger`` returns.

    Then, after ``drain_delay`` seconds, the server accepts no more connections, closes idle ones,
    and closes WebSockets with 1012. Running requests have ``graceful_timeout`` seconds to finish
    and are cancelled after that. The app's ``after_serving`` functions run last.

    Args:
        app: The app.
        config: The limits and addresses.
        shutdown_trigger: Awaited; the server stops when it returns. If it returns False, another
            process serves on, so this one does not drain.
        sockets: Listening sockets, instead of those of the configuration.
        on_listening: Called when the server accepts connections; without it, the addresses are
            logged.
        on_max_requests: Called after ``max_requests``, while the server goes on. Without it, the
            server stops.
        reload_trigger: Awaited again and again; each time that it returns, new connections get
            the certificate that the files hold then.
        check: Awaited with the app after its ``before_serving`` functions; the server does not
            accept connections if it raises.
    """
    server = Server(app, config)
    debug_errors.install()
    async with server.lifespan():
        if check is not None:
            await check(app)
        await server.listen(sockets or config.create_sockets(), quiet=on_listening is not None)
        if on_listening is not None:
            on_listening()
        reloading = asyncio.create_task(server.reload(reload_trigger)) if reload_trigger else None
        try:
            if await server.wait(shutdown_trigger, on_max_requests):
                await server.drain()
        finally:
            if reloading is not None:
                reloading.cancel()
            await server.stop()


class Stoppable(Protocol):
    """A connection, whatever it speaks."""

    def stop(self) -> None:
        """Begin to close; running requests are still answered."""

    def abort(self) -> None:
        """End at once."""


class Connections:
    """The open connections of a server, with the handlers that have outlived theirs."""

    def __init__(self) -> None:
        self._open: set[Stoppable] = set()
        self._waiting: asyncio.Future[None] | None = None

    def __iter__(self) -> Iterator[Stoppable]:
        return iter(self._open)

    def add(self, connection: Stoppable) -> None:
        self._open.add(connection)

    def discard(self, connection: Stoppable) -> None:
        self._open.discard(connection)
        if not self._open and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def wait(self, seconds: float) -> bool:
        """Wait until all are gone; return False if some are left after these seconds."""
        await asyncio.sleep(0)  # what was accepted just now becomes a connection
        if self._open:
            self._waiting = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._waiting
        return not self._open


class Server:
    """One process that listens, and its connections."""

    def __init__(self, app: Framework, config: Config) -> None:
        self.app = wrap_app(app, config.wsgi_max_body_size, None)
        self.config = config
        jitter = randint(0, config.max_requests_jitter)  # noqa: S311 - no secret
        most = config.max_requests
        self.context = WorkerContext(None if most is None else most + jitter)
        self.server_state = ServerState()
        self.state: dict[str, Any] = {SERVER: self.server_state}
        self.connections = Connections()
        self._servers: list[asyncio.Server | ProxyListener] = []
        self._tls = config.create_ssl_context()  # None without a certificate
        self._needs_streams = (
            config.http1 == "h11"
            or config.h11_pass_raw_headers
            or config.http2_cleartext
            or isinstance(self.app, WSGIWrapper)
        )

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Run ``before_serving`` functions before and ``after_serving`` functions after."""
        loop = asyncio.get_running_loop()
        lifespan = Lifespan(self.app, self.config, loop, self.state)
        task = asyncio.create_task(lifespan.handle_lifespan())
        await lifespan.wait_for_startup()
        if task.done():
            task.result()  # raises the error of the start-up; an app without lifespan is fine
        try:
            yield
        finally:
            await lifespan.wait_for_shutdown()
            task.cancel()
            await asyncio.wait([task])
            if isinstance(self.config.log, AccessLogger):
                self.config.log.flush()

    async def listen(self, sockets: Sockets, *, quiet: bool = False) -> None:
        """Accept connections, and log the addresses unless ``quiet``."""
        kinds = [(sock, "http") for sock in sockets.insecure_sockets]
        kinds += [(sock, "https") for sock in sockets.secure_sockets]
        for sock, scheme in kinds:
            self._servers.append(await self._listen(sock, self._tls if scheme == "https" else None))
            if quiet:
                continue
            address = repr_socket_addr(sock.family, sock.getsockname())
            await self.config.log.info("Running on %s://%s (CTRL + C to quit)", scheme, address)

    async def _listen(
        self, sock: socket, tls: ssl.SSLContext | None
    ) -> asyncio.Server | ProxyListener:
        if self.config.proxy_protocol_from:
            return ProxyListener(sock, self.config, tls, self.protocol)
        return await asyncio.get_running_loop().create_server(
            self.protocol,
            sock=sock,
            backlog=self.config.backlog,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else self.config.ssl_handshake_timeout,
        )

    def protocol(self, header: ProxyHeader = NO_PROXY) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        if self._needs_streams:
            return self.stream_protocol(header)
        return Http1Protocol(self, header)

    def stream_protocol(self, header: ProxyHeader) -> asyncio.Protocol:
        """Return the protocol of a connection that is served by a task."""
        reader = asyncio.StreamReader()
        connected = partial(self._connected, header)
        return asyncio.StreamReaderProtocol(reader, connected)

    async def reload(self, trigger: Callable[[], Awaitable[Any]]) -> None:
        """Read the certificate again each time that ``trigger`` returns.

        A file that cannot be used is logged, and the old certificate stays. Connections that are
        open are not touched.
        """
        while True:
            await trigger()
            if self._tls is None:
                await self.config.log.warning(
                    "There is no certificate to read again. New code needs a restart, or several "
                    "workers"
                )
                continue
            try:
                self.config.create_ssl_context()  # raises before anything is changed
                self.config.load_certificate(self._tls)
            except CertificateError as error:
                await self.config.log.error("The old certificate stays: %s", error)
            else:
                await self.config.log.info("New connections get the new certificate")

    async def wait(
        self,
        shutdown_trigger: Callable[[], Awaitable[Any]],
        on_max_requests: Callable[[], object] | None = None,
    ) -> bool:
        """Return when told to stop, or after ``max_requests`` if there is no function for it.

        Returns:
            Whether no other process serves on.
        """
        stop = asyncio.ensure_future(shutdown_trigger())
        most = asyncio.ensure_future(self.context.terminate.wait())
        try:
            await asyncio.wait({stop, most}, return_when=asyncio.FIRST_COMPLETED)
            if on_max_requests is not None and not stop.done():
                on_max_requests()
                await asyncio.wait({stop})
            return stop.result() is not False if stop.done() else True
        finally:
            stop.cancel()
            most.cancel()

    async def drain(self) -> None:
        """Let the app tell load balancers that this host stops, and serve on for a while."""
        self.server_state.draining = True
        if self.config.drain_delay:
            await asyncio.sleep(self.config.drain_delay)

    async def stop(self) -> None:
        """Close all connections: gracefully, then by force."""
        await self.context.terminated.set()
        for server in self._servers:
            server.close()  # its wait_closed() would wait for clients, from Python 3.12 on
        for connection in tuple(self.connections):
            connection.stop()
        if await self.connections.wait(self.config.graceful_timeout):
            return
        for late in tuple(self.connections):
            late.abort()
        if not await self.connections.wait(CANCEL_SECONDS):
            await self.config.log.warning("Handlers that do not end are left behind")

    async def _connected(
        self,
        header: ProxyHeader,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        connection = TCPConnection(self, reader, writer, header)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)
