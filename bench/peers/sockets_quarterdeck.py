"""Echo and a hub, on the kit's own server: ``python -m bench.peers.sockets_quarterdeck PORT``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import NoReturn

import msgspec
import uvloop
from quart import websocket

from quarterdeck.app import Quart
from quarterdeck.serving import Config, serve
from quarterdeck.sockets import Hub, Member

app = Quart(__name__)
app.config.update(
    SOCKETS_BACKEND="redis" if "REDIS_URL" in os.environ else "memory",
    REDIS_URL=os.environ.get("REDIS_URL"),
    WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS=10_000,
)
hub = Hub()
hub.init_app(app)


@hub.identify
async def somebody() -> Member:
    return Member("1", "Bench")


@hub.room("all")
async def everybody(member: Member) -> bool:
    return True


@app.websocket("/echo")
async def echo() -> NoReturn:
    while True:
        await websocket.send(await websocket.receive())


@app.websocket("/listen")
async def listen() -> None:
    await hub.serve()


@app.websocket("/publish")
async def publish() -> NoReturn:
    while True:
        await hub.publish("all", "tick", msgspec.json.decode(await websocket.receive()))


async def main(port: str) -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.backlog = 1000
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(app, config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
