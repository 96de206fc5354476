"""A custom field of several records set at once, as people do it: preview, change, undo."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from .checks import WIDTH, axe_faults, reach
from .conftest import cookies_of, in_browser

pytestmark = [*in_browser, pytest.mark.feature("AP3")]

FOUND = "/accounts/?field=employees:77123"  # the accounts that have the value of these tests


@dataclass
class Keys:
    """A reader that has no mouse."""

    page: Page

    async def reach(self, target: Locator) -> None:
        """Press Tab until an element has the focus."""
        await reach(self.page, target)

    async def press(self, target: Locator, key: str) -> None:
        await self.reach(target)
        await self.page.keyboard.press(key)

    async def type(self, target: Locator, text: str) -> None:
        await self.reach(target)
        await self.page.keyboard.type(text)


async def open_accounts(
    browser: Browser, address: str, width: int, *, has_scripts: bool = True
) -> Page:
    context = await browser.new_context(
        storage_state=await cookies_of(browser, address),
        viewport={"width": width, "height": 844},
        java_script_enabled=has_scripts,
    )
    page = await context.new_page()
    await page.goto(f"{address}/accounts/")
    return page


async def expect_within(page: Page, width: int) -> None:
    """Expect that nothing of the page is beside the window."""
    assert await page.evaluate(WIDTH) == width


async def count_of(page: Page, address: str) -> int:
    """Return how many accounts have the value, read beside the page."""
    answer = await page.context.request.get(address + FOUND)
    return (await answer.text()).count('class="row-link"')


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_field_is_set_with_the_keyboard_and_undone(
    browser: Browser, address: str, width: int
) -> None:
    page = await open_accounts(browser, address, width)
    keys = Keys(page)
    boxes, bar = page.locator("input.pick"), page.get_by_role("form", name="Change several")
    await keys.press(boxes.first, "Space")
    await keys.press(boxes.nth(2), "Shift+Space")
    await expect(bar).to_contain_text("3 selected")
    await keys.type(bar.get_by_label("Action"), "Set a custom")
    await keys.press(bar.get_by_role("button", name="Continue"), "Enter")

    await expect(page.get_by_text("3 records can be changed.")).to_be_visible()
    await expect_within(page, width)
    field, value = page.get_by_label("Custom field"), page.locator("[name=value]")
    await keys.type(field, "Emp")
    await expect(value).to_have_attribute("inputmode", "decimal")  # the page of that field
    await expect(field.locator("option:checked")).to_have_text("Employees")
    await expect(page.get_by_text("3 records can be changed.")).to_be_visible()
    assert await axe_faults(page) == []

    await keys.type(value, "many")
    await page.keyboard.press("Enter")
    await expect(page.locator("[name=value]")).to_have_accessible_description(
        re.compile("Enter a number")
    )
    assert await count_of(page, address) == 0
    await value.focus()
    await page.keyboard.press("ControlOrMeta+A")
    await page.keyboard.type("77123")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").first).to_contain_text("3 records are changed.")
    await expect_within(page, width)
    assert await count_of(page, address) == 3

    await keys.press(page.get_by_role("button", name="Undo"), "Enter")
    await expect(page.get_by_role("status").first).to_contain_text(
        "The change of 3 records is undone."
    )
    assert await count_of(page, address) == 0
    await keys.press(page.get_by_role("link", name="Back to the list"), "Enter")
    await page.wait_for_url(f"{address}/accounts/**")


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_field_is_set_without_scripts_and_undone(
    browser: Browser, address: str, width: int
) -> None:
    page = await open_accounts(browser, address, width, has_scripts=False)
    for number in range(2):
        await page.locator("input.pick").nth(number).check()
    bar = page.get_by_role("form", name="Change several")
    await bar.get_by_label("Action").select_option(label="Set a custom field")
    await bar.get_by_role("button", name="Continue").click()

    await expect(page.get_by_text("2 records can be changed.")).to_be_visible()
    await page.get_by_label("Custom field").select_option(label="Employees")
    await page.get_by_role("button", name="Choose this field").click()
    await page.locator("[name=value]").fill("77123")
    await expect_within(page, width)
    assert await count_of(page, address) == 0
    await page.get_by_role("button", name="Set a custom field").click()
    await expect(page.get_by_text("2 records are changed.")).to_be_visible()
    assert await count_of(page, address) == 2

    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("The change of 2 records is undone.")).to_be_visible()
    await expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert await count_of(page, address) == 0


async def test_the_preview_can_be_left_and_nothing_changes(browser: Browser, address: str) -> None:
    page = await open_accounts(browser, address, 1280)
    bar = page.get_by_role("form", name="Change several")
    await bar.get_by_label("Which rows").select_option(label="All on this page")
    await bar.get_by_label("Action").select_option(label="Set a custom field")
    await bar.get_by_role("button", name="Continue").click()
    await page.get_by_label("Custom field").select_option(label="Employees")
    await expect(page.locator("[name=value]")).to_have_attribute("inputmode", "decimal")
    await page.locator("[name=value]").fill("77123")
    page.on("dialog", lambda dialog: dialog.accept())  # typed, and not saved
    await page.get_by_role("link", name="Cancel").click()
    await page.wait_for_url(f"{address}/accounts/**")
    assert await count_of(page, address) == 0
