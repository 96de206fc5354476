"""Somebody of the warehouse: what is sold out, what leaves the house, a remark for the seller."""

from __future__ import annotations

from playwright.async_api import expect

from .day import Day

YUKI = "yuki.tanaka@quarterdeck.example"


async def restock(day: Day) -> None:
    """Find a good that is sold out by the view of the team, and enter what has come."""
    if day.manner.width < 768:
        await day.open_user_menu()
        await day.press(day.page.get_by_role("link", name=day.words("Goods"), exact=True).last)
    else:
        await day.go("Goods")
    await day.arrive(day.words("Goods"))
    await day.press(day.page.get_by_role("link", name="Sold out"))
    await day.settle()
    good = day.page.locator("main .row-link").first
    name = (await good.inner_text()).strip()
    await expect(day.page.locator("main tbody .state").first).to_contain_text(
        day.words("None left")
    )
    await day.press(good)
    await day.arrive(name)
    await day.press(day.link("Edit"))
    await day.settle()
    await day.fill(day.page.locator("[name=stock]"), "250")
    await day.press(day.page.locator("main form .btn-primary"))
    await day.told(day.words("The good is saved."))
    await expect(day.page.locator("main .figures")).to_contain_text("250")


async def send_off(day: Day, text: str) -> None:
    """Ship an order from the board, look at its paper, and comment on it for its owner."""
    await day.go("Order board")
    await day.arrive(day.words("Order board"))
    card = day.page.locator("#cards-confirmed .board-card").first
    link = card.locator(".row-link")
    number = await link.inner_text()
    menu = day.words("Move order %(number)s", number=number)
    await day.open_menu(menu, card)
    await day.press(card.locator("summary", has_text=day.words("Mark as shipped")))
    await day.press(day.button("Mark as shipped").last)
    shipped = day.page.locator("#cards-shipped").get_by_role("link", name=number)
    await expect(shipped).to_be_visible()
    await day.press(shipped)
    await day.arrive(day.words("Order %(number)s", number=number))
    await expect(day.page.locator("main .state").first).to_have_text(
        day.words("shipped"), ignore_case=True
    )
    await day.fill(day.page.locator("#notes textarea"), text)
    await day.press(day.button("Add note"))
    await day.told(day.words("The note is added."))
    await day.open_menu(day.words("More actions"))
    await day.press(day.page.get_by_role("link", name=day.words("Print"), exact=True))
    await expect(day.page.locator("body")).to_contain_text(number)
