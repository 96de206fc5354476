"""An administrator: people who come and go, their records, fields, tags, tokens, the language."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.desk import Desk
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


async def hand_over_and_disable(day: Day, name: str, to: str, account: str) -> None:
    """Disable the person whose page is open; a colleague gets the open records."""
    desk = Desk(day.page, day.address)  # the person works behind the page
    user_id = int(day.page.url.rpartition("/")[2])
    owned: dict[str, int] = {}
    for part in ("east", "west"):
        values = {"name": f"{account} {part}", "owner_id": user_id}
        owned = await desk.call("POST", "/accounts", **values)
        await desk.call("POST", "/tasks", title=f"Visit {account} {part}", assignee_id=user_id)
    await day.open_menu(day.words("More actions"))
    await day.press(day.link("Disable"))
    await day.arrive(day.words("Disable %(name)s", name=name))
    for text in ("%(num)s account", "%(num)s open task"):
        await expect(day.page.locator("main li", has_text=day.words(text, num=2))).to_be_visible()
    await day.page.get_by_label(day.words("Hand over to")).select_option(label=to)
    await day.press(day.button("Hand over and disable"))
    await day.arrive(day.words("Hand over the records"))
    done = day.words("%(num)s record is changed.", num=4)
    await expect(day.page.get_by_role("status").filter(has_text=done)).to_be_visible()
    await day.page.goto(f"{day.address}/accounts/{owned['id']}")
    await day.arrive(f"{account} west")
    await expect(day.page.locator("aside .facts")).to_contain_text(to)
    await day.page.goto(f"{day.address}/team/{user_id}")
    await expect(day.page.locator("main h1 .state")).to_have_text(
        day.words("disabled"), ignore_case=True
    )


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
