"""What the scripts of the pages add, and that everything still works where there are none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Dialog, Page, Response, expect

from .conftest import cookies_of, in_browser, sign_in

pytestmark = in_browser

Open = Callable[..., Awaitable[Page]]

FOCUSED = "document.activeElement"


@pytest_asyncio.fixture(loop_scope="session", name="open_page")
async def _open_page(browser: Browser, address: str) -> AsyncIterator[Open]:
    """Open a page in a window of its own, signed in; options are those of the window."""
    contexts: list[BrowserContext] = []
    cookies = await cookies_of(browser, address)

    async def open_page(path: str, **options: Any) -> Page:
        context = await browser.new_context(storage_state=cookies, **options)
        contexts.append(context)
        page = await context.new_page()
        await page.goto(address + path)
        if options.get("java_script_enabled", True):
            await page.locator("main[data-connected], main:not([data-live])").wait_for()
        return page

    yield open_page
    for context in contexts:
        await context.close()


async def test_slash_goes_to_the_search_of_the_list(open_page: Open) -> None:
    page = await open_page("/accounts/")
    await page.keyboard.press("/")
    await expect(page.get_by_placeholder("Search accounts")).to_be_focused()
    await page.keyboard.type("n/j?")
    await expect(page.get_by_placeholder("Search accounts")).to_have_value("n/j?")


async def test_rows_are_walked_and_opened_by_keys(open_page: Open, address: str) -> None:
    page = await open_page("/orders/")
    second = page.locator("main .row-link").nth(1)
    for key in "jjjk":
        await page.keyboard.press(key)
    await expect(second).to_be_focused()
    target = await second.get_attribute("href")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{address}{target}")


async def test_n_opens_a_new_entry(open_page: Open, address: str) -> None:
    page = await open_page("/goods/")
    await page.keyboard.press("n")
    await page.wait_for_url(f"{address}/goods/new")


async def test_help_traps_the_focus_and_gives_it_back(open_page: Open) -> None:
    page = await open_page("/accounts/")
    await page.locator("main .row-link").first.focus()
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    assert not await page.evaluate(f"document.querySelector('main').contains({FOCUSED})")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.locator("main .row-link").first).to_be_focused()


async def test_skip_link_comes_first(open_page: Open) -> None:
    page = await open_page("/orders/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_theme_changes_at_once_and_is_remembered(open_page: Open) -> None:
    page = await open_page("/", color_scheme="light")
    await page.locator(".side-foot summary").click()
    await page.get_by_role("button", name="Dark").click()
    html = page.locator("html")
    await expect(html).to_have_attribute("data-bs-theme", "dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(background)
    response = await page.reload()
    assert response is not None
    assert 'data-bs-theme="dark"' in await response.text()  # no flash of the other one
    assert await page.evaluate(background) == dark
    await page.locator(".side-foot summary").click()
    await page.get_by_role("button", name="As the system").click()
    await expect(html).not_to_have_attribute("data-bs-theme", "dark")
    assert await page.evaluate(background) != dark


async def test_theme_changes_without_a_script(open_page: Open, address: str) -> None:
    page = await open_page("/goods/?q=a", java_script_enabled=False)
    await page.locator(".side-foot summary").click()
    await page.get_by_role("button", name="Dark").click()
    await page.wait_for_url(f"{address}/goods/?q=a")
    await expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


async def test_menu_closes_on_escape_and_on_clicks_elsewhere(open_page: Open) -> None:
    page = await open_page("/orders/1")
    summary = page.locator("main details.menu > summary")
    item = page.get_by_role("link", name="Print")
    await summary.click()
    await expect(item).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Escape")
    await expect(item).to_be_hidden()
    await expect(summary).to_be_focused()
    await summary.click()
    await page.locator("h1").click()
    await expect(item).to_be_hidden()


async def test_question_can_be_refused(open_page: Open) -> None:
    page = await open_page("/accounts/1")
    await page.locator("main .actions details.menu > summary").click()
    await page.get_by_text("Archive", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Keep as it is")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await page.reload()
    await expect(page.locator("main .state-archived")).to_have_count(0)


async def test_question_is_asked_and_answered_without_a_script(open_page: Open) -> None:
    page = await open_page("/accounts/2", java_script_enabled=False)
    await page.locator("main .actions details.menu > summary").click()
    await page.get_by_text("Archive", exact=True).first.click()
    await page.get_by_role("button", name="Archive").click()
    await expect(page.locator("main .state-archived")).to_be_visible()


async def test_unsaved_changes_are_warned_of(open_page: Open, address: str) -> None:
    page = await open_page("/accounts/new")
    asked: list[str] = []

    async def note(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    page.on("dialog", note)
    await page.goto(f"{address}/accounts/new")
    assert asked == []
    await page.get_by_label("Company name").fill("Half done")
    await page.goto(f"{address}/accounts/")
    assert asked == ["beforeunload"]


@pytest.mark.parametrize("script", [True, False])
async def test_first_wrong_field_has_the_focus(open_page: Open, script: bool) -> None:
    page = await open_page("/goods/new", java_script_enabled=script)
    await page.get_by_label("Name").fill("Only a name")
    await page.get_by_role("button", name="Create good").click()
    summary = page.get_by_role("alert")
    await expect(summary).to_contain_text("Please check these entries")
    wrong = page.locator("[aria-invalid=true]").first
    await expect(wrong).to_be_focused()
    assert await wrong.get_attribute("id") != await page.get_by_label("Name").get_attribute("id")
    await expect(page.get_by_label("Name")).to_have_value("Only a name")


async def test_filters_apply_by_themselves(open_page: Open, address: str) -> None:
    page = await open_page("/orders/?sort=net&page=2")
    await expect(page.get_by_role("button", name="Apply")).to_be_hidden()
    await page.locator("select[name=state]").select_option("paid")
    await page.wait_for_url(f"{address}/orders/?sort=net&state=paid")


async def test_filters_apply_without_a_script(open_page: Open) -> None:
    page = await open_page("/orders/", java_script_enabled=False)
    await page.locator("select[name=state]").select_option("paid")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator("main tbody .state")).to_have_count(20)
    await expect(page.locator("main tbody .state-paid")).to_have_count(20)


async def test_toast_can_be_dismissed(open_page: Open) -> None:
    page = await open_page("/auth/profile")
    await page.get_by_role("button", name="Save profile").click()
    toast = page.locator(".toast-note")
    await expect(toast).to_contain_text("Your profile is saved")
    await expect(page.locator("#live")).to_contain_text("Your profile is saved")
    await toast.get_by_role("button", name="Dismiss").click()
    await expect(toast).to_have_count(0)


async def test_numbers_and_days_follow_the_reader(open_page: Open) -> None:
    page = await open_page("/orders/?sort=-net", locale="de-DE")
    amount = page.locator("main td .money data").first
    value = await amount.get_attribute("value")
    assert value is not None
    whole, cents = value.split(".")
    await expect(amount).to_have_text(f"{int(whole):,}".replace(",", ".") + f",{cents}")
    day = page.locator("main td time[data-day]").first
    iso = (await day.get_attribute("datetime") or "").split("-")
    await expect(day).to_have_text(f"{iso[2]}.{iso[1]}.{iso[0]}")


async def test_first_page_is_light_and_stands_still(browser: Browser, address: str) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    sizes: list[int] = []

    async def weigh(response: Response) -> None:
        size = await response.request.sizes()
        sizes.append(size["responseBodySize"] + size["responseHeadersSize"])

    page.on("response", weigh)
    await sign_in(page, address)
    await page.wait_for_load_state("networkidle")
    shift = await page.evaluate(
        """() => new Promise(done => {
          let total = 0;
          new PerformanceObserver(list => {
            for (const entry of list.getEntries()) total += entry.value;
          }).observe({type: "layout-shift", buffered: true});
          setTimeout(() => done(total), 300);
        })"""
    )
    assert 0 < sum(sizes) < 200_000
    assert shift < 0.1
    await context.close()
