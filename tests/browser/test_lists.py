"""How the rows of lists look, and how a deal is moved on its page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from .conftest import USER, in_browser
from .desk import Desk, sit_down

pytestmark = in_browser

LINES = "cell => cell.querySelector('.money').getClientRects().length"
BROKEN = """cells => cells.flatMap(cell => {
    const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const broken = [];
    while (text.nextNode()) {
        for (const word of text.currentNode.data.matchAll(/[A-Za-z]{2,}/g)) {
            const place = document.createRange();
            place.setStart(text.currentNode, word.index);
            place.setEnd(text.currentNode, word.index + word[0].length);
            if (place.getClientRects().length > 1) broken.push(word[0]);
        }
    }
    return broken;
})"""
# The lines of the name in a cell, from the right end of the box before it.
BESIDE = """cell => {
    const box = cell.querySelector('.pick').getBoundingClientRect();
    const name = [...cell.querySelector('.row-link').getClientRects()];
    return name.map(line => Math.round(line.left - box.right));
}"""
LINES_OF_TITLE = """head => {
    const words = document.createRange();
    words.selectNodeContents(head);
    return words.getClientRects().length;
}"""
LINES_OF_ADDRESSES = """addresses => addresses.map(address => {
    const parts = [...address.querySelectorAll('span')];
    return new Set(parts.map(part => Math.round(part.getBoundingClientRect().top))).size;
})"""
HEIGHTS = "times => times.map(time => Math.round(time.getBoundingClientRect().height))"
TITLES = "links => [...new Set(links.map(link => Math.round(link.getBoundingClientRect().left)))]"
LABEL = "cell => getComputedStyle(cell, '::before').content"
EDGE = """cell => {
    const words = document.createRange();
    words.selectNodeContents(cell);
    return Math.round(words.getBoundingClientRect().left - cell.getBoundingClientRect().left);
}"""


@pytest_asyncio.fixture(loop_scope="session", name="desk")
async def _desk(browser: Browser, address: str) -> AsyncIterator[Desk]:
    desk = await sit_down(browser, address, viewport={"width": 1280, "height": 800})
    await desk.open("/")
    yield desk
    await desk.page.context.close()


async def add_deal(desk: Desk, account: str, **values: Any) -> Any:
    made = await desk.call("POST", "/accounts", name=account)
    usual = {"currency": "EUR", "account_id": made["id"], "owner_id": None}
    return await desk.call("POST", "/deals", **(usual | values))


async def test_amounts_and_late_dates_stay_on_one_line_and_names_below_their_head(
    desk: Desk,
) -> None:
    deal = await add_deal(
        desk,
        "ספנות ששון",
        name="Safety gear for the whole fleet and its crews",
        value="1234567.00",
        expected_on="2026-01-17",
    )
    await add_deal(desk, "Oak", name="Recommendation for the whole fleet and its crews")
    await desk.open(f"/deals/?q={deal['name']}")
    row = desk.page.locator("main tbody tr").first

    assert await row.locator("[data-column=value]").evaluate(LINES) == 1
    late = row.locator(".late")
    icon, day = late.locator("svg"), late.locator("time")
    assert await centre(icon) == pytest.approx(await centre(day), abs=4)
    name = row.locator("[data-column=account]")
    stage = row.locator("[data-column=stage]")
    assert await name.evaluate(EDGE) == await stage.evaluate(EDGE)


async def test_no_word_of_the_accounts_is_broken_without_a_script(
    browser: Browser, address: str
) -> None:
    desk = await sit_down(
        browser, address, viewport={"width": 1280, "height": 800}, java_script_enabled=False
    )
    await desk.page.goto(f"{address}/accounts/")
    name = "A company with a long name that takes the room of the other columns for itself"
    await desk.call("POST", "/accounts", name=name, code="A" * 20, country="Netherlands")
    await desk.page.reload()
    cells = desk.page.locator("main tbody td:is([data-column=city], [data-column=country])")
    assert await cells.count() == 40
    assert await cells.evaluate_all(BROKEN) == []
    await desk.page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
async def test_the_lines_of_a_name_begin_beside_its_box(desk: Desk, width: int) -> None:
    await desk.page.set_viewport_size({"width": width, "height": 800})
    for name in ("Beside " + "a long name of a company " * 3, "שם של חברה " * 12):
        await desk.call("POST", "/accounts", name=name)
        await desk.open(f"/accounts/?q={name[:8]}")
        cell = desk.page.locator("main tbody td:has(> .pick)").first
        first, *others = await cell.evaluate(BESIDE)
        assert others, "a name of several lines"
        assert 4 <= first < 14
        assert set(others) == {first}


@pytest.mark.parametrize("width", [1280, 390])
async def test_titles_of_tasks_begin_below_each_other(
    browser: Browser, address: str, width: int
) -> None:
    desk = await sit_down(browser, address, USER, viewport={"width": width, "height": 800})
    await desk.open("/tasks/")
    titles = desk.page.locator(".task-title")
    own = titles.filter(has=desk.page.locator(".task-check"))
    assert 0 < await own.count() < await titles.count()
    assert len(await titles.locator(".row-link").evaluate_all(TITLES)) == 1
    await desk.page.context.close()


@pytest.mark.parametrize("width", [320, 768, 1023])
async def test_day_and_hour_of_a_task_stay_on_one_line(
    browser: Browser, address: str, width: int
) -> None:
    desk = await sit_down(browser, address, USER, viewport={"width": width, "height": 800})
    await desk.open("/tasks/")
    heights = await desk.page.locator("td[data-column=due] time").evaluate_all(HEIGHTS)
    assert heights
    assert max(heights) < 30, heights


async def test_chinese_filters_and_titles_stay_on_one_line(browser: Browser, address: str) -> None:
    desk = await sit_down(browser, address, locale="zh-CN", viewport={"width": 1280, "height": 800})
    await desk.open("/orders/")
    toolbar = await desk.page.locator(".toolbar").bounding_box()
    assert toolbar
    assert toolbar["height"] < 60, "one row of filters"
    await desk.page.set_viewport_size({"width": 390, "height": 800})
    await desk.open("/")
    heads = desk.page.locator(".panel-head:has(> :last-child:not(h2)) h2")
    assert await heads.count() > 4
    for head in await heads.all():
        assert await head.evaluate(LINES_OF_TITLE) == 1, await head.inner_text()
    await desk.page.context.close()


async def test_addresses_have_two_lines_at_most(desk: Desk) -> None:
    await desk.open("/people/")
    addresses = desk.page.locator("main tbody .mail")
    assert await addresses.count() > 10
    assert set(await addresses.evaluate_all(LINES_OF_ADDRESSES)) <= {1, 2}


async def test_a_selection_is_answered_in_sight_on_a_phone(desk: Desk) -> None:
    await desk.page.set_viewport_size({"width": 390, "height": 800})
    await desk.open("/accounts/")
    button = desk.page.get_by_role("button", name="Continue")
    await expect(button).not_to_be_in_viewport()
    await desk.page.locator("main .pick").first.check()
    await expect(button).to_be_in_viewport()
    await button.click(trial=True)  # nothing lies above it


async def test_a_number_that_is_a_link_keeps_its_label_on_a_phone(desk: Desk) -> None:
    await desk.page.set_viewport_size({"width": 390, "height": 800})
    await desk.open("/tags/")
    numbers = desk.page.locator("main tbody td.num")
    links = numbers.filter(has=desk.page.locator("a"))
    assert await links.count()
    for cell in await links.all():
        assert await cell.evaluate(LABEL) == f'"{await cell.get_attribute("data-label")} "'


async def centre(part: Locator) -> float:
    box = await part.bounding_box()
    assert box
    return box["y"] + box["height"] / 2


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_deal_is_moved_and_lost_on_its_page_by_keys(desk: Desk, width: int) -> None:
    await desk.page.set_viewport_size({"width": width, "height": 800})
    deal = await add_deal(desk, "Oak", name="Refit", value="5")
    await desk.open(f"/deals/{deal['id']}")
    path = desk.page.locator(".stage-path")
    await expect(path.locator("[aria-current]")).to_have_text("Qualified")

    await path.get_by_role("button", name="Negotiation").press("Enter")
    await expect(path.locator("[aria-current]")).to_have_text("Negotiation")
    await path.locator("summary", has_text="Lost").press("Enter")
    reason = desk.page.get_by_role("dialog").get_by_label("Why is this deal lost?")
    await expect(reason).to_be_focused()
    await reason.fill("Price")
    await reason.press("Enter")

    await expect(path.locator("[aria-current]")).to_have_text("Lost")
    await expect(desk.page.get_by_text("Price", exact=True)).to_be_visible()
    overflow = "document.documentElement.scrollWidth - innerWidth"
    assert await desk.page.evaluate(overflow) <= 0
