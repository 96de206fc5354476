"""The browser's client of docs/websocket.md, as it stands there."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, WebSocket

from .conftest import cookies_of, in_browser

pytestmark = [*in_browser, pytest.mark.feature("WS4")]

PAGE = Path(__file__).parents[2] / "docs" / "websocket.md"
REMEMBER = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...words) { super(...words); window.sockets.push(this); }
};
"""
SAY = 'sockets[0].send(JSON.stringify({ type: "say", room: "orders", text: "Ahoy" }))'


async def test_it_hears_what_is_said_and_comes_back(browser: Browser, address: str) -> None:
    found = re.search(r"<!-- browser -->\n```js\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert found
    context = await browser.new_context(storage_state=await cookies_of(browser, address))
    page = await context.new_page()
    await page.goto(f"{address}/goods/")  # has no live events of its own
    await page.evaluate(f"() => {{ {REMEMBER} }}")
    sent, received = Frames(), Frames()

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", sent.put)
        socket.on("framereceived", received.put)

    page.on("websocket", listen)
    await page.evaluate(f"() => {{ {found[1]} }}")
    assert await sent.next("subscribe") == {"type": "subscribe", "room": "orders"}
    await received.next("subscribed")

    async with page.expect_console_message() as printing:
        await page.evaluate(SAY)
    assert (await printing.value).text.startswith("said ")
    last = (await received.next("event"))["id"]

    await page.evaluate("sockets[0].close()")
    assert (await sent.next("subscribe"))["since"] == last
    assert (await received.next("subscribed"))["replayed"] == 0


class Frames:
    """The messages that a browser sent, or received."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str] = asyncio.Queue()

    def put(self, frame: str | bytes) -> None:
        assert isinstance(frame, str)
        self._queue.put_nowait(frame)

    async def next(self, type_: str) -> dict[str, Any]:
        """Return the next message of a type."""
        async with asyncio.timeout(20):
            while True:
                message: dict[str, Any] = json.loads(await self._queue.get())
                if message["type"] == type_:
                    return message
