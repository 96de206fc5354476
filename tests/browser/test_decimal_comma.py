"""A reader in Germany: numbers in lists and in fields, and a form that is saved unchanged."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect

from .conftest import ADMIN, cookies_of, in_browser
from .desk import Desk

pytestmark = [*in_browser]


async def desk_in(browser: Browser, address: str, locale: str, *, script: bool = True) -> Desk:
    context = await browser.new_context(
        storage_state=await cookies_of(browser, address, ADMIN),
        locale=locale,
        java_script_enabled=script,
    )
    return Desk(await context.new_page(), address)


async def make_good(desk: Desk, price: str) -> Any:
    if desk.page.url == "about:blank":
        await desk.open("/accounts/")
    values = {"code": uuid4().hex[:12], "price": price, "currency": "EUR", "stock": 1000}
    return await desk.call("POST", "/goods", name=f"Rope {price}", **values)


def field(page: Page, name: str) -> Any:
    return page.locator(f"input[name='{name}']")


PRICES = {
    "104.3": "104,30",
    "1234.5": "1234,50",
    "18.505": "18,5050",  # 18,505 would also mean eighteen thousand
    "1265793": "1265793",
    "0.125": "0,125",
}


async def test_a_german_reader_edits_prices_with_a_comma(browser: Browser, address: str) -> None:
    desk = await desk_in(browser, address, "de-DE")
    page = desk.page
    for price, shown in PRICES.items():
        good = await make_good(desk, price)

        await desk.open(f"/goods/{good['id']}/edit")
        await expect(field(page, "price")).to_have_value(shown)
        await page.get_by_role("button", name="Artikel speichern").click()
        await page.wait_for_url(f"{address}/goods/{good['id']}")
        await expect(page.get_by_text("Der Artikel wurde gespeichert.").first).to_be_attached()

        stored = await desk.call("GET", f"/goods/{good['id']}")
        assert stored == good
    assert desk.complaints == []


async def test_an_order_keeps_all_its_numbers_when_saved_unchanged(
    browser: Browser, address: str
) -> None:
    desk = await desk_in(browser, address, "de-DE")
    page = desk.page
    good = await make_good(desk, "104.3")
    account = await desk.call("POST", "/accounts", name="Hafenamt")
    line = {"good_id": good["id"], "quantity": 12, "price": "18.505", "discount": "0.125"}
    order = await desk.call(
        "POST", "/orders", account_id=account["id"], currency="EUR", freight="4.5", lines=[line]
    )

    await desk.open(f"/orders/{order['id']}/edit")
    await expect(field(page, "freight")).to_have_value("4,50")
    await expect(field(page, "lines-0-price")).to_have_value("18,5050")
    await expect(field(page, "lines-0-discount")).to_have_value("12,5")
    await expect(page.locator("[data-amount]").first).to_have_text("194,30 EUR")
    await page.get_by_role("button", name="Auftrag speichern").last.click()
    await expect(page.get_by_text("Der Auftrag wurde gespeichert.").first).to_be_attached()

    stored = await desk.call("GET", f"/orders/{order['id']}")
    assert stored == order
    assert desk.complaints == []


async def test_a_suggested_price_is_filled_in_with_a_comma(browser: Browser, address: str) -> None:
    desk = await desk_in(browser, address, "de-DE")
    page = desk.page
    good = await make_good(desk, "104.3")
    await desk.open("/orders/new")
    label = f"{good['name']} · {good['code']}"

    await field(page, "lines-0-good").fill(good["code"])
    options = page.locator("#lines-0-good-options option")
    await expect(options.first).to_have_attribute("label", "104,30 EUR, 1.000 auf Lager")
    await field(page, "lines-0-good").fill(label)

    await expect(field(page, "lines-0-price")).to_have_value("104,30")


async def test_history_of_a_price_reads_like_the_list(browser: Browser, address: str) -> None:
    desk = await desk_in(browser, address, "de-DE")
    page = desk.page
    good = await make_good(desk, "104.3")
    await desk.open(f"/goods/{good['id']}/edit")
    await field(page, "price").fill("1.234,5")

    await page.get_by_role("button", name="Artikel speichern").click()

    await expect(page.locator(".timeline")).to_contain_text("geändert von 104,30 auf 1.234,50")
    await expect(page.locator("dd .money").first).to_have_text(re.compile(r"1\.234,50\sEUR"))


@pytest.mark.parametrize(
    ("locale", "script", "shown"),
    [("en-US", True, "104.30"), ("de-CH", True, "104.30"), ("ar-EG", True, "104.30"),
     ("de-DE", False, "104.30")],
)  # fmt: skip
async def test_other_readers_and_pages_without_script_have_a_point(
    browser: Browser, address: str, locale: str, script: bool, shown: str
) -> None:
    german = await desk_in(browser, address, "de-DE")
    good = await make_good(german, "104.3")
    desk = await desk_in(browser, address, locale, script=script)

    await desk.page.goto(f"{address}/goods/{good['id']}/edit")

    await expect(field(desk.page, "price")).to_have_value(shown)
    await desk.page.locator("main form .btn-primary").click()
    await expect(desk.page.get_by_role("heading", name=good["name"])).to_be_visible()
    assert await german.call("GET", f"/goods/{good['id']}") == good
