"""Filters by days, amounts, accounts and users: in the URL, as chips, and in the API."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from quart import Response

from quarterdeck_crm.models import User
from tests.crm.conftest import Auth
from tests.crm.trading import Trade

ROWS = re.compile(r'class="row-link" href="/\w+/(\d+)"')
CHIP = re.compile(r'<li>(.*?)<a href="\?([^"]*)" aria-label="Remove the filter ([^"]*)"')


async def text_of(response: Response) -> str:
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))


async def rows(auth: Auth, path: str) -> list[int]:
    """Return the ids on a list and in the API, which must be the same."""
    shown = [int(id_) for id_ in ROWS.findall(await text_of(await auth.get(path)))]
    answer = await auth.get(f"/api/v1{path.replace('/?', '?')}")
    found = await answer.get_json()
    assert "items" in found, found
    assert [item["id"] for item in found["items"]] == shown
    return shown


@pytest.fixture
async def filled(auth: Auth, user: User, trade: Trade) -> None:
    """Of each kind two rows that differ by day, amount, account and owner."""
    account = await trade.account(name="Ernst Handel", code="ERNSH", actor=user)
    other = await trade.account(name="Folk och fä")
    cheap, dear = await trade.good(price="9.50"), await trade.good(price="1200")
    days = date(2026, 3, 1), date(2026, 3, 2)
    await trade.order((cheap, 1), account=account, actor=user, ordered_on=days[0])
    await trade.order((dear, 1), account=other, ordered_on=days[1])
    await trade.deal(account_id=account.id, actor=user, value="9.50", expected_on=days[0])
    await trade.deal(account_id=other.id, value="1200", expected_on=days[1])
    await trade.task(account_id=account.id, actor=user, due_on=days[0])
    await trade.task(account_id=other.id, due_on=days[1], due_time="23:30", zone="Asia/Tokyo")
    await trade.task(account_id=other.id)
    await trade.person(account)


async def test_lists_and_api_filter_alike(auth: Auth, user: User, filled: None) -> None:
    today = datetime.now(UTC).date()
    for path, found in {
        "/orders/?date_from=2026-03-02": [2],
        "/orders/?date_to=2026-03-01": [1],
        "/orders/?date_from=2026-03-01&date_to=2026-03-02&sort=date": [1, 2],
        "/orders/?net_from=9.5&net_to=9.5": [1],
        "/orders/?net_from=10&date_from=2026-03-01&account=2&sort=net": [2],
        "/orders/?net_to=10&state=open": [1],
        "/orders/?owner=none": [2],
        f"/orders/?owner={user.id}&date_from=2026-01-01": [1],
        "/orders/?owner=none&sort=account&date_from=2026-01-01": [2],
        "/deals/?expected_from=2026-03-02": [2],
        "/deals/?value_to=9.5": [1],
        "/deals/?value_from=10&account=2": [2],
        f"/deals/?owner={user.id}": [1],
        "/tasks/?day_from=2026-03-02&day_to=2026-03-02": [2],
        "/tasks/?day_to=2026-03-01": [1],
        "/tasks/?account=1": [1],
        "/goods/?price_from=1200&price_to=1200": [2],
        "/goods/?price_to=10": [1],
        f"/accounts/?created_from={today}&owner={user.id}": [1],
        "/accounts/?created_to=2026-01-01": [],
        f"/people/?created_from={today}&account=1": [1],
        "/people/?created_to=2026-01-01": [],
    }.items():
        assert await rows(auth, path) == found, path


async def test_each_filter_has_a_chip_that_removes_it(auth: Auth, user: User, filled: None) -> None:
    path = (
        f"/deals/?q=deal&owner={user.id}&account=1&value_from=2&value_to=9.5&expected_to=2026-03-01"
    )
    chips = {name: query for _t, query, name in CHIP.findall(await text_of(await auth.get(path)))}
    assert list(chips) == [
        f"Owner: {user.name}",
        "Account: Ernst Handel · ERNSH",
        "Expected on up to 1 Mar 2026",
        "Value from 2 to 9.5",
    ]
    left = chips["Value from 2 to 9.5"].replace("&amp;", "&")
    assert left == f"q=deal&sort=expected&owner={user.id}&account=1&expected_to=2026-03-01"


async def test_an_account_is_found_by_its_words(auth: Auth, filled: None) -> None:
    page = await text_of(await auth.get("/orders/?account=ernst"))
    assert ROWS.findall(page) == ["1"]
    assert 'value="Ernst Handel · ERNSH"' in page
    page = await text_of(await auth.get("/orders/?account=nobody"))
    assert "No account fits &#39;nobody&#39;." in page
    assert len(ROWS.findall(page)) == 2


async def test_wrong_values_are_named_and_do_not_filter(auth: Auth, filled: None) -> None:
    for query, problem in {
        "net_from=1,234": "can be read in two ways",
        "net_from=-1": "not negative",
        "net_from=1.2345678": "At most 6 decimals",
        "date_from=2026-02-30": "Enter a date as YYYY-MM-DD.",
        "date_to=0001-01-01": "Enter a day between 1900 and 9900.",
        "date_from=2026-03-02&date_to=2026-03-01": "The end is before the start.",
    }.items():
        page = await text_of(await auth.get(f"/orders/?{query}"))
        assert problem in page, query
        assert len(ROWS.findall(page)) == 2, query
        assert not CHIP.search(page), query
    refused = await auth.get("/api/v1/orders?date_from=2026-03-02&date_to=2026-03-01")
    assert refused.status_code == 400
    assert "The end is before the start." in str(await refused.get_json())
