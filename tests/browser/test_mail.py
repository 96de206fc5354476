"""Every mail as a mail program shows it: narrow and wide, light and dark, with long contents."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any, Literal

import pytest
from playwright.async_api import Browser
from quart import Quart, render_template

from quarterdeck_crm import create_app, paths

from .checks import WIDTH, axe_faults
from .conftest import in_browser

pytestmark = [*in_browser, pytest.mark.feature("E2")]

TEMPLATES = {path.stem for path in Path(paths.TEMPLATES, "mail").iterdir()} - {"layout"}
WIDTHS = (390, 700)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WORD = "Donaudampfschifffahrtsgesellschaftskapitaen"
URL = f"https://crm.example.com/auth/reset/{'a1B2' * 16}"
ACCOUNT = Some(name="Grubenhagener Maschinen- und Anlagenbaugesellschaft mbH & Co. KG")
USER = Some(name="Ada Anker", email="ada.anker@the-long-name.example.com", role="User")
LINE = Some(
    good=Some(name=WORD, code="A-240"), quantity=Decimal(12), price=Decimal("1220878.64"),
    discount=Decimal("0.1"), amount=Decimal("13185489.312"),
)  # fmt: skip
ORDER = Some(
    number="Q-2026-000123", ordered_on=date(2026, 11, 20), required_on=date(2026, 12, 4),
    currency="EUR", freight=Decimal("149.90"), net=Decimal("13185489.312"), lines=[LINE],
    account=ACCOUNT,
)  # fmt: skip
RUN = Some(due=datetime(2026, 11, 26, 3, tzinfo=UTC), host="web-1", attempts=4, error="x" * 200)
ENVELOPE = Some(subject="Your invitation", recipients=["nobody@example.com"])
SUMMARY = Some(
    changes=[Some(number=ORDER.number, text="State changed", actor=USER.name)],
    counts=[("open", 3)],
    overdue=[ORDER],
)
TASK = Some(
    title=WORD, account=ACCOUNT, due_on=date(2026, 11, 27), due_time="09:30", zone="Europe/Berlin"
)
CONTEXTS: dict[str, dict[str, Any]] = {
    "invitation": {"again_url": URL},
    "reset": {},
    "welcome": {},
    "newcomer": {"newcomer": USER},
    "order_changed": {"actor": USER, "order": ORDER, "account": ACCOUNT, "change": "State changed"},
    "order_confirmation": {"contact": USER, "order": ORDER, "actor": USER},
    "summary": {"summary": SUMMARY},
    "task_reminder": {"task": TASK},
    "notification": {"sentence": f"Ada Anker mentioned you in '{WORD}'", "note": WORD, "url": URL},
    "job_failed": {"name": "Remove files of old imports", "run": RUN},
    "mail_failed": {"envelope": ENVELOPE, "error": "550 unknown mailbox " + "x" * 100},
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Quart:
    return create_app("testing", INSTANCE=str(tmp_path_factory.mktemp("mail")))


async def test_each_mail_is_looked_at() -> None:
    assert CONTEXTS.keys() == TEMPLATES


async def test_nothing_is_cut_off_or_hard_to_read(app: Quart, browser: Browser) -> None:
    mails = {}
    async with app.app_context():
        for name, more in CONTEXTS.items():
            values = {"user": USER, "url": URL, "unsubscribe_url": URL} | more
            mails[name] = await render_template(f"mail/{name}.html", **values)
            text = await render_template(f"mail/{name}.txt", **values)
            assert "\n\n\n" not in text, name
    faults: list[str] = []
    page = await browser.new_page()
    for name, html in mails.items():
        await page.set_content(html)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            if (needed := await page.evaluate(WIDTH)) > width:
                faults.append(f"{name} is {needed} wide at {width}")
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            async with asyncio.timeout(60):
                found = await axe_faults(page, is_part=True)
            faults += [f"{name} {scheme}: {fault}" for fault in found]
    assert faults == []
