"""A server that does for each connection what a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from quarterdeck.sockets import Event
from quarterdeck.sockets.client import Client

Conversation = Callable[["Server"], Awaitable[None]]


class Server:
    """Our side of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def hears(self, **expected: Any) -> None:
        """The next message must be this one."""
        assert json.loads(await self.socket.recv()) == expected

    async def says(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def events(self, *ids: str, room: str = "orders") -> None:
        for each in ids:
            await self.says(type="event", room=room, id=each, name="moved", data={"n": each})

    async def lets_in(self, since: str | None = None, *, room: str = "orders", at: str) -> None:
        """A subscription comes, with this ``since``, and nothing was missed."""
        more = {"since": since} if since else {}
        await self.hears(type="subscribe", room=room, **more)
        await self.says(type="subscribed", room=room, at=at, replayed=0)

    async def breaks(self) -> None:
        """As when a cable is pulled."""
        self.socket.transport.abort()

    async def stays(self) -> None:
        await self.socket.wait_closed()


@asynccontextmanager
async def serving(*conversations: Conversation, **options: Any) -> AsyncIterator[str]:
    """Serve one conversation per connection; what fails in one fails the test."""
    failures: list[BaseException] = []
    coming = iter(conversations)

    async def handle(socket: ServerConnection) -> None:
        try:
            await next(coming)(Server(socket))
        except BaseException as failure:
            failures.append(failure)
            raise

    async with serve(handle, "127.0.0.1", 0, close_timeout=1, **options) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if failures:
        raise failures[0]


async def take(source: Client, count: int) -> list[str]:
    """Return the ids of the next events; a gap and who is there by what they are."""
    async with asyncio.timeout(5):
        taken = [await anext(source) for _ in range(count)]
    return [each.id if isinstance(each, Event) else type(each).__name__ for each in taken]
