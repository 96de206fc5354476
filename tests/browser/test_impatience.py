"""Hasty clicks, menus at the edge of the window, and keys that leave a field."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, Response, Route, expect

from .conftest import in_browser
from .desk import Desk, sit_down

pytestmark = in_browser

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
async def test_clicking_the_same_place_again_never_passes_a_question(
    browser: Browser, address: str, script: bool, viewport: dict[str, int]
) -> None:
    maker = await sit_down(browser, address)
    await maker.open("/board/")
    order = await maker.place()
    ada = await sit_down(browser, address, viewport=viewport, java_script_enabled=script)
    await ada.page.goto(f"{address}/orders/{order['id']}")
    box = await ada.page.get_by_role("button", name="Confirm order").bounding_box()
    assert box is not None
    await ada.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(ada.page.get_by_text("Mark as shipped").first).to_be_visible()

    for _ in range(6):
        await ada.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    assert (await maker.call("GET", f"/orders/{order['id']}"))["state"] == "confirmed"


async def test_the_menu_of_a_card_lies_above_the_card(browser: Browser, address: str) -> None:
    ada = await sit_down(browser, address, viewport=WIDE)
    await ada.open("/board/")
    order = await ada.place()
    card = ada.card(order)
    await card.locator("details.menu > summary").click()

    await card.get_by_text("Cancel order").first.click(timeout=5000)

    await expect(ada.page.locator("dialog#ask")).to_contain_text("Cancel this order?")


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
async def test_menus_stay_inside_the_window(
    browser: Browser, address: str, viewport: dict[str, int]
) -> None:
    ada = await sit_down(browser, address, viewport=viewport)
    for path in ("/board/", "/orders/", "/orders/1", "/goods/1", "/accounts/1", "/team/2"):
        await ada.open(path)
        menus = ada.page.locator("details.menu:visible")
        for index in range(min(4, await menus.count())):
            menu = menus.nth(index)
            await menu.locator("> summary").click()
            layer = menu.locator("> div")
            await expect(layer).to_be_visible()
            await _settled(ada.page)
            box = await layer.bounding_box()
            assert box is not None
            assert box["x"] >= 0, (path, index, box)
            assert box["x"] + box["width"] <= viewport["width"], (path, index, box)
            assert box["y"] >= 0, (path, index, box)
            assert box["y"] + box["height"] <= viewport["height"], (path, index, box)
            await ada.page.keyboard.press("Escape")


async def _settled(page: Page) -> None:
    await page.locator("details.menu[open] > div:popover-open").wait_for()
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")


async def test_escape_leaves_the_search_and_n_opens_a_new_order(
    browser: Browser, address: str
) -> None:
    ada = await sit_down(browser, address)
    await ada.open("/")
    palette = ada.page.locator("dialog[open]")
    await ada.page.keyboard.press("/")
    await expect(palette.get_by_role("combobox")).to_be_focused()
    await ada.page.keyboard.press("Escape")
    await expect(palette).to_have_count(0)
    await ada.page.keyboard.press("n")
    await ada.page.wait_for_url("**/orders/new")
    await expect(ada.page.get_by_label("Account", exact=True)).to_be_focused()


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/accounts/new", "Company name"),
        ("/goods/new", "Name"),
        ("/team/new", "Name"),
        ("/accounts/1/contacts/new", "Name"),
    ],
)
async def test_new_forms_focus_their_first_field(
    browser: Browser, address: str, path: str, label: str
) -> None:
    ada = await sit_down(browser, address)
    await ada.open(path)
    await expect(ada.page.get_by_label(label, exact=True).first).to_be_focused()


async def test_the_notice_of_a_second_editor_does_not_cover_the_button(
    browser: Browser, address: str
) -> None:
    first, second = [await sit_down(browser, address, viewport=WIDE) for _ in range(2)]
    await first.open("/board/")
    order = await first.place()
    await _edit(first, order)
    await second.page.goto(f"{address}/orders/{order['id']}/edit")
    save = second.page.get_by_role("button", name="Save order").last
    await second.page.evaluate("document.querySelector('[data-editors]').hidden = false")
    covering = await save.evaluate(
        """(button) => {
          const box = button.getBoundingClientRect();
          const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return top !== button && !button.contains(top);
        }"""
    )
    assert covering is False


async def _edit(desk: Desk, order: dict[str, object]) -> None:
    await desk.page.goto(f"{desk.address}/orders/{order['id']}/edit")


async def test_a_page_that_lost_its_live_part_recovers(browser: Browser, address: str) -> None:
    ada = await sit_down(browser, address)
    await ada.page.route("**/live/start.js", lambda route: route.abort())
    await ada.page.goto(f"{address}/board/")
    quiet = ada.page.locator("#connection")
    await expect(quiet).to_have_text("Connection lost. Trying again.")
    await ada.page.unroute("**/live/start.js")

    await ada.page.locator("main[data-connected]").wait_for(timeout=20_000)
    await expect(quiet).to_be_hidden()


@pytest.mark.parametrize("script", ["crm.js", "dialogs.js", "order-lines.js", "moment.js"])
async def test_a_page_that_lost_a_script_recovers(
    browser: Browser, address: str, script: str
) -> None:
    """The script of a tag, or one that it imports: no element would tell that it is missing."""
    ada = await sit_down(browser, address)
    tries = 0

    async def fail_first(route: Route) -> None:
        nonlocal tries
        tries += 1
        await (route.abort() if tries == 1 else route.continue_())

    await ada.page.route(re.compile(rf"/{re.escape(script)}(\?.*)?$"), fail_first)

    def is_loaded(response: Response) -> bool:
        return f"/{script}" in response.url and response.request.resource_type == "script"

    async with ada.page.expect_response(is_loaded, timeout=20_000) as loaded:
        await ada.page.goto(f"{address}/orders/new")

    assert (await loaded.value).ok
    assert await ada.page.evaluate("sessionStorage.getItem('recovered')")


async def test_a_page_with_entries_is_not_reloaded(browser: Browser, address: str) -> None:
    ada = await sit_down(browser, address)
    blocked = re.compile(r"/crm\.js(\?.*)?$")  # of a tag: what is tried again is blocked as well
    await ada.page.route(blocked, lambda route: route.abort())
    await ada.page.goto(f"{address}/accounts/new")
    quiet = ada.page.locator("#connection")
    await expect(quiet).to_have_text("Connection lost. Trying again.")
    await ada.page.get_by_label("Company name").fill("Typed while offline")
    await ada.page.unroute(blocked)

    await expect(quiet).to_contain_text("a part of this page is missing", timeout=20_000)
    await expect(ada.page.get_by_label("Company name")).to_have_value("Typed while offline")


async def test_a_printed_order_holds_no_forms(browser: Browser, address: str) -> None:
    ada = await sit_down(browser, address)
    await ada.open("/orders/1")
    await ada.page.emulate_media(media="print")
    await expect(ada.page.locator("main input:visible, main textarea:visible")).to_have_count(0)
    await expect(ada.page.locator("main button:visible")).to_have_count(0)
