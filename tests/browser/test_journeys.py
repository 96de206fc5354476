"""Working days of all but salespeople: in two languages, on screens and phones, by keys."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.async_api import Browser

from .conftest import ADMIN, in_browser
from .journeys import administrator, manager, warehouse
from .journeys.day import Day, Manner

pytestmark = [*in_browser, pytest.mark.timeout(240)]

MANAGERS = (Manner("en", 390, "touch"), Manner("zh_Hans"))


@pytest.mark.parametrize("manner", MANAGERS, ids=str)
async def test_a_day_of_a_manager(browser: Browser, address: str, manner: Manner) -> None:
    number = 10_000 + uuid4().int % 90_000
    day = await Day.begin(browser, address, manner)
    await day.sign_in(manager.MIKA)
    await manager.share_a_view(day, f"Team {number}")
    await manager.give_away_two(day, "Uma Usher")
    await manager.tag_two(day)
    await manager.join_duplicates(day)
    await manager.import_accounts(day, f"Breeze {number}")
    await day.end()


ADMINISTRATORS = (Manner("en"), Manner("zh_Hans", 390, "touch"))


@pytest.mark.parametrize("manner", ADMINISTRATORS, ids=str)
async def test_a_day_of_an_administrator(browser: Browser, address: str, manner: Manner) -> None:
    name = f"Nora {uuid4().hex[:6]}"
    day = await Day.begin(browser, address, manner)
    await day.sign_in(ADMIN[0])
    await administrator.invite(day, name)
    await administrator.hand_over_and_disable(day, name, "Uma Usher", f"Quay of {name}")
    await administrator.shape_the_records(day, f"Tender {name[-6:]}")
    await administrator.make_a_token(day, f"Sheet of {name}")
    await administrator.read_another_language(day)
    await day.end()


PACKERS = (Manner("en", hand="keys"), Manner("zh_Hans", 390, scripts=False))


@pytest.mark.parametrize("manner", PACKERS, ids=str)
async def test_a_day_in_the_warehouse(browser: Browser, address: str, manner: Manner) -> None:
    day = await Day.begin(browser, address, manner)
    await day.sign_in(warehouse.YUKI)
    await warehouse.restock(day)
    await warehouse.send_off(day, f"Left on pallet {uuid4().hex[:6]}")
    await day.end()
