"""A salesperson: calls, notes, deals and orders of accounts of their own."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.async_api import Locator, expect

from .day import Day

UMA = "user@quarterdeck.example"
NAMESAKE = "Hughes Ltd"  # is in the demonstration data
GOOD = "LIT-127"  # 120 anchor lights in stock


async def find_new_customer(day: Day, name: str, phone: str) -> None:
    """Add an account: the form warns of its namesake, and of nothing once it has its own name."""
    await day.go("Accounts")
    await day.arrive(day.words("Accounts"))
    await day.press(day.link("New account"))
    await day.arrive(day.words("New account"))
    await day.fill(day.label("Company name"), NAMESAKE)
    panel = day.page.locator("[data-similar-panel]")
    if day.manner.scripts:
        await expect(panel.get_by_role("link", name=NAMESAKE)).to_be_visible()
    else:
        await day.press(day.button("Create account"))
        await expect(panel.get_by_role("link", name=NAMESAKE)).to_be_visible()
    await day.fill(day.label("Company name"), name)
    if day.manner.scripts:
        await expect(panel).to_be_hidden()
    await day.fill(day.label("Phone"), phone)
    await day.press(day.button("Create account"))
    await day.told(day.words("The account is created."))
    await day.arrive(name)


async def plan_a_call(day: Day, title: str) -> None:
    """Add a task for today to the account that is open."""
    tasks = day.page.locator("#tasks")
    await day.fill(tasks.get_by_label(day.words("New task")), title)
    await tasks.get_by_label(day.words("Due date")).fill(datetime.now(UTC).date().isoformat())
    await day.press(tasks.get_by_role("button", name=day.words("Add task")))
    await day.told(day.words("The task '%(title)s' is added.", title=title))


async def call_what_is_due(day: Day, title: str, name: str, phone: str) -> None:
    """Find the task of today, look up the number, and mark the task as done."""
    await day.go("Dashboard")
    await day.arrive(day.words("Dashboard"))
    await day.press(day.link("My day"))
    await day.arrive(day.words("My day"))
    row = day.page.locator("#today-rows li", has_text=title)
    await day.press(row.get_by_role("link", name=name, exact=True))
    await day.arrive(name)
    dial = day.page.locator("#overview").get_by_role("link", name=phone)
    await expect(dial).to_have_attribute("href", f"tel:{phone.replace(' ', '')}")
    await day.page.go_back()
    await day.arrive(day.words("My day"))
    if day.manner.hand == "keys":
        await day.reach(row.get_by_role("link", name=title, exact=True))
        await day.page.keyboard.press("x")
    else:
        await day.press(
            row.get_by_role("button", name=day.words("Mark as done: %(title)s", title=title))
        )
    await day.told(day.words("The task is done."))
    await expect(row).to_have_count(0)


async def find_by_phone(day: Day, spelled: str, name: str) -> None:
    """Find an account by its number, spelled in another way."""
    if not day.manner.scripts or day.manner.hand == "touch":
        field = day.page.get_by_role("searchbox", name=day.words("Search everything"))
        await field.fill(spelled)
        await field.press("Enter")
        await day.arrive(re.compile(re.escape(spelled)))
        await day.press(day.page.locator("main").get_by_role("link", name=name))
    else:
        await day.page.keyboard.press("Control+k")
        palette = day.page.get_by_role("dialog", name=day.words("Find a record or run a command"))
        await palette.get_by_role("combobox").fill(spelled)
        found = palette.get_by_role("option", name=name)
        await expect(found).to_be_visible()
        if day.manner.hand == "keys":
            await day.page.keyboard.press("Enter")
        else:
            await day.press(found)
    await day.arrive(name)


async def mention(day: Day, colleague: str, text: str) -> None:
    """Write a note on the record that is open, which tells a colleague."""
    area = day.page.locator("#notes textarea")
    if day.manner.scripts:
        await day.reach(area) if day.manner.hand == "keys" else await area.click()
        await day.page.keyboard.type(f"@{colleague[:3]}")
        await expect(day.page.get_by_role("option", name=colleague)).to_be_visible()
        await day.page.keyboard.press("Enter")
        await day.page.keyboard.type(text)
    else:
        await area.fill(f"@{colleague} {text}")
    await day.press(day.button("Add note"))
    await day.told(day.words("The note is added."))
    await expect(day.page.locator("#timeline .prose", has_text=text)).to_be_visible()


async def open_a_deal(day: Day, account: str, deal: str) -> None:
    """Add a deal to the account that is open."""
    await day.press(day.page.locator("#deals").get_by_role("link", name=day.words("New deal")))
    await day.arrive(day.words("New deal"))
    await expect(day.label("Account")).to_have_value(re.compile(f"^{re.escape(account)}"))
    await day.fill(day.label("Name"), deal)
    await day.fill(day.label("Value"), "2400")
    await day.press(day.button("Add deal"))
    await day.told(day.words("The deal '%(name)s' is added.", name=deal))
    await day.arrive(deal)


async def win_it(day: Day, deal: str) -> None:
    """Take the deal over the board to the next stage, and win it there."""
    await day.go("Deals")
    await day.arrive(day.words("Deal board"))
    search = day.page.get_by_role("searchbox", name=day.words("Search deals"))
    await search.fill(deal)
    await search.press("Enter")
    await expect(day.page).to_have_url(re.compile(r"[?&]q="))
    await day.settle()
    card = day.page.locator(".board-card", has_text=deal)
    await expect(card).to_have_count(1)
    for stage in ("Offer sent", "Won"):
        await _move(day, card, deal, stage)  # the second before the first is answered
    await expect(card).not_to_have_attribute("aria-busy", "true")
    await expect(day.page.locator(".board-fold:not([open])")).to_have_count(0)
    await day.press(card.get_by_role("link", name=deal))
    await day.arrive(deal)
    await day.press(day.button("Make an order"))
    await day.arrive(day.words.pattern("Order %(number)s"))


async def _move(day: Day, card: Locator, deal: str, stage: str) -> None:
    column = day.page.locator(f'.board-column[data-label="{stage}"]')
    if day.manner.hand == "keys":
        await day.reach(card.get_by_role("link", name=deal))
        await day.page.keyboard.press("Space")
        steps = {"Offer sent": 1, "Won": 2}[stage]
        for _ in range(steps):
            await day.page.keyboard.press("ArrowRight")
        await day.page.keyboard.press("Space")
    elif day.manner.hand == "mouse" and day.manner.scripts and stage == "Offer sent":
        await card.get_by_role("link").drag_to(column)
    else:
        await day.open_menu(day.words("Move %(name)s", name=deal), card)
        await day.press(card.get_by_role("button", name=stage, exact=True))
    await expect(column.locator(".board-card", has_text=deal)).to_be_visible()


async def sell(day: Day) -> None:
    """Write the lines of the order that is open, confirm it, undo that, and confirm it again."""
    await day.press(day.link("Edit"))
    await day.arrive(day.words.pattern("Edit order %(number)s"))
    good = day.label("Good").first
    if day.manner.scripts:
        await day.fill(good, GOOD)
        option = day.page.locator(f"#{await good.get_attribute('list')} option").first
        await expect(option).to_be_attached()
        await day.fill(good, await option.get_attribute("value") or "")
        line = day.page.locator("[data-line]").first
        stock = day.words("{price} {currency}, {number} in stock")
        await expect(line.locator("[data-hint]")).to_contain_text(stock.rpartition("}")[2].strip())
        quantity = day.label("Quantity").first
        await day.fill(quantity, "100000")
        short = day.words.pattern("Only {number} in stock")
        await expect(line.locator("[data-short]")).to_have_text(short)
    else:
        await good.fill(GOOD)
        quantity = day.label("Quantity").first
    await day.fill(quantity, "2")
    await day.press(day.button("Save order").last)
    await day.told(day.words("The order is saved."))
    await day.press(day.button("Confirm order"))
    note = await day.told(day.words("The order is confirmed."))
    await day.press(note.get_by_role("button", name=day.words("Undo")))
    await day.told(day.words("Undone."))
    await day.press(day.button("Confirm order"))
    await day.told(day.words("The order is confirmed."))


async def keep_the_view(day: Day, name: str) -> None:
    """Filter the orders, and save that as a view."""
    await day.go("Orders")
    await day.arrive(day.words("Orders"))
    await day.filter_by("State", "confirmed")
    await day.press(day.link("Save view"))
    await day.arrive(day.words("Save the view"))
    await day.fill(day.label("Name"), name)
    await day.press(day.button("Save view"))
    await day.told(day.words("The view '%(name)s' is saved.", name=name))
    await expect(
        day.page.get_by_role("navigation", name=day.words("Views")).get_by_role("link", name=name)
    ).to_have_attribute("aria-current", "page")


async def leave(day: Day) -> None:
    """Sign out; the palette forgets what was open."""
    if day.manner.scripts:
        assert await day.page.evaluate("localStorage.getItem('recent')")
    await day.open_user_menu()
    await day.press(day.page.get_by_role("button", name=day.words("Sign out"), exact=True))
    await day.told(day.words("You are signed out."))
    if day.manner.scripts:
        assert await day.page.evaluate("localStorage.getItem('recent')") is None
