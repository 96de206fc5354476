"""The panel of filters on a phone: its entries fit the custom field that is chosen."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from .conftest import cookies_of, in_browser

pytestmark = in_browser


async def test_a_custom_field_is_filtered_by_on_a_phone(browser: Browser, address: str) -> None:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, storage_state=await cookies_of(browser, address)
    )
    page = await context.new_page()
    await page.goto(f"{address}/accounts/")
    await page.get_by_text("More filters").click()
    entries = page.get_by_role("group", name="Custom field")
    first, last = entries.get_by_label("From"), entries.get_by_label("Up to")
    await expect(first).to_be_hidden()
    await entries.get_by_label("Custom field").select_option("Customer since")
    await expect(first).to_have_attribute("type", "date")
    await entries.get_by_label("Custom field").select_option("Employees")
    await expect(first).to_have_attribute("inputmode", "decimal")
    await first.fill("many")
    await page.get_by_role("button", name="Apply").click()

    await expect(first).to_have_value("many")
    await expect(first).to_have_accessible_description("Enter a number, such as 12.50.")
    await first.fill("10")
    await last.fill("200.5")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("list", name="Filters in use")).to_contain_text(
        "Employees from 10 to 200.5"
    )
    assert "field=employees%3A10..200.5" in (
        await page.locator("th a").first.get_attribute("href") or ""
    )
    await page.get_by_text("More filters").click()
    await expect(last).to_have_value("200.5")
    assert await page.evaluate("document.documentElement.scrollWidth") == 390

    await page.goto(f"{address}/people/?field=hobby:S")
    await page.get_by_text("More filters").click()
    await expect(entries.get_by_label("Begins with")).to_have_value("S")
    await expect(entries.get_by_label("Up to")).to_be_hidden()
