"""What users do on several pages, step by step."""

from __future__ import annotations

from playwright.async_api import Page, expect


async def make_account(page: Page, address: str, name: str) -> None:
    await page.goto(f"{address}/accounts/new")
    await page.get_by_label("Company name").fill(name)
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_role("heading", name=name)).to_be_visible()


async def make_good(page: Page, address: str, name: str, *, stock: int, price: str) -> None:
    await page.goto(f"{address}/goods/new")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Code").fill(name.upper())
    await page.get_by_label("Price").fill(price)
    await page.get_by_label("stock", exact=False).fill(str(stock))
    await page.get_by_role("button", name="Create good").click()
    await expect(page.get_by_role("heading", name=name)).to_be_visible()


async def choose(page: Page, label: str, text: str, nth: int = 0) -> None:
    """Type into a field with suggestions and take the first that comes."""
    box = page.get_by_label(label).nth(nth)
    await box.fill(text)
    options = page.locator(f"#{await box.get_attribute('list')} option")
    await expect(options.first).to_be_attached()
    await box.fill(await options.first.get_attribute("value") or "")


async def make_order(page: Page, address: str, account: str, good: str, *, quantity: int) -> str:
    """Make a draft of one line, and return its address."""
    await page.goto(f"{address}/orders/new")
    await choose(page, "Account", account)
    await choose(page, "Good", good)
    await page.get_by_label("Quantity").first.fill(str(quantity))
    await page.get_by_role("button", name="Create order").click()
    await expect(page.get_by_role("button", name="Confirm order")).to_be_visible()
    return page.url
