"""Take a picture of every page of a running CRM, wide and narrow, light and dark.

Run by hand, against a server that has some data::

    python -m tests.browser.screenshots OUT --url http://127.0.0.1:8000 --email admin@example.com

The password comes from the environment variable ``CRM_PASSWORD``, or is asked for. Each page is
also gone over with axe; faults are printed, and serious ones make the exit code 1.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    sync_playwright,
)

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WIDTHS = {1280: 800, 390: 844}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SERIOUS = {"serious", "critical"}

SIGNED_OUT = {
    "login": "/auth/login",
    "register": "/auth/register",
    "reset": "/auth/reset",
}
PAGES = {
    "dashboard": "/",
    "search": "/search?q=a",
    "search-none": "/search?q=zzzzzz",
    "board": "/board/",
    "orders": "/orders/",
    "orders-page-2": "/orders/?page=2&sort=net",
    "orders-none": "/orders/?q=zzzzzz",
    "order-new": "/orders/new",
    "accounts": "/accounts/",
    "account-new": "/accounts/new",
    "goods": "/goods/",
    "good-new": "/goods/new",
    "team": "/team/",
    "audit": "/audit/",
    "person-new": "/team/create",
    "profile": "/auth/profile",
    "password": "/auth/password",
    "not-found": "/no-such-page",
}
# Pages of one row: the first one of the list, and what hangs below its address.
ROWS = {
    "order": ("/orders/", ("", "/edit", "/print")),
    "draft": ("/orders/?state=draft", ("", "/edit")),
    "account": ("/accounts/", ("", "/edit")),
    "good": ("/goods/", ("", "/edit")),
    "user": ("/team/", ("", "/edit")),
}


@dataclass
class Camera:
    """Takes the pictures and remembers the faults."""

    out: Path
    url: str
    faults: int = 0

    def shoot(self, context: BrowserContext, name: str, path: str) -> None:
        """Save one page, as it first stands in the window and in full length."""
        page = context.new_page()
        page.on("pageerror", lambda error: self._complain(name, f"script: {error}"))
        page.on("console", lambda line: self._hear(name, line))
        page.goto(self.url + path, wait_until="networkidle")
        page.screenshot(path=self.out / f"{name}.png", full_page=True)
        for violation in self._violations(page):
            where = violation["nodes"][0]["html"][:120]
            text = f"{violation['impact']}: {violation['help']}: {where}"
            (self._complain if violation["impact"] in SERIOUS else self._say)(name, text)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            self._complain(name, f"{wide} pixels wider than the window")
        page.close()

    def _violations(self, page: Page) -> list[dict[str, Any]]:
        return list(Axe().run(page).response["violations"])

    def _hear(self, name: str, line: ConsoleMessage) -> None:
        if line.type == "error" and "status of 404" not in line.text:
            self._complain(name, line.text)

    def _complain(self, name: str, text: str) -> None:
        self.faults += 1
        self._say(name, text)

    def _say(self, name: str, text: str) -> None:
        sys.stdout.write(f"{name}: {text}\n")


def sign_in(context: BrowserContext, url: str, email: str, password: str) -> None:
    """Sign in as a user would."""
    page = context.new_page()
    page.goto(f"{url}/auth/login")
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.click("main button")
    page.wait_for_url(f"{url}/")
    page.close()


def row_pages(context: BrowserContext, url: str) -> Iterator[tuple[str, str]]:
    """Find the pages of the first row of each list."""
    page = context.new_page()
    for name, (listing, below) in ROWS.items():
        page.goto(url + listing)
        link = page.locator("main .row-link").first
        if link.count():
            path = link.get_attribute("href") or ""
            yield from ((name + part.replace("/", "-"), path + part) for part in below)
    page.close()


def contexts(browser: Browser) -> Iterator[tuple[str, BrowserContext]]:
    """Open a fresh window for each width and scheme."""
    for (width, height), scheme in product(WIDTHS.items(), SCHEMES):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        yield f"{width}-{scheme}", context
        context.close()


def main() -> int:
    """Take all pictures; return 1 if there was a serious fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--email", default="admin@example.com")
    parser.add_argument("--only", default="", help="only pages whose name holds this")
    options = parser.parse_args()
    password = os.environ.get("CRM_PASSWORD") or getpass.getpass()
    options.out.mkdir(parents=True, exist_ok=True)
    camera = Camera(options.out, options.url)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for suffix, context in contexts(browser):
            for name, path in SIGNED_OUT.items():
                if options.only in name:
                    camera.shoot(context, f"{name}-{suffix}", path)
            sign_in(context, options.url, options.email, password)
            for name, path in [*PAGES.items(), *row_pages(context, options.url)]:
                if options.only in name:
                    camera.shoot(context, f"{name}-{suffix}", path)
        browser.close()
    return 1 if camera.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
