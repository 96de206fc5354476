"""Rules of single values, the same in forms, the API, imports and services."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.models import OrderState
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.orders.checks import BEFORE_ORDER, IN_THE_PAST
from quarterdeck_crm.validation import fit_phone, fit_website
from tests.crm.conftest import Auth
from tests.crm.sheets import sheet_to
from tests.crm.trading import Trade

TODAY = utc_now().date()
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("entered", "stored"),
    [
        ("harbour.example", "https://harbour.example"),
        ("www.harbour.example/a?b=c#d", "https://www.harbour.example/a?b=c#d"),
        ("harbour.example:8443", "https://harbour.example:8443"),
        ("bücher.example", "https://bücher.example"),
        ("http://harbour.example", "http://harbour.example"),
        ("https://harbour.example", "https://harbour.example"),
    ],
)
def test_a_website_may_be_a_bare_host(entered: str, stored: str) -> None:
    assert fit_website(entered) == stored


@pytest.mark.parametrize(
    "entered",
    [
        "harbour",
        "javascript:alert(1)",
        "javascript:alert.example",
        "mailto:ada@harbour.example",
        "ada@harbour.example",
        "//harbour.example",
        "harbour.example and more",
        ".example",
        "harbour..example",
    ],
)
def test_other_texts_are_no_website(entered: str) -> None:
    with pytest.raises(ValueError, match="begins with https://"):
        fit_website(entered)


@pytest.mark.parametrize("entered", ["030-0074321", "(5) 555-4729", "+49 30 901820 ext. 7", "112"])
def test_a_phone_has_digits(entered: str) -> None:
    assert fit_phone(entered) == entered


@pytest.mark.parametrize("entered", ["abc", "-", "+"])
def test_a_phone_without_digits_is_refused(entered: str) -> None:
    with pytest.raises(ValueError, match="with its digits"):
        fit_phone(entered)


async def test_a_bare_host_that_is_too_long_with_its_scheme_is_refused(trade: Trade) -> None:
    host = "a." * 146 + "example"  # 299 of 300 characters

    with pytest.raises(ValidationError, match="At most 300 characters"):
        await trade.account(website=host)


async def test_a_good_website_is_stored_and_linked(auth: Auth, trade: Trade) -> None:
    account = await trade.account(website="harbour.example", phone="112")

    text = await (await auth.get(f"/accounts/{account.id}")).get_data(as_text=True)

    assert 'href="https://harbour.example"' in text


async def test_a_new_order_refuses_a_day_of_delivery_in_the_past(trade: Trade) -> None:
    with pytest.raises(ValidationError, match=str(IN_THE_PAST)):
        await trade.order(ordered_on=TODAY - 9 * DAY, required_on=TODAY - 2 * DAY)


async def test_the_day_of_delivery_is_not_before_the_order(trade: Trade) -> None:
    with pytest.raises(ValidationError, match=str(BEFORE_ORDER)):
        await trade.order(ordered_on=TODAY + 9 * DAY, required_on=TODAY + 8 * DAY)


@pytest.mark.parametrize("required_on", [None, TODAY, TODAY + DAY])
async def test_today_and_later_days_are_taken(trade: Trade, required_on: date | None) -> None:
    assert (await trade.order(ordered_on=TODAY, required_on=required_on)).required_on == required_on


@pytest.mark.parametrize("state", [OrderState.DRAFT, OrderState.CONFIRMED])
async def test_a_day_that_has_passed_since_may_stay_but_not_be_changed_to_another(
    as_admin: Auth, trade: Trade, state: OrderState
) -> None:
    order = await trade.order((await trade.good(), 1), state=state)
    async with trade.session() as session:
        old = await trade.reload(session, order.id)
        old.required_on = old.ordered_on = TODAY - 9 * DAY
    page = f"/orders/{order.id}/edit"
    text = await (await as_admin.get(page)).get_data(as_text=True)
    sheet = sheet_to(text, page).values

    past = {"required_on": str(TODAY - 5 * DAY)}
    refused = await as_admin.client.post(page, form=sheet | past)
    kept = await as_admin.client.post(page, form=sheet | {"remark": "Ring twice"})

    assert refused.status_code == 422
    assert str(IN_THE_PAST) in await refused.get_data(as_text=True)
    assert kept.status_code == 303
