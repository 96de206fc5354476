"""The bare ``websockets`` library: ``python -m bench.peers.sockets_websockets PORT``."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

listeners: set[ServerConnection] = set()


async def handle(socket: ServerConnection) -> None:
    assert socket.request
    match socket.request.path:
        case "/echo":
            async for message in socket:
                await socket.send(message)
        case "/listen":
            listeners.add(socket)
            try:
                await socket.wait_closed()
            finally:
                listeners.discard(socket)
        case "/publish":
            async for message in socket:
                broadcast(listeners, message)


async def main(port: str) -> None:
    async with serve(handle, "127.0.0.1", int(port), backlog=1000) as server:
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
