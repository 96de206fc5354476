"""A running CRM and a headless Chromium to look at it with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.demonstration import Demonstrations
from tests.services import require_chromium
from tests.serving import serving

ADMIN = ("admin@quarterdeck.example", "quarterdeck-demo")
MODERATOR = ("mod@quarterdeck.example", ADMIN[1])
USER = ("user@quarterdeck.example", ADMIN[1])
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

# One browser serves all tests of a process, so they share an event loop.
in_browser = [
    pytest.mark.external_service("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
]

Launch = Callable[[], Awaitable[Browser]]

_cookies: dict[tuple[str, tuple[str, str]], Any] = {}


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser, or a skip by name."""
    return require_chromium()


@pytest.fixture(scope="session")
def address(
    demonstrations: Demonstrations, tmp_path_factory: pytest.TempPathFactory, chromium: str
) -> Iterator[str]:
    """The address of a CRM with demonstration data, served by ``crm serve``."""
    folder = tmp_path_factory.mktemp("served")
    demonstrations.copy(folder, orders=300)
    # As in production, files are fetched once. A walk opens pages faster than a person could.
    with serving(
        folder,
        CRM_SEND_FILE_MAX_AGE_DEFAULT="3600",
        CRM_LIMIT_WEBSOCKETS="9999 per minute",
    ) as address:
        yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def start(chromium: str) -> AsyncIterator[Launch]:
    """Start a browser, a process of its own; closed after the last test."""
    async with async_playwright() as playwright:
        yield lambda: playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_browser(start: Launch) -> Browser:
    return await start()


@pytest_asyncio.fixture(loop_scope="session", name="browser")
async def _browser(shared_browser: Browser) -> AsyncIterator[Browser]:
    """A browser whose windows are closed after the test."""
    yield shared_browser
    for context in shared_browser.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def other_browser(start: Launch) -> AsyncIterator[Browser]:
    """A second browser, a process of its own."""
    async with await start() as browser:
        yield browser


async def sign_in(page: Page, address: str, who: tuple[str, str] = ADMIN) -> None:
    """Sign in through the form."""
    await page.goto(f"{address}/auth/login")
    await page.get_by_label("E-mail").fill(who[0])
    await page.get_by_label("Password").fill(who[1])
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{address}/")


async def cookies_of(browser: Browser, address: str, who: tuple[str, str] = ADMIN) -> Any:
    """Return what a browser keeps of a sign-in, which is done once for all tests."""
    if (address, who) not in _cookies:
        context = await browser.new_context()
        await sign_in(await context.new_page(), address, who)
        _cookies[address, who] = await context.storage_state()
        await context.close()
    return _cookies[address, who]
