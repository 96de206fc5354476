"""Pages whose connection goes away, and pages that never have one."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.demonstration import Demonstrations
from tests.servers import free_port
from tests.serving import serving

from .conftest import MODERATOR, USER, in_browser, sign_in
from .desk import Desk, sit_down

pytestmark = [*in_browser, pytest.mark.feature("WS4"), pytest.mark.timeout(180)]

expect.set_options(timeout=20_000)  # pages ask a busy server less often


async def test_a_page_that_was_offline_catches_up_and_shows_nothing_twice(
    browser: Browser, address: str
) -> None:
    ada = await sit_down(browser, address)
    mika = await sit_down(browser, address, MODERATOR)
    for desk in (ada, mika):
        await desk.open("/board/")
    order = await mika.place()
    await expect(ada.card(order)).to_be_visible()
    quiet = ada.page.locator("#connection")

    await ada.page.context.set_offline(True)
    await expect(quiet).to_have_text("Offline. Changes cannot be saved.")
    await mika.move(order, "confirmed")
    late = await mika.place()
    toasts = await ada.page.locator(".toast-note").count()
    await ada.page.context.set_offline(False)

    await expect(quiet).to_have_text("Connected again.")
    await expect(ada.card(order, "confirmed")).to_be_visible()
    await expect(ada.card(late, "draft")).to_be_visible()
    assert await ada.page.locator(".toast-note").count() <= toasts  # it is seen, not told


async def test_a_page_outlives_a_restart_of_the_server(
    browser: Browser, demonstrations: Demonstrations, tmp_path: Path
) -> None:
    demonstrations.copy(tmp_path)
    port = free_port()
    with serving(tmp_path, port=port) as address:
        context = await browser.new_context()
        ada = Desk(await context.new_page(), address)
        await sign_in(ada.page, address)
        await ada.open("/board/")
        order = await ada.place()
        await expect(ada.card(order, "draft")).to_be_visible()
    await expect(ada.page.locator("#connection")).to_have_text("Connection lost. Trying again.")

    with serving(tmp_path) as elsewhere:  # without Redis: what happens here is nowhere announced
        other = Desk(await context.new_page(), elsewhere)
        await other.open("/orders/")
        await other.move(order, "confirmed")
        await other.page.close()
    await expect(ada.card(order, "draft")).to_be_visible()

    with serving(tmp_path, port=port):
        await expect(ada.card(order, "confirmed")).to_be_visible(timeout=60_000)
        await expect(ada.card(order)).to_have_count(1)
        await expect(ada.page.locator("main")).to_have_attribute("data-connected", "")
        assert ada.complaints == []
        await context.close()


async def test_signing_out_in_one_tab_leads_the_others_to_the_sign_in(
    browser: Browser, address: str
) -> None:
    context = await browser.new_context()
    board = Desk(await context.new_page(), address)
    await sign_in(board.page, address, USER)
    await board.open("/board/?owner=me")
    other = await context.new_page()
    await other.goto(f"{address}/goods/")
    await other.locator(".side-foot summary").click()
    await other.get_by_role("button", name="Sign out").click()

    await expect(board.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert "next=" in board.page.url


@pytest.mark.parametrize("script", [True, False], ids=["no WebSocket", "no script"])
async def test_the_board_is_a_plain_page_without(
    browser: Browser, address: str, script: bool
) -> None:
    maker = await sit_down(browser, address)
    await maker.open("/board/")
    order = await maker.place()
    short = await maker.place(stock=1, quantity=2)
    ada = await sit_down(browser, address, java_script_enabled=script)
    await ada.page.add_init_script("delete window.WebSocket")
    await ada.page.goto(f"{address}/board/")
    await expect(ada.page.get_by_role("list", name="Also here")).to_be_hidden()

    await ada.card(order).locator("summary").first.click()
    await ada.card(order).get_by_role("button", name="Confirm order").click()
    await expect(ada.card(order, "confirmed")).to_be_visible()
    await expect(ada.page.get_by_text("The order is confirmed.").first).to_be_visible()
    await ada.card(short).locator("summary").first.click()
    await ada.card(short).get_by_role("button", name="Confirm order").click()
    await expect(ada.page.get_by_text("Lantern: 2 ordered, 1 in stock.").first).to_be_visible()
    assert ada.complaints == []
