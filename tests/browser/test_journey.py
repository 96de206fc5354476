"""A working day, from signing in to signing out, as a person clicks through it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from .conftest import sign_in

pytestmark = [pytest.mark.external_service("chromium"), pytest.mark.xdist_group("browser")]


async def make_account(page: Page, address: str, name: str) -> None:
    await page.goto(f"{address}/accounts/new")
    await page.get_by_label("Company name").fill(name)
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_role("heading", name=name)).to_be_visible()


async def make_good(page: Page, address: str, name: str, *, stock: int, price: str) -> None:
    await page.goto(f"{address}/goods/new")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Article number").fill(name.upper())
    await page.get_by_label("Price").fill(price)
    await page.get_by_label("stock", exact=False).fill(str(stock))
    await page.get_by_role("button", name="Create article").click()
    await expect(page.get_by_role("heading", name=name)).to_be_visible()


async def choose(page: Page, label: str, text: str, nth: int = 0) -> None:
    """Type into a field with suggestions and take the first that comes."""
    box = page.get_by_label(label).nth(nth)
    await box.fill(text)
    options = page.locator(f"#{await box.get_attribute('list')} option")
    await expect(options.first).to_be_attached()
    await box.fill(await options.first.get_attribute("value") or "")


@pytest.mark.feature("AP1", "AP3", "F1", "W4")
@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
async def test_a_working_day(browser: Browser, address: str, javascript: bool) -> None:
    context = await browser.new_context(java_script_enabled=javascript)
    page = await context.new_page()
    name = "scripted" if javascript else "plain"
    await sign_in(page, address)
    await make_account(page, address, f"Harbour {name}")
    await make_good(page, address, f"lamp-{name}", stock=10, price="19.90")
    await make_good(page, address, f"rope-{name}", stock=5, price="2.05")

    await page.goto(f"{address}/orders/new")
    if javascript:
        await choose(page, "Account", f"Harbour {name}")
        await choose(page, "Article", f"lamp-{name}", 0)
        await choose(page, "Article", f"rope-{name}", 1)
    else:
        await page.get_by_label("Account").fill(f"Harbour {name}")
        await page.get_by_label("Article").nth(0).fill(f"lamp-{name}".upper())
        await page.get_by_label("Article").nth(1).fill(f"rope-{name}".upper())
    await page.get_by_label("Quantity").nth(0).fill("3")
    await page.get_by_label("Discount").nth(0).fill("10")
    await page.get_by_label("Quantity").nth(1).fill("2")
    await page.get_by_role("button", name="Create order").click()

    # 3 x 19.90 x 0.9 + 2 x 2.05
    await expect(page.get_by_text("57.83").first).to_be_visible()
    messages = page.get_by_role("region", name="Messages")
    flash = messages.get_by_text(re.compile("is created as a draft"))
    await expect(flash).to_be_visible()
    await page.reload()
    await expect(flash).to_have_count(0)

    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Quantity").nth(1).fill("4")
    await page.get_by_role("button", name="Save order").last.click()
    await expect(page.get_by_text("61.93").first).to_be_visible()

    await page.get_by_role("button", name="Confirm order").click()
    await expect(page.get_by_text("Confirmed").first).to_be_visible()
    await page.goto(f"{address}/goods/?q=LAMP-{name.upper()}")
    await expect(page.get_by_role("cell", name="7", exact=True)).to_be_visible()

    await page.goto(f"{address}/auth/profile")
    await page.get_by_text("Ada Anker").first.click()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(f"{address}/orders/")
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await context.close()
