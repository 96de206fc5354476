"""The editor of an order, while it is filled in."""

from __future__ import annotations

import re

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


async def test_the_contacts_of_an_account_are_offered_for_a_deal_as_soon_as_it_is_chosen(
    browser: Browser, address: str
) -> None:
    desk = await sit_down(browser, address)
    page = desk.page
    await make_account(page, address, "Chosen for a deal")
    await page.get_by_role("link", name="Add contact").first.click()
    await page.locator("#name").fill("Ann Chosen")
    await page.get_by_role("button", name="Add contact").click()
    await expect(page.get_by_role("link", name="Ann Chosen").first).to_be_visible()
    await page.goto(f"{address}/deals/new")
    contact = page.locator("#contact_id")
    await expect(contact.locator("option")).to_have_text(["No contact"])

    await choose(page, "Account", "Chosen for a deal")
    await page.locator("#name").fill("Refit of the harbour")
    await contact.select_option("Ann Chosen")

    await page.locator("#account").fill("Created for a deal")
    await expect(contact.locator("option")).to_have_text(["No contact", "Ann Chosen"])
    await page.get_by_role("button", name="Create as a new account").click()
    await expect(page.locator("#account")).to_have_value(re.compile("Created for a deal · "))
    await expect(page.locator("#name")).to_have_value("Refit of the harbour")
    await expect(contact.locator("option")).to_have_text(["No contact"])
    await page.get_by_role("button", name="Add deal").click()
    await expect(page.get_by_role("heading", name="Refit of the harbour")).to_be_visible()
    assert desk.complaints == []
