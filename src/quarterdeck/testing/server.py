"""An app on the real server, in the event loop of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ServedApp:
    """The address of an app that :func:`served_app` serves.

    Attributes:
        host: A loopback address.
        port: The port, chosen by the system.
    """

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for a browser or an HTTP client, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    @property
    def websocket_url(self) -> str:
        """The same for a WebSocket client."""
        return f"ws://{self.host}:{self.port}"


@asynccontextmanager
async def served_app(app: Any, *, lifespan: bool = True) -> AsyncIterator[ServedApp]:
    """Serve an app with ``quarterdeck.serving`` on a free port while the block runs::

        async with served_app(app) as server, httpx.AsyncClient(base_url=server.url) as client:
            response = await client.get("/")

    The server runs in the event loop of the caller, so a test can look at the app while it
    serves. Use async clients: a blocking one would wait for a server that cannot run.

    Args:
        app: A Quart app, or any ASGI app.
        lifespan: Whether ``before_serving`` and ``after_serving`` functions run. False for an
            app that has started already, as in ``async with app.test_app()``.

    Raises:
        Exception: Any error of a ``before_serving`` function.
    """
    from quarterdeck.serving import Config, serve

    config = Config()
    config.bind = ["127.0.0.1:0"]
    sockets = config.create_sockets()
    (listener,) = sockets.insecure_sockets
    stop, listening = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve(
            app if lifespan else _without_lifespan(app),
            config,
            shutdown_trigger=stop.wait,
            sockets=sockets,
            on_listening=listening.set,
        )
    )
    waiting = asyncio.create_task(listening.wait())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if listening.is_set():
            yield ServedApp(*listener.getsockname())
    finally:
        waiting.cancel()
        stop.set()
        try:
            await serving  # raises the error of the start-up
        finally:
            listener.close()


def _without_lifespan(app: Any) -> Any:
    async def started(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})

    return started
