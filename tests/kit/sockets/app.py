"""An app with a hub, and clients that speak to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from quart import Quart, websocket

from quarterdeck.sockets import Hub, Member
from quarterdeck.testing import WebsocketDisconnectError
from tests.plain import Quart as PlainQuart

SECONDS = 5


class Client:
    """One WebSocket, spoken to in JSON."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def send(self, type_: str, **more: Any) -> None:
        """Send a message."""
        await self.raw(msgspec.json.encode({"type": type_, **more}).decode())

    async def raw(self, text: str | bytes) -> None:
        """Send a message as it is."""
        await self.connection.send(text)

    async def next(self, *, ignore: tuple[str, ...] = ("presence",)) -> dict[str, Any]:
        """Return the next message that is not of a kind to be ignored."""
        async with asyncio.timeout(SECONDS):
            while True:
                message: dict[str, Any] = msgspec.json.decode(await self.connection.receive())
                if message["type"] not in ignore:
                    return message

    async def presence(self) -> dict[str, Any]:
        """Return the next message of presence."""
        async with asyncio.timeout(SECONDS):
            while (message := await self.next(ignore=()))["type"] != "presence":
                pass
        return message

    async def subscribe(self, room: str, **more: Any) -> list[dict[str, Any]]:
        """Enter a room; return all messages up to ``subscribed``."""
        await self.send("subscribe", room=room, **more)
        heard = [await self.next()]
        while heard[-1]["type"] in {"event", "gap"}:
            heard.append(await self.next())
        return heard

    async def events(self, count: int) -> list[dict[str, Any]]:
        """Return the next events."""
        return [await self.next() for _ in range(count)]

    async def close_code(self) -> int:
        """Read until the server closes; return its code."""
        with_code: int | None = None
        while with_code is None:
            try:
                async with asyncio.timeout(SECONDS):
                    await self.connection.receive()
            except WebsocketDisconnectError as error:
                with_code = error.args[0]
        return with_code


def make_app(app_class: type[Quart] = PlainQuart, **config: Any) -> tuple[Quart, Hub]:
    """Return an app whose hub believes who somebody says to be, with the room ``open``."""
    app = app_class(__name__)
    defaults = {"SOCKETS_PRESENCE_SECONDS": 0.01, "PROPAGATE_EXCEPTIONS": False}
    app.config.update(defaults | config)
    hub = Hub(app)

    @hub.identify
    async def identify() -> Member | None:
        name = websocket.args.get("as")
        return None if name is None else Member(name.lower(), name)

    @hub.room("open")
    @hub.room("order:<int:id>")
    async def everybody(member: Member, **values: Any) -> bool:
        return True

    @app.websocket("/ws")
    async def live() -> None:
        await hub.serve()

    return app, hub


@asynccontextmanager
async def connected(app: Quart, name: str = "Ada") -> AsyncIterator[Client]:
    """Connect as somebody."""
    async with app.test_client().websocket(f"/ws?as={name}") as connection:
        yield Client(connection)
