"""A browser whose session ends while a form is filled in."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from .conftest import ADMIN, in_browser, sign_in
from .steps import make_account, make_good

pytestmark = [*in_browser, pytest.mark.hazard("session ended")]


async def sign_in_here(page: Page) -> None:
    await page.get_by_label("E-mail").fill(ADMIN[0])
    await page.get_by_label("Password").fill(ADMIN[1])
    await page.get_by_role("button", name="Sign in").click()


async def sign_out_elsewhere(page: Page, address: str) -> Page:
    """Sign out in another window of the same browser, and return that window."""
    other = await page.context.new_page()
    await other.goto(f"{address}/auth/profile")
    await other.evaluate("""() => document.querySelector('form[action="/auth/logout"]').submit()""")
    await other.wait_for_url(f"{address}/auth/login")
    return other


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_an_order_survives_the_end_of_the_session(
    browser: Browser, address: str, script: bool
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await sign_in(page, address)
    name = f"Kept {'with' if script else 'without'} script"
    await make_account(page, address, name)
    await make_good(page, address, name, stock=50, price="10")
    context = await browser.new_context(
        storage_state=await context.storage_state(), java_script_enabled=script
    )
    page = await context.new_page()
    await page.goto(f"{address}/orders/new")
    await page.get_by_label("Account", exact=True).fill(name)
    await page.get_by_label("Good").first.fill(name)
    await page.get_by_label("Quantity").first.fill("7")
    await page.get_by_label("Remark").fill("Ring twice")
    await context.clear_cookies()

    await page.get_by_role("button", name="Create order").click()
    await expect(page.get_by_text("You were signed out, so nothing was saved yet.")).to_be_visible()
    await sign_in_here(page)
    await page.get_by_role("button", name="Back to the form").click()

    await expect(page.get_by_role("alert")).to_contain_text("Nothing was saved yet.")
    await expect(page.get_by_label("Account", exact=True)).to_have_value(re.compile(name))
    await expect(page.get_by_label("Quantity").first).to_have_value("7")
    await expect(page.get_by_label("Remark")).to_have_value("Ring twice")
    await page.get_by_role("button", name="Create order").click()
    await expect(page.get_by_role("button", name="Confirm order")).to_be_visible()
    await expect(page.get_by_text("Ring twice")).to_be_visible()


async def test_an_old_form_is_shown_again_after_a_sign_in_in_another_tab(
    browser: Browser, address: str
) -> None:
    page = await (await browser.new_context()).new_page()
    await sign_in(page, address)
    await page.goto(f"{address}/accounts/new")
    await page.get_by_label("Company name").fill("Second tab")
    other = await sign_out_elsewhere(page, address)
    await sign_in_here(other)
    await other.wait_for_url(f"{address}/")

    await page.get_by_role("button", name="Create account").click()

    await expect(page.get_by_text("because you signed in or out")).to_be_visible()
    await expect(page.get_by_label("Company name")).to_have_value("Second tab")
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_role("heading", name="Second tab")).to_be_visible()
