"""The page of the API: Swagger UI without inline code and without foreign hosts."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from .conftest import cookies_of, in_browser

pytestmark = in_browser


class Watched:
    """A page, and all that it asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)


@pytest.mark.feature("AP4")
@pytest.mark.hazard("quart-schema loads pages from a CDN")
async def test_the_page_shows_all_operations_and_asks_nobody_else(
    browser: Browser, address: str
) -> None:
    watched = Watched(await browser.new_page())
    await watched.page.goto(f"{address}/api/v1/docs")
    document = await (await watched.page.request.get(f"{address}/api/v1/openapi.json")).json()
    operations = sum(len(path) for path in document["paths"].values())
    await expect(watched.page.locator(".opblock")).to_have_count(operations)
    await expect(watched.page.get_by_role("heading", name="JSON API")).to_be_visible()

    await watched.page.locator(
        "#operations-Orders-create_order summary, #operations-Orders-create_order .opblock-summary"
    ).first.click()
    await expect(watched.page.get_by_text("Place an order, as a draft.").first).to_be_visible()

    assert watched.hosts <= {urlsplit(address).netloc, ""}
    assert watched.complaints == []


@pytest.mark.feature("AP4", "W3")
async def test_people_who_are_signed_in_try_things_as_themselves(
    browser: Browser, address: str
) -> None:
    context = await browser.new_context(storage_state=await cookies_of(browser, address))
    watched = Watched(await context.new_page())
    page = watched.page
    await page.goto(f"{address}/api/v1/docs")
    await page.get_by_role("button", name="Authorize").click()
    await page.get_by_role("button", name="Close").last.click()

    block = page.locator("#operations-Accounts-create_account")
    await block.locator(".opblock-summary").click()
    await block.get_by_role("button", name="Try it out").click()
    await block.locator("textarea").fill('{"name": "Made on the page of the API"}')
    await block.get_by_role("button", name="Execute").click()

    answer = block.locator(".live-responses-table .response").first
    await expect(answer.locator(".response-col_status")).to_contain_text("201")
    assert watched.complaints == []
    await context.close()
