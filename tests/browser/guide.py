"""Take the pictures of the README and of the guide for salespeople: ``make pictures``.

Starts a CRM of its own with demonstration data, and writes ``docs/img/dashboard.png``,
``docs/img/board.png`` and ``docs/img/guide/LANGUAGE/NAME.png``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers import free_port

from .screenshots import ARGUMENTS, CHROMIUM, sign_in

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "img" / "guide"
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
ORDERS = 600
EMAIL, PASSWORD = "user@quarterdeck.example", "quarterdeck-demo"
ADMIN, COLLEAGUE = "admin@quarterdeck.example", "mod@quarterdeck.example"
WIDE, PHONE = (1180, 760), (390, 780)
# The address "first of a list" is that of its first row.
PICTURES = {
    "dashboard": ("/", WIDE),
    "account": ("first of /accounts/?owner=me&sort=-orders", WIDE),
    "deals": ("/deals/board", WIDE),
    "order": ("/orders/new", WIDE),
    "day": ("/tasks/today", WIDE),
    "phone": ("first of /accounts/?owner=me&sort=-orders", PHONE),
}


@contextmanager
def crm() -> Iterator[str]:
    """Serve a CRM with demonstration data, and return its address."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = os.environ | {
            "CRM_CONFIG": "development",
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/guide.db",
        }

        def run(*arguments: str) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, "-m", "quarterdeck_crm", *arguments],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        for arguments in (("db", "upgrade"), ("demo", "--orders", str(ORDERS))):
            if run(*arguments).wait():
                raise SystemExit(f"'crm {' '.join(arguments)}' failed. Run it to see why.")
        server = run("serve", "--bind", f"127.0.0.1:{port}")
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/health/ready", server)
            yield url
        finally:
            server.terminate()
            server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            httpx.get(url, timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("'crm serve' ended. Run it to see why.")


def shoot(browser: Browser, url: str, language: str) -> None:
    """Take all pictures in one language."""
    context = browser.new_context(locale=LOCALES[language], color_scheme="light")
    sign_in(context, url, EMAIL, PASSWORD)
    page = context.new_page()
    folder = OUT / language
    folder.mkdir(parents=True, exist_ok=True)
    for name, (path, (width, height)) in PICTURES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.goto(url + _address(page, url, path))
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"{name}.png")
    context.close()


def shoot_readme(browser: Browser, url: str) -> None:
    """Take the dashboard, and the board while a colleague moves one order and edits another."""
    context, other = (
        browser.new_context(locale=LOCALES["en"], color_scheme="light") for _ in range(2)
    )
    sign_in(context, url, ADMIN, PASSWORD)
    sign_in(other, url, COLLEAGUE, PASSWORD)
    page, editor, mover = context.new_page(), other.new_page(), other.new_page()
    page.set_viewport_size({"width": 1280, "height": 860})
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=OUT.parent / "dashboard.png")
    page.set_viewport_size({"width": 1280, "height": 560})
    page.goto(f"{url}/board/")
    page.locator("main[data-connected]").wait_for()
    drafts = page.locator("#cards-draft .row-link")
    editor.goto(url + (drafts.nth(1).get_attribute("href") or "") + "/edit")
    page.locator(".board-editor").wait_for()
    mover.goto(f"{url}/board/")
    first = mover.locator("#cards-draft .board-card").first
    number = first.locator(".row-link").inner_text()
    first.locator("summary").first.click()
    first.get_by_role("button", name="Confirm order").click()
    page.locator(".toast-note", has_text="confirmed order").wait_for()
    page.locator("#cards-confirmed .row-link", has_text=number).wait_for()
    page.screenshot(path=OUT.parent / "board.png")
    context.close()
    other.close()


def _address(page: Page, url: str, path: str) -> str:
    listing = path.removeprefix("first of ")
    if listing == path:
        return path
    page.goto(url + listing)
    return page.locator("main tbody .row-link").first.get_attribute("href") or listing


def main() -> None:
    with crm() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for language in LOCALES:
            shoot(browser, url, language)
        shoot_readme(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
