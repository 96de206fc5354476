"""An app behind ``quarterdeck.serving``, in the test's loop or in a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypercorn.config import Sockets
from quart import request, websocket

from quarterdeck import serving
from quarterdeck.app import Quart
from tests.wire import Address


def make_app(**config: Any) -> Quart:
    """Return an app that writes down in ``app.events`` what happens to its handlers."""
    app = Quart(__name__)
    app.config.update(config)
    app.events = []  # type: ignore[attr-defined]
    note = app.events.append  # type: ignore[attr-defined]
    started = app.started = asyncio.Event()  # type: ignore[attr-defined]

    @app.after_serving
    async def after_serving() -> None:
        note("after serving")

    @app.get("/")
    async def index() -> str:
        return "fine"

    @app.get("/slow")
    async def slow() -> str:
        started.set()
        await asyncio.sleep(float(request.args.get("seconds", 0.3)))
        note("answered")
        return "late but fine"

    @app.get("/endless")
    async def endless() -> Any:
        async def body() -> AsyncIterator[bytes]:
            started.set()
            while True:
                yield bytes(65536)

        return body(), {"Content-Type": "application/octet-stream"}

    @app.post("/early")
    async def early() -> tuple[str, int]:
        return "too much", 413

    @app.post("/read")
    async def read() -> str:
        return str(len(await request.get_data()))

    @app.post("/json")
    async def read_json() -> str:
        return str(len(await request.get_json()))

    @app.websocket("/ws/echo")
    async def echo() -> None:
        try:
            while True:
                await websocket.send(await websocket.receive())
        finally:
            note("handler ended")

    @app.websocket("/ws/deaf")
    async def deaf() -> None:
        await websocket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            note("handler ended")

    @app.websocket("/ws/flood")
    async def flood() -> None:
        try:
            while True:
                await websocket.send(bytes(65536))
        finally:
            note("handler ended")

    return app


def listening(**keys: Any) -> tuple[serving.Config, Sockets, Address]:
    """Return a configuration, and sockets on which clients can wait already."""
    config = serving.Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    for key, value in keys.items():
        setattr(config, key, value)
    sockets = config.create_sockets()
    (one,) = [*sockets.secure_sockets, *sockets.insecure_sockets]
    one.listen()
    return config, sockets, one.getsockname()


@asynccontextmanager
async def served(app: Quart, **keys: Any) -> AsyncIterator[tuple[Address, asyncio.Event]]:
    """Serve in this loop; gives the address, and an event that stops the server."""
    config, sockets, address = listening(**keys)
    stop = asyncio.Event()
    serve = serving.serve(app, config, shutdown_trigger=stop.wait, sockets=sockets)
    task = asyncio.create_task(serve)
    try:
        yield address, stop
    finally:
        stop.set()
        try:
            await task
        finally:
            for sock in (*sockets.secure_sockets, *sockets.insecure_sockets):
                sock.close()  # if it failed before it took it


async def main(**keys: Any) -> None:
    """Serve in this process and say where."""
    config, sockets, address = listening(**keys)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(json.dumps(address), flush=True)  # noqa: T201
    await serving.serve(make_app(), config, shutdown_trigger=stop.wait, sockets=sockets)


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
