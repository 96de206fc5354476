"""A link to an old note opens the record at the note, with and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from .conftest import ADMIN, cookies_of, in_browser

pytestmark = in_browser

# Written after the linked note: more than a page of a timeline.
LATER = [f"Called {number}" for number in range(25)]
TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


async def write_notes(context: BrowserContext, record: str, *bodies: str) -> str:
    """Add notes, and return the address that leads to the first."""
    page = await (await context.request.get(record)).text()
    token = TOKEN.search(page)
    assert token is not None
    links = []
    for body in bodies:
        answer = await context.request.post(
            record, form={"csrf_token": token[1], "body": body}, max_redirects=0
        )
        assert answer.status == 303
        links.append(answer.headers["location"])
    return links[0]


@pytest.mark.parametrize("has_scripts", [True, False])
@pytest.mark.parametrize("width", [1280, 390])
async def test_link_shows_an_old_note(
    browser: Browser, address: str, has_scripts: bool, width: int
) -> None:
    context = await browser.new_context(
        storage_state=await cookies_of(browser, address),
        java_script_enabled=has_scripts,
        viewport={"width": width, "height": 800},
    )
    notes = f"{address}/notes/account/2"
    link = await write_notes(context, notes, "Asked for turquoise rope", *LATER)
    page = await context.new_page()

    await page.goto(f"{address}/accounts/2")
    await expect(page.locator("#timeline-rows")).not_to_contain_text("Asked for turquoise rope")
    await page.goto(address + link)
    note = page.locator("#timeline-rows [aria-current=true]")
    await expect(note).to_contain_text("Asked for turquoise rope")
    await expect(note).to_be_in_viewport(ratio=1)
    await expect(page.locator("#timeline")).to_contain_text("Called 1")  # an answer to it

    await note.get_by_role("link", name="Edit").click()
    await page.get_by_role("link", name="Cancel").click()  # leads back to the note
    await expect(note).to_be_in_viewport(ratio=1)
    await page.get_by_role("link", name="Newest").click()
    await expect(note).to_have_count(0)


async def test_link_of_a_mail_shows_the_note_after_the_sign_in(
    browser: Browser, address: str
) -> None:
    """The form of the sign-in loses the part of the address that scrolls."""
    context = await browser.new_context(
        storage_state=await cookies_of(browser, address), viewport={"width": 390, "height": 800}
    )
    notes = f"{address}/notes/account/3"
    link = await write_notes(context, notes, "Asked for indigo rope", *LATER)

    stranger = await browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 800}
    )
    page = await stranger.new_page()
    await page.goto(address + link)
    await page.get_by_label("E-mail").fill(ADMIN[0])
    await page.get_by_label("Password").fill(ADMIN[1])
    await page.get_by_role("button", name="Sign in").click()
    note = page.locator("#timeline-rows [aria-current=true]")
    await expect(note).to_contain_text("Asked for indigo rope")
    await expect(note).to_be_in_viewport(ratio=1)
    await expect(note).to_be_focused()


async def test_link_to_a_removed_note_says_so(browser: Browser, address: str) -> None:
    context = await browser.new_context(
        storage_state=await cookies_of(browser, address), viewport={"width": 390, "height": 800}
    )
    link = await write_notes(context, f"{address}/notes/account/4", "Never mind")
    page = await context.new_page()
    await page.goto(address + link)
    note = page.locator("#timeline-rows [aria-current=true]")
    await note.locator("summary").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await page.wait_for_url(f"{address}/accounts/4#notes")
    await page.goto(address + link)
    await expect(
        page.get_by_text("The note that the link leads to was removed.")
    ).to_be_in_viewport()
