"""The CRM without a mouse."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from .checks import axe_faults
from .conftest import ADMIN, cookies_of, in_browser

pytestmark = in_browser

# Whether what has the focus differs from the same thing without it, at itself or around it.
SEES_FOCUS = """() => {
  const drawn = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
    || style.boxShadow !== "none";
  const at = document.activeElement;
  if (at === document.body) return true; // past the last stop
  return [at, at.parentElement].some(
    (element) => drawn(getComputedStyle(element)) || drawn(getComputedStyle(element, "::after")));
}"""
BEHIND = "document.querySelector('main').contains(document.activeElement)"
NAME = "document.activeElement.outerHTML.slice(0, 120)"


async def test_a_day_without_a_mouse(browser: Browser, address: str) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    keys = page.keyboard
    await page.goto(f"{address}/auth/login")
    await page.get_by_label("E-mail").focus()
    await keys.type(ADMIN[0])
    await keys.press("Tab")
    await keys.type(ADMIN[1])
    await keys.press("Enter")
    await page.wait_for_url(f"{address}/")

    await keys.press("/")
    await keys.type("Anchor")
    palette = page.get_by_role("dialog", name="Find a record or run a command")
    await expect(palette.get_by_role("status")).to_contain_text("found")
    await keys.press("ArrowUp")  # from the first to the last
    await keys.press("Enter")
    await page.wait_for_url(f"{address}/search?q=Anchor")
    await page.locator("main .row-link").first.focus()
    await keys.press("Control+k")
    await expect(palette.get_by_role("combobox")).to_be_focused()
    assert await axe_faults(page) == []
    await keys.press("Escape")
    await expect(page.locator("main .row-link").first).to_be_focused()
    await keys.press("Control+k")
    await keys.type("new account")
    await keys.press("Enter")
    await page.wait_for_url(f"{address}/accounts/new")

    await page.goto(f"{address}/accounts/")
    boxes, selected = page.locator("input.pick"), page.locator("[data-count]")
    await boxes.nth(1).focus()
    await keys.press("Space")
    await expect(selected).to_have_text("1 selected")
    await boxes.nth(4).focus()
    await keys.press("Shift+Space")
    await expect(selected).to_have_text("4 selected")
    await boxes.nth(2).focus()
    await keys.press("Shift+Space")  # back from the last one
    await expect(selected).to_have_text("1 selected")
    await page.get_by_label("Select this page").focus()
    await keys.press("Space")
    total = await boxes.count()
    await expect(selected).to_have_text(f"{total} selected")
    await page.get_by_role("combobox", name="Which rows").focus()
    await keys.press("End")
    await page.get_by_role("combobox", name="Action").focus()
    await keys.type("Add a tag")
    await keys.press("Tab")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Add a tag")
    await expect(page.locator("main")).to_contain_text("records can be changed.")
    count = await page.locator("main").get_by_text("records can be changed.").inner_text()
    assert int(count.split()[0]) > total, "all that match, not the page"

    await page.goto(f"{address}/accounts/")
    await keys.press("n")
    await page.wait_for_url(f"{address}/accounts/new")
    await page.get_by_label("Company name").focus()
    await keys.type("Typed by keys")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Typed by keys")).to_be_visible()

    summary = page.locator("main .actions details.menu > summary")
    await summary.focus()
    await keys.press("Enter")
    archive = page.get_by_text("Archive", exact=True).first
    await expect(archive).to_be_visible()
    await archive.focus()
    await keys.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Keep as it is")).to_be_focused()
    for _ in range(4):
        await keys.press("Tab")
        assert not await page.evaluate(
            "document.querySelector('main').contains(document.activeElement)"
        )
    await keys.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(summary).to_be_focused()


@pytest.mark.parametrize(
    "path", ["/", "/board/", "/orders/", "/orders/new", "/team/2", "/transfer/orders"]
)
async def test_the_focus_is_always_visible(browser: Browser, address: str, path: str) -> None:
    cookies = await cookies_of(browser, address)
    page = await (await browser.new_context(storage_state=cookies)).new_page()
    await page.goto(address + path)
    unseen = []
    for _ in range(30):
        await page.keyboard.press("Tab")
        if not await page.evaluate(SEES_FOCUS):
            unseen.append(await page.evaluate(NAME))

    assert unseen == []


@pytest.mark.parametrize("width", [390, 1280])
async def test_the_palette_opens_by_touch(browser: Browser, address: str, width: int) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": 844},
        has_touch=True,
        storage_state=await cookies_of(browser, address),
    )
    page = await context.new_page()
    await page.goto(f"{address}/accounts/")
    button = page.get_by_role("button", name="Commands")
    box = await button.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 24
    assert await axe_faults(page) == []
    await button.tap()
    palette = page.get_by_role("dialog", name="Find a record or run a command")
    await expect(palette.get_by_role("combobox")).to_be_focused()
    await palette.get_by_role("combobox").fill("new account")
    await palette.get_by_role("option", name="New account", exact=True).tap()
    await page.wait_for_url(f"{address}/accounts/new")
    await button.focus()
    await page.keyboard.press("Space")
    await expect(palette).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()


async def test_without_a_script_the_palette_is_a_link(browser: Browser, address: str) -> None:
    context = await browser.new_context(
        java_script_enabled=False, storage_state=await cookies_of(browser, address)
    )
    page = await context.new_page()
    await page.goto(f"{address}/accounts/")
    await page.get_by_role("link", name="Commands").click()
    assert page.url == f"{address}/search"
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
