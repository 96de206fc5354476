"""Several users at once, each in a browser of their own."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, expect

from .conftest import USER, cookies_of, in_browser, sign_in
from .steps import make_account, make_good, make_order

pytestmark = in_browser

CONFIRMED = "The order is confirmed."
REFUSED = "That was not possible"


async def signed_in(browser: Browser, address: str) -> Page:
    context = await browser.new_context(storage_state=await cookies_of(browser, address))
    return await context.new_page()


@pytest.mark.feature("AP3")
async def test_the_last_piece_goes_to_one_of_two(
    browser: Browser, other_browser: Browser, address: str
) -> None:
    first, second = [await signed_in(which, address) for which in (browser, other_browser)]
    await make_account(first, address, "Two buyers")
    await make_good(first, address, "last-lamp", stock=1, price="10")
    for page in (first, second):
        await make_order(page, address, "Two buyers", "last-lamp", quantity=1)

    await asyncio.gather(
        *(page.get_by_role("button", name="Confirm order").click() for page in (first, second))
    )

    for page in (first, second):
        await expect(
            page.get_by_text(CONFIRMED).or_(page.get_by_text(REFUSED)).first
        ).to_be_visible()
    told = [await page.get_by_text(REFUSED).count() for page in (first, second)]
    assert sorted(told) == [0, 1]
    loser = first if told[0] else second
    await expect(loser.get_by_text("last-lamp: 1 ordered, 0 in stock.")).to_be_visible()
    await expect(loser.get_by_role("button", name="Confirm order")).to_be_visible()
    await first.goto(f"{address}/goods/?q=LAST-LAMP")
    await expect(first.locator("main tbody").get_by_text("None left")).to_be_visible()


@pytest.mark.feature("AP3")
async def test_the_second_editor_is_told_and_chooses(
    browser: Browser, other_browser: Browser, address: str
) -> None:
    first, second = [await signed_in(which, address) for which in (browser, other_browser)]
    second.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await make_account(first, address, "Two editors")
    await make_good(first, address, "chain", stock=9, price="10")
    order = await make_order(first, address, "Two editors", "chain", quantity=2)

    await edit_both(first, second, order, quantities=(3, 5))
    panel = second.locator("#conflict")
    await expect(panel).to_contain_text("Another user saved this while you were editing")
    await expect(panel).to_contain_text("Ada Anker")
    await expect(panel.get_by_text("3 × CHAIN")).to_be_visible()
    await expect(second.get_by_label("Quantity").first).to_have_value("5")
    await second.get_by_role("link", name="discard your changes").click()
    await second.wait_for_url(order)
    await expect(second.get_by_text("30.00").first).to_be_visible()

    await edit_both(first, second, order, quantities=(4, 6))
    await expect(panel.get_by_text("4 × CHAIN")).to_be_visible()
    await second.get_by_role("button", name="Save order").last.click()
    await expect(second.get_by_text("The order is saved.").first).to_be_visible()
    await expect(second.get_by_text("60.00").first).to_be_visible()


async def edit_both(first: Page, second: Page, order: str, *, quantities: tuple[int, int]) -> None:
    """Open the editor twice, then save the first and after it the second."""
    for page in (first, second):
        await page.goto(f"{order}/edit")
    for page, quantity in zip((first, second), quantities, strict=True):
        await page.get_by_label("Quantity").first.fill(str(quantity))
        await page.get_by_role("button", name="Save order").last.click()
        saved = page.get_by_text("The order is saved.").or_(page.locator("#conflict"))
        await expect(saved.first).to_be_visible()


@pytest.mark.feature("V2")
async def test_a_disabled_person_is_out_everywhere_at_the_next_click(
    browser: Browser, address: str
) -> None:
    pages = [await (await browser.new_context()).new_page() for _ in range(3)]
    for page in pages:
        await sign_in(page, address, USER)
        await page.goto(f"{address}/goods/")  # pages with live events leave without a click
    admin = await signed_in(browser, address)
    await admin.goto(f"{address}/team/?q={USER[0]}")
    await admin.locator("main .row-link").first.click()
    await admin.locator("main .actions details.menu > summary").click()
    await admin.get_by_role("link", name="Disable", exact=True).click()
    await admin.get_by_role("button", name=re.compile("^Disable")).click()
    await expect(admin.get_by_role("heading", level=1)).to_contain_text("Disabled")

    try:
        for page, section in zip(pages, ("Orders", "Accounts", "Goods"), strict=True):
            await page.get_by_role("link", name=section).first.click()
            await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            await expect(page.get_by_role("navigation", name="Sections")).to_have_count(0)
    finally:
        await admin.locator("main .actions details.menu > summary").click()
        await admin.get_by_role("button", name="Enable").click()
        await expect(admin.get_by_role("heading", level=1)).to_contain_text("Active")
