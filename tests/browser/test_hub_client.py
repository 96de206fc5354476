"""The hub's client for browsers, in the chat of the examples."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, WebSocket, expect

from quarterdeck.testing import ServedApp, served_app
from tests.modules import load

from .conftest import in_browser

pytestmark = [*in_browser, pytest.mark.feature("WS3", "WS4")]

CHAT = Path(__file__).parents[2] / "examples" / "chat.py"


@pytest.fixture
def chat() -> ModuleType:
    return load(CHAT, "tests_chat")


@pytest_asyncio.fixture(loop_scope="session")
async def server(chat: ModuleType) -> AsyncIterator[ServedApp]:
    async with served_app(chat.app) as server:
        yield server


async def enter(browser: Browser, server: ServedApp, name: str) -> tuple[Page, WebSocket]:
    page = await (await browser.new_context()).new_page()
    page.on("dialog", lambda dialog: dialog.accept(name))
    async with page.expect_websocket() as opening:
        await page.goto(server.url)
    socket = await opening.value
    await socket.wait_for_event("framereceived")
    return page, socket


async def say(page: Page, text: str) -> None:
    await page.locator("input").fill(text)
    await page.locator("input").press("Enter")


async def test_an_event_during_an_outage_is_heard_once_and_in_order(
    browser: Browser, server: ServedApp, chat: ModuleType
) -> None:
    ada, _ = await enter(browser, server, "Ada")
    grace, _ = await enter(browser, server, "Grace")
    await say(ada, "one")
    lines = grace.locator("#lines li")
    await expect(lines).to_have_text(["Ada: one"])

    async with grace.expect_websocket():  # it opens another one
        async with chat.app.app_context():
            await chat.hub.disconnect("grace", 1012)
        await say(ada, "two")
    await say(ada, "three")

    await expect(lines).to_have_text(["Ada: one", "Ada: two", "Ada: three"])


async def test_after_4401_it_does_not_come_back(
    browser: Browser, server: ServedApp, chat: ModuleType
) -> None:
    ada, socket = await enter(browser, server, "Ada")
    sockets: list[str] = []
    ada.on("websocket", lambda socket: sockets.append(socket.url))
    await ada.clock.install()
    async with chat.app.app_context():
        await chat.hub.disconnect("ada")
    if not socket.is_closed():
        await socket.wait_for_event("close")

    await ada.clock.fast_forward("05:00")
    await say(ada, "Anybody there?")

    await expect(ada.locator("input")).to_have_value("Anybody there?")
    assert sockets == []
