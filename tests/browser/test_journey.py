"""A working day, from signing in to signing out, as a user clicks through it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from .conftest import in_browser, sign_in
from .steps import choose, make_account, make_good

pytestmark = in_browser


@pytest.mark.feature("AP1", "AP3", "F1", "W4")
@pytest.mark.parametrize(
    ("javascript", "width"), [(True, 1280), (False, 390)], ids=["javascript", "plain-phone"]
)
async def test_a_working_day(browser: Browser, address: str, javascript: bool, width: int) -> None:
    context = await browser.new_context(
        java_script_enabled=javascript, viewport={"width": width, "height": 844}
    )
    page = await context.new_page()
    name = "scripted" if javascript else "plain"
    await sign_in(page, address)
    await make_account(page, address, f"Harbour {name}")
    await make_good(page, address, f"lamp-{name}", stock=10, price="19.90")
    await make_good(page, address, f"rope-{name}", stock=5, price="2.05")

    await page.goto(f"{address}/orders/new")
    if javascript:
        await choose(page, "Account", f"Harbour {name}")
        await choose(page, "Good", f"lamp-{name}", 0)
        await choose(page, "Good", f"rope-{name}", 1)
    else:
        await page.get_by_label("Account", exact=True).fill(f"Harbour {name}")
        await page.get_by_label("Good").nth(0).fill(f"lamp-{name}".upper())
        await page.get_by_label("Good").nth(1).fill(f"rope-{name}".upper())
    await page.get_by_label("Quantity").nth(0).fill("3")
    await page.get_by_label("Discount").nth(0).fill("10")
    await page.get_by_label("Quantity").nth(1).fill("2")
    await page.get_by_role("button", name="Create order").click()

    # 3 x 19.90 x 0.9 + 2 x 2.05
    await expect(page.get_by_text("57.83").first).to_be_visible()
    messages = page.get_by_role("region", name="Messages")
    flash = messages.get_by_text(re.compile("is created as a draft"))
    await expect(flash).to_be_visible()
    await page.reload()
    await expect(flash).to_have_count(0)

    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Quantity").nth(1).fill("4")
    await page.get_by_role("button", name="Save order").last.click()
    await expect(page.get_by_text("61.93").first).to_be_visible()

    await page.get_by_role("button", name="Confirm order").click()
    await expect(page.get_by_text("Confirmed").first).to_be_visible()
    await page.goto(f"{address}/goods/?q=LAMP-{name.upper()}")
    await expect(page.get_by_role("cell", name=re.compile("^(In stock )?7$"))).to_be_visible()

    await page.goto(f"{address}/auth/profile")
    await page.locator(".side-foot summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(f"{address}/orders/")
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await context.close()
