"""An administrator: people who come and go, fields, tags, tokens, the language."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.words import Words

from .day import Day


async def invite(day: Day, name: str) -> None:
    """Add a person to the team, and make the link for signing in."""
    if day.manner.width < 768:
        await day.open_user_menu()
        await day.press(day.page.get_by_role("link", name=day.words("Team"), exact=True).last)
    else:
        await day.go("Team")
    await day.arrive(day.words("Team"))
    await day.press(day.link("Invite person"))
    await day.arrive(day.words("Invite person"))
    await day.fill(day.label("Name"), name)
    await day.fill(day.label("E-mail"), f"{name.replace(' ', '.').lower()}@quarterdeck.example")
    await day.press(day.button("Add to the team"))
    await day.settle()
    await expect(day.page.locator("main h1")).to_contain_text(name)


async def disable(day: Day, name: str) -> None:
    """Disable the person whose page is open."""
    await day.open_menu(day.words("More actions"))
    await day.press(day.link("Disable"))
    await day.arrive(day.words("Disable %(name)s", name=name))
    await day.press(day.button("Disable"))
    await day.told(day.words("%(name)s is disabled and signed out everywhere.", name=name))


async def shape_the_records(day: Day, word: str) -> None:
    """Add a tag and a custom field."""
    await day.open_user_menu()
    await day.press(day.page.get_by_role("link", name=day.words("Tags"), exact=True))
    await day.arrive(day.words("Tags"))
    await day.fill(day.label("Name"), word)
    await day.press(day.button("Add tag"))
    await day.told(day.words("The tag is added."))
    await day.open_user_menu()
    await day.press(day.page.get_by_role("link", name=day.words("Custom fields"), exact=True))
    await day.arrive(day.words("Custom fields"))
    await day.press(day.page.locator("main a[href*='/fields/new/']").first)
    await day.arrive(day.words("New field"))
    await day.fill(day.label("Label"), f"{word} since")
    await day.page.get_by_label(day.words("Type")).select_option("date")
    await day.press(day.button("Add field"))
    await day.told(day.words("The field is added."))


async def make_a_token(day: Day, name: str) -> None:
    """Make a token for a program, and revoke it."""
    await day.open_user_menu()
    await day.press(day.page.get_by_role("link", name=day.words("Profile"), exact=True))
    await day.arrive(day.words("Profile"))
    await day.press(day.link("Make and revoke tokens"))
    await day.arrive(day.words("API tokens"))
    await day.fill(day.label("What it is for"), name)
    await day.press(day.button("Make token"))
    await day.arrive(day.words("Token for %(token)s", token=name))
    await day.press(day.link("Back to the tokens"))
    await day.arrive(day.words("API tokens"))
    row = day.page.get_by_role("row", name=name)
    await day.press(row.locator("summary"))
    await day.press(day.button("Revoke").last)
    await expect(row).to_have_count(0)


async def read_another_language(day: Day) -> None:
    """Choose German in the profile, and the language of the browser again."""
    await day.open_user_menu()
    await day.press(day.page.get_by_role("link", name=day.words("Profile"), exact=True))
    await day.arrive(day.words("Profile"))
    german = Words("de")
    await day.page.locator("[name=language]").select_option("de")
    await day.press(day.button("Save profile"))
    await expect(day.page.locator("main h1")).to_have_text(german("Profile"))
    await day.page.locator("[name=language]").select_option("")
    await day.press(day.page.get_by_role("button", name=german("Save profile")))
    await day.arrive(day.words("Profile"))
