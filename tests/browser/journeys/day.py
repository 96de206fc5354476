"""A user at work: acts with the mouse, the fingers or the keys, and notes each fault of a page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    expect,
)

from tests.browser.checks import WIDTH, reach
from tests.browser.conftest import ADMIN
from tests.browser.words import Words

Hand = Literal["mouse", "touch", "keys"]


@dataclass(frozen=True)
class Manner:
    """How somebody works: the language, the width of the window, the hand, and scripts or none."""

    language: str = "en"
    width: int = 1280
    hand: Hand = "mouse"
    scripts: bool = True

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.hand if self.scripts else 'plain'}"


LOCALES = {"en": "en-GB", "zh_Hans": "zh-CN"}


@dataclass
class Day:
    """A window of a user, and the faults of the pages in it."""

    page: Page
    address: str
    manner: Manner
    words: Words
    faults: list[str] = field(default_factory=list)

    @classmethod
    async def begin(cls, browser: Browser, address: str, manner: Manner) -> Day:
        """Open a window of its own."""
        context = await browser.new_context(
            locale=LOCALES[manner.language],
            viewport={"width": manner.width, "height": 844},
            has_touch=manner.hand == "touch",
            java_script_enabled=manner.scripts,
            reduced_motion="reduce",
        )
        day = cls(await context.new_page(), address, manner, Words(manner.language))
        day.page.on("console", day._hear)
        day.page.on("pageerror", lambda error: day.faults.append(f"{day.page.url}: {error}"))
        day.page.on("response", day._look)
        day.page.on("request", day._note)
        return day

    def _hear(self, message: ConsoleMessage) -> None:
        is_refusal = not self.manner.scripts and "status of 422" in message.text
        if message.type in {"error", "warning"} and not is_refusal:
            self.faults.append(f"{self.page.url}: {message.text}")

    def _look(self, response: Response) -> None:
        # A form that is refused without a script, because the record seems to exist, says why.
        if response.status >= 400 and (self.manner.scripts or response.status != 422):
            self.faults.append(f"{response.request.method} {response.url}: {response.status}")

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.faults.append(f"{self.page.url}: asks a foreign host for {request.url}")

    async def end(self) -> None:
        """Close the window; the day must have been without a fault."""
        assert not self.faults, "\n".join(self.faults)
        await self.page.context.close()

    async def sign_in(self, email: str, password: str = ADMIN[1]) -> None:
        """Sign in by the form, as every day begins."""
        await self.page.goto(f"{self.address}/auth/login")
        await self.fill(self.label("E-mail"), email)
        await self.fill(self.label("Password"), password)
        if self.manner.hand == "keys":
            await self.page.keyboard.press("Enter")
        else:
            await self.press(self.button("Sign in"))
        await self.arrive(self.words("Dashboard"))

    # --- Finding things by their words.

    def label(self, text: str, **values: object) -> Locator:
        return self.page.get_by_label(re.compile(f"^{re.escape(self.words(text, **values))}"))

    def button(self, text: str, **values: object) -> Locator:
        return self._inside.get_by_role("button", name=self.words(text, **values), exact=True)

    def link(self, text: str, **values: object) -> Locator:
        return self._inside.get_by_role("link", name=self.words(text, **values), exact=True)

    @property
    def _inside(self) -> Locator:
        return self.page.locator("main:visible, dialog[open]")

    # --- Acting.

    async def press(self, target: Locator) -> None:
        """Press a button, a link or a box by the hand of this day."""
        if self.manner.hand == "keys":
            await self.reach(target)
            is_box = await target.get_attribute("type") in {"checkbox", "radio"}
            await self.page.keyboard.press("Space" if is_box else "Enter")
        elif self.manner.hand == "touch":
            await target.tap()
        else:
            await target.click()

    async def reach(self, target: Locator) -> None:
        """Press Tab until something has the focus."""
        await reach(self.page, target)

    async def fill(self, target: Locator, text: str) -> None:
        """Write into a field, in place of its text."""
        if self.manner.hand != "keys":
            return await target.fill(text)
        await self.reach(target)
        await self.page.keyboard.press("Control+a")
        await self.page.keyboard.type(text)

    async def filter_by(self, name: str, value: str) -> None:
        """Choose a filter of a list; on a phone they are folded, and wait for a button."""
        is_narrow = self.manner.width < 768
        if is_narrow:
            await self.press(self.page.locator("details.filters > summary"))
        choice = self.page.get_by_role("combobox", name=self.words(name), exact=True)
        await choice.select_option(value)
        if is_narrow or not self.manner.scripts:
            await self.press(self.page.get_by_role("button", name=self.words("Apply")).last)

    async def open_menu(self, name: str, within: Locator | None = None) -> None:
        """Unfold the menu of that name."""
        place = within or self.page.locator("main")
        await self.press(place.locator("summary", has=self.page.get_by_label(name, exact=True)))

    async def open_user_menu(self) -> None:
        await self.press(self.page.locator(".side-foot summary"))

    async def go(self, section: str) -> None:
        """Go to a section by the sidebar or, on a phone, by the bar at the foot."""
        sections = self.page.get_by_role("navigation", name=self.words("Sections"))
        await self.press(sections.get_by_role("link", name=self.words(section), exact=True))

    # --- Seeing.

    async def arrive(self, heading: str | re.Pattern[str]) -> None:
        """Expect a page of that heading, in the language of the day, which fits into the window."""
        await expect(self.page.locator("main h1")).to_have_text(heading, use_inner_text=True)
        await self.settle()
        lang = await self.page.locator("html").get_attribute("lang")
        if (lang or "").replace("-", "_") != self.manner.language:
            self.faults.append(f"{self.page.url}: in {lang}")
        across = await self.page.evaluate(WIDTH)
        if across > self.manner.width:
            self.faults.append(f"{self.page.url}: {across} pixels wide")

    async def told(self, message: str | re.Pattern[str]) -> Locator:
        """Expect a message, and return its note."""
        note = self.page.locator("#toasts .toast-note", has_text=message).last
        await expect(note).to_be_visible()
        await self.settle()
        return note

    async def settle(self) -> None:
        """Wait until the scripts of the page are there."""
        await self.page.wait_for_load_state()
        if self.manner.scripts:
            await self.page.locator("main[data-connected], main:not([data-live])").wait_for()
