"""The working day of a salesperson: in two languages, on a screen and a phone, by keys, plain."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from .conftest import MODERATOR, in_browser
from .desk import sit_down
from .journeys import salesperson
from .journeys.day import Day, Manner

pytestmark = [*in_browser, pytest.mark.timeout(240)]

SALESPEOPLE = (
    Manner("en"),
    Manner("zh_Hans", 390, "touch"),
    Manner("en", hand="keys"),
    Manner("zh_Hans", 390, scripts=False),
)


@pytest.mark.feature("AP1", "AP3", "F1", "W4")
@pytest.mark.parametrize("manner", SALESPEOPLE, ids=str)
async def test_a_day_of_a_salesperson(browser: Browser, address: str, manner: Manner) -> None:
    number = 10_000 + uuid4().int % 90_000
    name, phone, spelled = (
        f"Lantern Bay {number}",
        f"+49 40 77{number}",
        f"0049 (0)40/77{number}",
    )
    colleague = await sit_down(browser, address, MODERATOR)
    await colleague.open("/notifications/")
    day = await Day.begin(browser, address, manner)
    await day.sign_in(salesperson.UMA)
    await salesperson.find_new_customer(day, name, phone)
    await salesperson.plan_a_call(day, f"Call {name}")
    await salesperson.call_what_is_due(day, f"Call {name}", name, phone)
    await salesperson.find_by_phone(day, spelled, name)
    await salesperson.mention(day, "Mika Modéer", f"wants lanterns {number}")
    item = colleague.page.locator(".notification", has_text=f"wants lanterns {number}")
    await expect(item).to_contain_text(f"Uma Usher mentioned you at the account {name}.")
    await salesperson.open_a_deal(day, name, f"Lanterns {number}")
    await salesperson.win_it(day, f"Lanterns {number}")
    await salesperson.sell(day)
    await salesperson.keep_the_view(day, f"Ours {number}")
    await salesperson.leave(day)
    await day.end()
