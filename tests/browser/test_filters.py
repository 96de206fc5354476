"""Filters on a phone: they are folded, and the entries of the panel fit the custom field."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from .conftest import cookies_of, in_browser

pytestmark = in_browser
LISTS = ("accounts", "people", "goods", "orders", "deals", "tasks", "team", "audit")
# Whether each text has one line, or an address breaks before its "@" only.
WHOLE = """texts => texts.every(text => {
  const lines = part => new Set([...part.getClientRects()].map(box => box.top)).size
  const parts = text.matches(".mail") ? [...text.querySelectorAll("span")] : [text]
  return parts.every(part => lines(part) === 1)
})"""


async def unfold(page: Page) -> None:
    await page.locator("details.filters > summary").click()
    await page.get_by_text("More filters").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_filters_are_folded_on_a_phone(browser: Browser, address: str, scripts: bool) -> None:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844},
        storage_state=await cookies_of(browser, address),
        java_script_enabled=scripts,
    )
    page = await context.new_page()
    for name in LISTS:
        await page.goto(f"{address}/{name}/")
        fold = page.locator("details.filters")
        await expect(fold.locator("summary").first).to_have_text("Filters")
        choices = fold.get_by_role("combobox")
        await expect(choices.first).to_be_hidden()
        toolbar = await page.locator(".toolbar").bounding_box()
        assert toolbar
        assert toolbar["height"] < 60, f"{name}: one row"
        await fold.locator("summary").first.click()
        await expect(choices.first).to_be_visible()

    await page.goto(f"{address}/orders/?date_from=2000-01-01")
    await expect(fold.locator("summary").first).to_have_text("Filters (1)")
    await fold.locator("summary").first.click()
    await page.get_by_role("combobox", name="State", exact=True).select_option("paid")
    await page.get_by_role("combobox", name="Owner", exact=True).select_option("me")
    await page.get_by_role("button", name="Apply").last.click()
    await expect(fold.locator("summary").first).to_have_text("Filters (3)")
    await expect(page.get_by_role("list", name="Filters in use")).to_be_visible()
    await expect(choices.first).to_be_hidden()
    await page.goto(f"{address}/orders/?date_from=soon")
    await expect(page.get_by_text("Enter a date as YYYY-MM-DD.")).to_be_visible()
    await context.close()


async def test_filters_of_a_wide_page_are_not_folded(browser: Browser, address: str) -> None:
    context = await browser.new_context(
        viewport={"width": 768, "height": 800},
        storage_state=await cookies_of(browser, address),
        java_script_enabled=False,
    )
    page = await context.new_page()
    await page.goto(f"{address}/orders/?state=paid")
    await expect(page.locator("details.filters > summary")).to_be_hidden()
    await expect(page.get_by_role("combobox", name="State", exact=True)).to_be_visible()
    await expect(page.get_by_text("More filters")).to_be_visible()
    await context.close()


@pytest.mark.parametrize("width", [390, 800, 1024, 1280])
async def test_numbers_and_addresses_are_not_broken(
    browser: Browser, address: str, width: int
) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, storage_state=await cookies_of(browser, address)
    )
    page = await context.new_page()
    for name in ("people", "team"):
        await page.goto(f"{address}/{name}/")
        texts = page.locator("table.list :is(.mail, .phone-number)")
        await expect(texts.first).to_be_visible()
        assert await texts.evaluate_all(WHOLE), name
        assert await page.evaluate("document.documentElement.scrollWidth") == width, name
    await context.close()


async def test_a_custom_field_is_filtered_by_on_a_phone(browser: Browser, address: str) -> None:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, storage_state=await cookies_of(browser, address)
    )
    page = await context.new_page()
    await page.goto(f"{address}/accounts/")
    await unfold(page)
    entries = page.get_by_role("group", name="Custom field")
    first, last = entries.get_by_label("From"), entries.get_by_label("Up to")
    await expect(first).to_be_hidden()
    await entries.get_by_label("Custom field").select_option("Customer since")
    await expect(first).to_have_attribute("type", "date")
    await entries.get_by_label("Custom field").select_option("Employees")
    await expect(first).to_have_attribute("inputmode", "decimal")
    await first.fill("many")
    await page.get_by_role("button", name="Apply").last.click()

    await expect(first).to_have_value("many")
    await expect(first).to_have_accessible_description("Enter a number, such as 12.50.")
    await first.fill("10")
    await last.fill("200.5")
    await page.get_by_role("button", name="Apply").last.click()
    await expect(page.get_by_role("list", name="Filters in use")).to_contain_text(
        "Employees from 10 to 200.5"
    )
    assert "field=employees%3A10..200.5" in (
        await page.locator("th a").first.get_attribute("href") or ""
    )
    await unfold(page)
    await expect(last).to_have_value("200.5")
    assert await page.evaluate("document.documentElement.scrollWidth") == 390

    await page.goto(f"{address}/people/?field=hobby:S")
    await unfold(page)
    await expect(entries.get_by_label("Begins with")).to_have_value("S")
    await expect(entries.get_by_label("Up to")).to_be_hidden()
