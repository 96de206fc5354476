"""A manager: views for all, rows changed and tagged together, duplicates, imports."""

from __future__ import annotations

import re

from playwright.async_api import FilePayload, expect

from .day import Day

MIKA = "mod@quarterdeck.example"


async def share_a_view(day: Day, name: str) -> None:
    """Filter the accounts by an owner, and save that for the team."""
    await day.go("Accounts")
    await day.arrive(day.words("Accounts"))
    await day.filter_by("Owner", "me")
    await expect(day.page).to_have_url(re.compile("owner=me"))
    await day.settle()
    await day.press(day.link("Save view"))
    await day.arrive(day.words("Save the view"))
    await day.fill(day.label("Name"), name)
    await day.press(day.page.locator("[name=is_shared]"))
    await day.press(day.button("Save view"))
    await day.told(day.words("The view '%(name)s' is saved.", name=name))


async def give_away_two(day: Day, to: str) -> None:
    """Select two rows of the list, see what would change, do it, and undo it."""
    picks = day.page.locator("input.pick")
    for number in range(2):
        await day.press(picks.nth(number))
    count = day.words("{count} selected").format(count=2)
    await expect(day.page.locator("[data-count]")).to_have_text(count)
    await day.page.get_by_role("combobox", name=day.words("Action")).select_option("owner")
    await day.press(day.button("Continue"))
    await day.arrive(day.words("Change the owner"))
    await expect(day.page.locator("main")).to_contain_text("2")
    await day.page.get_by_label(day.words("New owner")).select_option(label=to)
    await day.press(day.button("Change the owner"))
    done = day.words("%(num)s record is changed.", num=2)
    await expect(day.page.get_by_role("status").filter(has_text=done)).to_be_visible()
    await day.press(day.button("Undo"))
    await day.arrive(day.words("Undo"))
    undone = day.words("The change of %(num)s record is undone.", num=2)
    await expect(day.page.get_by_role("status").filter(has_text=undone)).to_be_visible()
    await day.press(day.link("Back to the list"))
    await day.arrive(day.words("Accounts"))


async def tag_two(day: Day) -> None:
    """Give the first two rows of the list a tag that neither has, and see it at both."""
    picks = day.page.locator("input.pick")
    for number in range(2):
        await day.press(picks.nth(number))
    await day.page.get_by_role("combobox", name=day.words("Action")).select_option("tag")
    await day.press(day.button("Continue"))
    await day.arrive(day.words("Add a tag"))
    choice = day.page.get_by_label(day.words("Tag"), exact=True)
    some_have = day.words.pattern("%(name)s (on %(count)s of %(total)s)")
    offered = await choice.locator("option").all_inner_texts()
    tag = next(text for text in offered if not some_have.fullmatch(text))
    await choice.select_option(label=tag)
    await day.press(day.button("Add a tag"))
    done = day.words("%(num)s record is changed.", num=2)
    await expect(day.page.get_by_role("status").filter(has_text=done)).to_be_visible()
    await day.press(day.link("Back to the list"))
    await day.arrive(day.words("Accounts"))
    rows = day.page.locator("tbody tr")
    for number in range(2):
        await expect(rows.nth(number).get_by_text(tag, exact=True)).to_be_visible()


async def join_duplicates(day: Day) -> None:
    """Merge the first pair of the list of duplicates."""
    await day.open_user_menu()
    await day.press(day.page.get_by_role("link", name=day.words("Likely duplicates")))
    await day.arrive(day.words("Likely duplicates"))
    await day.press(day.page.get_by_text(day.words("Compare"), exact=True).first)
    await day.arrive(day.words("Compare two records"))
    await day.press(day.button("Merge into one"))
    merged = "The two are merged. All that belonged to them is at %(name)s."
    await day.told(day.words.pattern(merged))


async def import_accounts(day: Day, company: str) -> None:
    """Import a file with a mistake, read the report, and import the corrected one."""
    await day.open_user_menu()
    await day.press(day.page.get_by_role("link", name=day.words("Import and export")))
    await day.arrive(day.words("Import and export"))
    await day.press(day.link("Import accounts"))
    await _upload(day, f"name,code,email\n{company},{company[-5:]},no address\n")
    await expect(day.page.get_by_role("columnheader", name=day.words("Mistake"))).to_be_visible()
    await day.press(day.link("Upload a corrected file"))
    await _upload(day, f"name,code,email\n{company},{company[-5:]},sales@{company[-5:]}.example\n")
    await day.press(day.button("Import now"))
    await day.press(day.link("Show accounts"))
    await day.arrive(day.words("Accounts"))


async def _upload(day: Day, text: str) -> None:
    await day.arrive(day.words("Import accounts"))
    file = FilePayload(name="customers.csv", mimeType="text/csv", buffer=text.encode())
    await day.page.locator("input[type=file]").set_input_files(file)
    await day.press(day.button("Check the file"))
    await day.arrive(day.words("Import of accounts"))
