"""Two people at one order, each in a browser of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest
from playwright.async_api import Browser, Page, expect

from .conftest import ARGUMENTS, sign_in
from .test_journey import choose, make_account, make_good

pytestmark = [pytest.mark.external_service("chromium"), pytest.mark.xdist_group("browser")]

MODERATOR = ("mod@quarterdeck.example", "quarterdeck-demo")
Pair = tuple[Page, Page]
numbers = count(1)


@pytest.fixture
async def pair(browser: Browser, chromium: str, address: str) -> AsyncIterator[Pair]:
    """Two people, signed in in two browsers that share nothing."""
    other = await browser.browser_type.launch(executable_path=chromium, args=ARGUMENTS)
    one, two = await browser.new_page(), await other.new_page()
    await sign_in(one, address)
    await sign_in(two, address, MODERATOR)
    yield one, two
    await one.close()
    await other.close()


async def place_order(page: Page, address: str, account: str, good: str) -> str:
    """Order one piece, and return the address of the order."""
    await page.goto(f"{address}/orders/new")
    await choose(page, "Account", account)
    await choose(page, "Article", good)
    await page.get_by_role("button", name="Create order").last.click()
    await expect(page.get_by_role("button", name="Confirm order")).to_be_visible()
    return page.url


async def prepare(page: Page, address: str, *, stock: int) -> tuple[str, str]:
    """Make an account and a good that no other test uses; return their names."""
    number = next(numbers)
    account, good = f"Together {number}", f"last-{number}"
    await make_account(page, address, account)
    await make_good(page, address, good, stock=stock, price="10.05")
    return account, good


@pytest.mark.feature("AP3", "D9")
async def test_of_two_who_confirm_the_last_piece_one_wins_and_one_is_told(
    pair: Pair, address: str
) -> None:
    one, two = pair
    account, good = await prepare(one, address, stock=1)
    await place_order(one, address, account, good)
    await place_order(two, address, account, good)

    await asyncio.gather(
        *(page.get_by_role("button", name="Confirm order").click() for page in pair)
    )

    lack = f"{good}: 1 ordered, 0 in stock."
    for page in pair:
        await expect(
            page.get_by_text("Confirmed").or_(page.get_by_text(lack)).first
        ).to_be_visible()
    told = [await page.get_by_text(lack).count() for page in pair]
    assert sorted(told) == [0, 1]
    await one.goto(f"{address}/goods/?q={good}")
    await expect(one.get_by_role("table").get_by_text("None left")).to_be_visible()


@pytest.mark.feature("D9")
async def test_the_second_editor_is_told_keeps_what_he_typed_and_can_choose(
    pair: Pair, address: str
) -> None:
    one, two = pair
    account, good = await prepare(one, address, stock=50)
    order = await place_order(one, address, account, good)
    await asyncio.gather(*(page.goto(f"{order}/edit") for page in pair))
    await two.get_by_label("Quantity").first.fill("7")
    await two.get_by_label("Remark").fill("By sea")
    await two.get_by_role("button", name="Save order").last.click()
    await expect(two.get_by_role("link", name="Edit")).to_be_visible()

    await one.get_by_label("Quantity").first.fill("4")
    await one.get_by_role("button", name="Save order").last.click()

    alert = one.get_by_role("alert").filter(has_text="Somebody else saved this")
    await expect(alert).to_contain_text("Mika")
    await expect(alert).to_contain_text("7 ×")
    await expect(one.get_by_label("Quantity").first).to_have_value("4")
    await expect(one.get_by_label("Remark")).to_have_value("By sea")

    await one.get_by_role("button", name="Save order").last.click()
    await expect(one.get_by_text("40.20").first).to_be_visible()
    await expect(one.get_by_text("By sea", exact=True)).to_be_visible()


async def test_totals_in_the_browser_equal_the_server_to_the_last_digit(
    pair: Pair, address: str
) -> None:
    """0.1 x 3 is 0.30000000000000004 in floating point; halves go to the even digit."""
    page, _ = pair
    account, good = await prepare(page, address, stock=50)
    await page.goto(f"{address}/orders/new")
    await choose(page, "Account", account)
    lines = [("3", "0.1", ""), ("1", "0.005", ""), ("7", "2.675", "12.5"), ("1", "0.01", "50")]
    for place, (quantity, price, discount) in enumerate(lines):
        await choose(page, "Article", good, place)
        await page.get_by_label("Quantity").nth(place).fill(quantity)
        await page.get_by_label("Price").nth(place).fill(price)
        await page.get_by_label("Discount").nth(place).fill(discount)
    amounts = await page.locator("[data-amount]").all_inner_texts()
    net = await page.locator("#net").inner_text()

    await page.get_by_role("button", name="Create order").last.click()
    await expect(page.get_by_role("button", name="Confirm order")).to_be_visible()

    # 0.3 + 0.005 + 16.384375 + 0.005 = 16.694375
    assert amounts[:4] == ["0.30 EUR", "0.00 EUR", "16.38 EUR", "0.00 EUR"]
    assert net == "16.69 EUR"
    shown = await page.locator(".order-lines tbody td:last-child").all_inner_texts()
    assert shown == amounts[:4]
    assert await page.locator(".order-lines tfoot td").first.inner_text() == net
