"""What one user does is seen by another one, without a reload."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from .checks import WIDTH, axe_faults
from .conftest import ADMIN, MODERATOR, in_browser
from .desk import Desk, sit_down

pytestmark = [*in_browser, pytest.mark.timeout(180)]

expect.set_options(timeout=20_000)  # pages ask a busy server less often

ADA, MIKA = "Ada Anker", "Mika Modéer"


@pytest_asyncio.fixture(loop_scope="session")
async def ada(browser: Browser, address: str) -> AsyncIterator[Desk]:
    desk = await sit_down(browser, address, ADMIN)
    yield desk
    assert (desk.complaints, desk.foreign) == ([], [])


@pytest_asyncio.fixture(loop_scope="session")
async def mika(browser: Browser, address: str) -> AsyncIterator[Desk]:
    desk = await sit_down(browser, address, MODERATOR)
    yield desk
    assert (desk.complaints, desk.foreign) == ([], [])


@pytest.mark.feature("WS4")
async def test_the_board_follows_new_orders_and_moves(ada: Desk, mika: Desk) -> None:
    await ada.open("/board/")
    await mika.open("/board/")

    order = await mika.place()
    card = ada.card(order, "draft")
    await expect(card).to_contain_text("Harbour Office")
    await expect(card).to_have_attribute("data-fresh", "")
    await expect(ada.page.locator(".toast-note").last).to_contain_text(
        f"{MIKA} created order {order['number']}."
    )
    await mika.move(order, "confirmed")
    await expect(ada.card(order, "confirmed")).to_be_visible()
    await expect(ada.card(order)).to_have_count(1)
    await expect(mika.card(order, "confirmed")).to_be_visible()
    await expect(mika.page.locator(".toast-note")).to_have_count(0)  # not of one's own doing


@pytest.mark.feature("WS4")
async def test_lists_counters_and_the_order_itself_follow(ada: Desk, mika: Desk) -> None:
    await mika.open("/board/")
    order = await mika.place()
    pages = {}
    for path in ("/orders/?state=draft", "/", f"/orders/{order['id']}"):
        pages[path] = await sit_down_again(ada, path)
    row = pages["/orders/?state=draft"].card(order)
    await expect(row).to_be_visible()
    drafts = pages["/"].page.locator("tr", has=pages["/"].page.locator(".state-draft")).last
    before = await drafts.inner_text()

    await mika.move(order, "confirmed")
    await expect(row).to_have_count(0)  # the filter still holds
    await expect(drafts).not_to_have_text(before)
    for path in ("/orders/?state=draft", "/"):  # it is somebody else's order
        await expect(pages[path].page.locator(".toast-note")).to_have_count(0)
    shown = pages[f"/orders/{order['id']}"].page
    await expect(shown.locator(".toast-note")).to_contain_text(f"{MIKA} confirmed order")
    await expect(shown.locator(".lead-in .state-confirmed")).to_be_visible()
    await expect(shown.locator("summary", has_text="Mark as shipped")).to_be_visible()
    await expect(shown.locator(".timeline li").first).to_contain_text("Confirmed")


async def sit_down_again(desk: Desk, path: str) -> Desk:
    """Open another page in a tab of the same window."""
    tab = Desk(await desk.page.context.new_page(), desk.address)
    await tab.open(path)
    return tab


@pytest.mark.feature("WS4")
async def test_what_happens_while_a_page_is_on_its_way_is_not_missed(ada: Desk, mika: Desk) -> None:
    await mika.open("/board/")
    order = await mika.place()

    async def meanwhile(script: Route) -> None:
        await mika.move(order, "confirmed")  # the page is made, but does not listen yet
        await script.continue_()

    await ada.page.route("**/live/start.js*", meanwhile, times=1)
    await ada.open("/board/")
    await expect(ada.card(order, "confirmed")).to_be_visible()


@pytest.mark.feature("WS4")
async def test_a_card_is_dragged(ada: Desk, mika: Desk) -> None:
    await ada.open("/board/")
    await mika.open("/board/")
    order = await mika.place()

    await mika.drag(order, "confirmed")
    await expect(mika.page.locator(".toast-note")).to_contain_text("The order is confirmed.")
    await expect(mika.card(order, "confirmed")).to_be_visible()
    await expect(ada.card(order, "confirmed")).to_be_visible()

    await mika.drag(order, "paid")
    await expect(mika.page.locator(".toast-warning")).to_contain_text("cannot be moved there")
    await expect(mika.card(order, "confirmed")).to_be_visible()


@pytest.mark.feature("WS4")
async def test_a_card_is_moved_by_keys_and_announced(ada: Desk) -> None:
    await ada.open("/board/")
    order = await ada.place()
    link, keys = ada.card(order).get_by_role("link"), ada.page.keyboard
    said = ada.page.locator("#live")
    await link.focus()

    await keys.press("Space")
    await expect(said).to_contain_text(f"{order['number']}: picked up.")
    await keys.press("ArrowRight")
    await expect(said).to_have_text("Confirmed")
    await keys.press("Escape")
    await expect(said).to_have_text("Put back.")
    await keys.press("Space")
    await keys.press("ArrowRight")
    await keys.press("Space")
    await expect(ada.card(order, "confirmed")).not_to_have_attribute("aria-busy", "true")
    await expect(said).to_have_text("The order is confirmed.")
    await expect(link).to_be_focused()

    await keys.press("Space")
    for _ in range(4):
        await keys.press("ArrowRight")
    await expect(said).to_have_text("Cancelled")
    await keys.press("Enter")
    question = ada.page.get_by_role("dialog")
    await expect(question).to_contain_text("Cancel this order?")
    await question.get_by_role("button", name="Cancel order").click()
    await expect(ada.card(order, "cancelled")).to_be_visible()
    await expect(ada.page.locator(".toast-note").last).to_contain_text("The order is cancelled.")


@pytest.mark.feature("WS4")
async def test_a_refused_move_puts_the_card_back_and_says_why(ada: Desk) -> None:
    await ada.open("/board/")
    order = await ada.place(stock=1, quantity=2)

    await ada.drag(order, "confirmed")
    toast = ada.page.locator(".toast-error")
    await expect(toast).to_contain_text("Lantern: 2 ordered, 1 in stock.")
    await expect(ada.card(order, "draft")).to_be_visible()
    await expect(ada.card(order, "draft")).not_to_have_attribute("aria-busy", "true")


@pytest.mark.feature("WS4")
async def test_nothing_moves_under_the_pointer(ada: Desk, mika: Desk) -> None:
    await ada.open("/board/")
    await mika.open("/board/")
    first, second = await mika.place(), await mika.place()
    await expect(ada.card(second)).to_be_visible()
    await expect(ada.card(first)).to_be_visible()

    await ada.card(first).hover()
    before = await ada.card(first).bounding_box()
    third = await mika.place()
    await mika.move(second, "confirmed")
    await expect(ada.card(second, "confirmed")).to_have_count(0)
    await expect(ada.page.locator("main[data-waiting]")).to_be_attached()
    assert await ada.card(first).bounding_box() == before
    await expect(ada.card(third)).to_have_count(0)

    await ada.page.mouse.move(5, 5)
    await expect(ada.card(third, "draft")).to_be_visible()
    await expect(ada.card(second, "confirmed")).to_be_visible()


@pytest.mark.feature("WS4")
async def test_a_page_that_was_left_alone_is_fresh_when_somebody_comes_back(ada: Desk) -> None:
    await ada.open("/board/")
    token = ada.page.locator("main [name=csrf_token]").first
    await token.evaluate("field => field.setAttribute('value', 'old')")

    await ada.page.evaluate("Date.now = ((now) => () => now + 3_600_000)(Date.now())")
    await ada.page.evaluate("window.dispatchEvent(new Event('focus'))")
    await expect(token).not_to_have_attribute("value", "old")


@pytest.mark.feature("WS4")
async def test_who_is_here_and_who_edits_what(ada: Desk, mika: Desk) -> None:
    await ada.open("/board/")
    await mika.open("/board/")
    users = ada.page.get_by_role("list", name="Also here")
    await expect(users.locator(".person", has_text=MIKA)).to_have_count(1)
    order = await mika.place()

    await mika.open(f"/orders/{order['id']}/edit")
    await expect(ada.card(order)).to_contain_text(f"{MIKA} is editing")
    await ada.open(f"/orders/{order['id']}/edit")
    for desk, other in ((ada, MIKA), (mika, ADA)):
        told = desk.page.locator("[data-editors]")
        await expect(told).to_contain_text(f"Also editing this order: {other}.")
    await mika.open("/goods/")
    await expect(ada.page.locator("[data-editors]")).to_be_hidden()


@pytest.mark.feature("WS4")
async def test_a_form_is_told_and_never_overwritten(ada: Desk, mika: Desk) -> None:
    await mika.open("/board/")
    order = await mika.place()
    await ada.open(f"/orders/{order['id']}/edit")
    await ada.page.get_by_label("Remark").fill("Half a sentence")

    await mika.move(order, "confirmed")
    told = ada.page.get_by_role("alert")
    await expect(told).to_contain_text(f"{MIKA} confirmed order {order['number']}.")
    await expect(ada.page.get_by_label("Remark")).to_have_value("Half a sentence")


@pytest.mark.feature("WS4")
async def test_people_comment_on_an_order_and_mention_each_other(ada: Desk, mika: Desk) -> None:
    await ada.open("/board/")
    order = await ada.place()
    await mika.open("/board/")
    bell = mika.page.locator(".bell .count")
    unread = int(await bell.locator("[data-unread]").inner_text())

    await ada.open(f"/orders/{order['id']}")
    note = ada.page.get_by_placeholder("Write a note")
    await note.press_sequentially(f"Who takes <b>Lisbon</b>? @{MIKA[:3]}")
    await expect(ada.page.get_by_role("option", name=MIKA)).to_have_attribute(
        "aria-selected", "true"
    )
    await note.press("Enter")
    await expect(note).to_have_value(f"Who takes <b>Lisbon</b>? @{MIKA} ")
    await ada.page.wait_for_timeout(300)  # longer than the pause before colleagues are offered
    await expect(ada.page.get_by_role("option")).to_have_count(0)
    await ada.page.get_by_role("button", name="Add note").click()
    said = ada.page.locator("#timeline .of-notes")
    await expect(said).to_contain_text("Who takes <b>Lisbon</b>?")

    sentence = f"{ADA} mentioned you at order {order['number']}."
    await expect(mika.page.locator(".toast-note")).to_contain_text([sentence])
    await expect(bell).to_contain_text(str(unread + 1))
    beside = (await sit_down_again(mika, "/tasks/")).page.locator(".bell [data-unread]")
    await expect(beside).to_have_text(str(unread + 1))
    await mika.page.goto(f"{mika.address}/notifications/")
    await mika.page.get_by_role("link", name=sentence).click()
    await expect(mika.page.locator("#timeline .of-notes")).to_be_visible()
    await expect(bell.locator("[data-unread]")).to_have_text(str(unread))
    await expect(beside).to_have_text(str(unread))


@pytest.mark.feature("WS4")
async def test_the_account_and_the_team_follow(ada: Desk, mika: Desk) -> None:
    await ada.open("/")
    account = await ada.call("POST", "/accounts", name="Old name")
    await mika.open(f"/accounts/{account['id']}")
    team = await sit_down_again(mika, "/team/")

    await ada.page.goto(f"{ada.address}/accounts/{account['id']}/edit")
    await ada.page.get_by_label("Company name").fill("New name")
    await ada.page.get_by_role("button", name="Save").click()
    await expect(mika.page.get_by_role("heading", name="New name")).to_be_visible()
    await expect(mika.page).to_have_title("New name · Quarterdeck")

    await ada.page.goto(f"{ada.address}/auth/profile")
    await ada.page.get_by_label("Name").fill("Ada Ankersmit")
    await ada.page.get_by_role("button", name="Save profile").click()
    await expect(team.page.get_by_role("link", name="Ada Ankersmit")).to_be_visible()
    await ada.page.get_by_label("Name").fill(ADA)
    await ada.page.get_by_role("button", name="Save profile").click()
    await expect(team.page.get_by_role("link", name=ADA)).to_be_visible()


@pytest.mark.feature("WS4")
async def test_the_board_is_sound_while_it_is_live(ada: Desk, mika: Desk) -> None:
    await ada.open("/board/")
    await mika.open("/board/")
    await mika.place()
    for width in (1280, 390):
        await ada.page.set_viewport_size({"width": width, "height": 844})
        assert await ada.page.evaluate(WIDTH) <= width
        assert await axe_faults(ada.page) == []
