"""Listening, and stopping in the right order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import randint
from typing import Any, cast

from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Sockets
from hypercorn.typing import Framework
from hypercorn.utils import repr_socket_addr, wrap_app

from .config import Config
from .connection import Connection

#: Seconds that handlers have to clean up after they were cancelled.
CANCEL_SECONDS = 5.0


async def serve(
    app: Framework,
    config: Config,
    *,
    shutdown_trigger: Callable[[], Awaitable[Any]],
    sockets: Sockets | None = None,
) -> None:
    """Serve an ASGI app until ``shutdown_trigger`` returns.

    Then no more connections are accepted, idle ones are closed, WebSockets are closed with
    1012, and what is under way has ``graceful_timeout`` seconds to end. What has not ended
    then is cancelled. The app's ``after_serving`` functions come last.
    """
    server = Server(app, config)
    async with server.lifespan():
        await server.listen(sockets or config.create_sockets())
        try:
            await server.wait(shutdown_trigger)
        finally:
            await server.stop()


class Server:
    """One process that listens, and its connections."""

    def __init__(self, app: Framework, config: Config) -> None:
        self.app = wrap_app(app, config.wsgi_max_body_size, None)
        self.config = config
        jitter = randint(0, config.max_requests_jitter)  # noqa: S311 - no secret
        most = config.max_requests
        self.context = WorkerContext(None if most is None else most + jitter)
        self.state: dict[str, Any] = {}
        self.connections: dict[asyncio.Task[Any], Connection] = {}
        self._servers: list[asyncio.Server] = []

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Run ``before_serving`` functions before and ``after_serving`` functions after."""
        loop = asyncio.get_running_loop()
        lifespan = Lifespan(self.app, self.config, loop, self.state)
        task = asyncio.create_task(lifespan.handle_lifespan())
        await lifespan.wait_for_startup()
        if task.done():
            task.result()  # raises what went wrong; an app without lifespan is fine
        try:
            yield
        finally:
            await lifespan.wait_for_shutdown()
            task.cancel()
            await asyncio.wait([task])

    async def listen(self, sockets: Sockets) -> None:
        """Accept connections, and say where."""
        kinds = [(sock, "http") for sock in sockets.insecure_sockets]
        kinds += [(sock, "https") for sock in sockets.secure_sockets]
        for sock, scheme in kinds:
            options: dict[str, Any] = {}
            if scheme == "https":
                options["ssl"] = self.config.create_ssl_context()
                options["ssl_handshake_timeout"] = self.config.ssl_handshake_timeout
            self._servers.append(
                await asyncio.start_server(
                    self._connected, sock=sock, backlog=self.config.backlog, **options
                )
            )
            address = repr_socket_addr(sock.family, sock.getsockname())
            await self.config.log.info("Running on %s://%s (CTRL + C to quit)", scheme, address)

    async def wait(self, shutdown_trigger: Callable[[], Awaitable[Any]]) -> None:
        """Return when told to stop, or after ``max_requests``."""
        waiting = {
            asyncio.ensure_future(shutdown_trigger()),
            asyncio.ensure_future(self.context.terminate.wait()),
        }
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            for each in waiting:
                each.cancel()

    async def stop(self) -> None:
        """End all connections: kindly, then not."""
        await self.context.terminated.set()
        for server in self._servers:
            server.close()  # its wait_closed() would wait for clients, from Python 3.12 on
        for connection in self.connections.values():
            connection.stop()
        late = await self._wait_for_connections(self.config.graceful_timeout)
        for task, connection in late.items():
            connection.transport.abort()
            task.cancel()
        if await self._wait_for_connections(CANCEL_SECONDS):
            await self.config.log.warning("Handlers that do not end are left behind")

    async def _wait_for_connections(self, seconds: float) -> dict[asyncio.Task[Any], Connection]:
        if self.connections:
            await asyncio.wait(list(self.connections), timeout=seconds)
        return dict(self.connections)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        connection = Connection(
            self.app, loop, self.config, self.context, self.state, reader, writer
        )
        self.connections[task] = connection
        try:
            await connection.run()
        finally:
            del self.connections[task]
