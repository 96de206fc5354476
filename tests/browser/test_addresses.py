"""Addresses of several lines in forms."""

from __future__ import annotations

import re

from playwright.async_api import Browser, expect

from .conftest import in_browser
from .desk import sit_down
from .steps import make_account

pytestmark = [*in_browser]

TWO_LINES = "Harbour House\nDock 2"


async def test_an_address_of_two_lines_is_saved_unchanged(browser: Browser, address: str) -> None:
    desk = await sit_down(browser, address)
    page = desk.page
    await make_account(page, address, "Two lines")
    edit = page.get_by_role("link", name="Edit", exact=True)
    save = page.get_by_role("button", name="Save account")
    await edit.click()
    await page.locator("#address").fill(TWO_LINES)
    for city in ("Bergen", "Oslo"):
        await page.locator("#city").fill(city)
        await save.click()
        shown = page.locator("dd", has_text="Harbour House")
        await expect(shown.first).to_have_text(TWO_LINES, use_inner_text=True)
        await edit.click()
        await expect(page.locator("#address")).to_have_value(TWO_LINES)

    await page.goto(f"{address}/people/new")
    await page.locator("#name").fill("Ann of two lines")
    await page.get_by_role("button", name="Add address").click()
    await page.locator("[name=addresses-0-address]").fill(TWO_LINES)
    await page.get_by_role("button", name="Create person").click()
    await expect(page.get_by_role("heading", name="Ann of two lines")).to_be_visible()
    await edit.click()
    await expect(page.locator("[name=addresses-0-address]")).to_have_value(TWO_LINES)

    await page.goto(f"{address}/orders/new")
    await page.get_by_text("Ship to another address").click()
    await page.locator("#account").fill("Two lines")
    await page.locator("#ship_address").fill(TWO_LINES)
    await page.get_by_role("button", name="Create order").click()
    await expect(page).to_have_url(re.compile(r"/orders/\d+$"))
    await edit.click()
    await expect(page.locator("#ship_address")).to_have_value(TWO_LINES)
    assert desk.complaints == []
