"""The editor of an order, while it is filled in."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from .conftest import in_browser
from .desk import sit_down
from .steps import choose, make_account, make_good

pytestmark = [*in_browser]


async def test_too_little_in_stock_is_said_while_typing(browser: Browser, address: str) -> None:
    desk = await sit_down(browser, address)
    page = desk.page
    await make_account(page, address, "Short of rope")
    await make_good(page, address, "Scarce rope", stock=5, price="10")
    await page.goto(f"{address}/orders/new")
    await choose(page, "Account", "Short of rope")
    await choose(page, "Good", "Scarce rope")
    await choose(page, "Good", "Scarce rope", nth=1)
    quantities, hints = page.get_by_label("Quantity"), page.locator("[data-short]:visible")

    await quantities.nth(0).fill("5")
    await quantities.nth(1).fill("")
    await expect(hints).to_have_count(0)
    await quantities.nth(1).fill("1")
    await expect(hints).to_have_text(["Only 5 in stock"] * 2)
    await page.get_by_role("button", name="Create order").click()

    await expect(page.get_by_text("Scarce rope: 6 ordered, 5 in stock.")).to_be_visible()
    await page.get_by_role("link", name="Edit", exact=True).click()
    await expect(hints).to_have_count(2)
    await quantities.nth(1).fill("0")
    await expect(hints).to_have_count(0)
    assert desk.complaints == []
