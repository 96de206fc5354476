"""The form of a new order, sent more than once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from quart import Quart, Response
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.exceptions import TransactionConflictError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Order, User
from quarterdeck_crm.orders import views
from quarterdeck_crm.orders.services import place_order
from tests.crm.conftest import Auth
from tests.crm.trading import Fields, Trade

pytestmark = [pytest.mark.feature("AP3"), pytest.mark.hazard("sent twice")]

NEW = "/orders/new"


async def opened(auth: Auth, trade: Trade) -> dict[str, str]:
    """Return the form of a new order, filled in."""
    await trade.account(name="Ernst Handel", code="ERNSH")
    await trade.good(name="Chai", code="11")
    form = await fields(await auth.get(NEW))
    lines = {"lines-0-good": "Chai · 11", "lines-0-quantity": "2"}
    return form | {"account": "Ernst Handel · ERNSH"} | lines


async def fields(response: Response) -> dict[str, str]:
    return Fields(await response.get_data(as_text=True)).values


async def send(auth: Auth, form: dict[str, str], **changed: str) -> Response:
    return await auth.client.post(NEW, form=form | changed)


async def orders(app: Quart) -> int:
    async with app.app_context():
        return await db.session.scalar(select(func.count()).select_from(Order)) or 0


async def test_a_form_sent_twice_makes_one_order(app: Quart, auth: Auth, trade: Trade) -> None:
    form = await opened(auth, trade)

    answers = [await send(auth, form) for _ in range(2)]

    assert [(answer.status_code, answer.location) for answer in answers] == [
        (303, "/orders/1"),
        (303, "/orders/1"),
    ]
    assert await orders(app) == 1


async def test_clicks_at_the_same_moment_make_one_order(
    app: Quart, auth: Auth, trade: Trade
) -> None:
    form = await opened(auth, trade)

    answers = await asyncio.gather(*(send(auth, form) for _ in range(5)))

    assert {(answer.status_code, answer.location) for answer in answers} == {(303, "/orders/1")}
    assert await orders(app) == 1


@pytest.mark.hazard("deadlock")
async def test_a_deadlock_is_not_noticed(
    app: Quart, auth: Auth, trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = await opened(auth, trade)
    conflicts = [TransactionConflictError("Deadlock found")]

    async def place(session: AsyncSession, **values: Any) -> Order:
        order = await place_order(session, **values)
        if conflicts:
            raise conflicts.pop()
        return order

    monkeypatch.setattr(views, "place_order", place)
    answer = await send(auth, form)

    assert (answer.status_code, conflicts) == (303, [])
    assert await orders(app) == 1


async def test_two_forms_with_the_same_entries_make_two(
    app: Quart, auth: Auth, trade: Trade
) -> None:
    form = await opened(auth, trade)
    other = await fields(await auth.get(NEW))

    await send(auth, form)
    await send(auth, form, submission=other["submission"])

    assert await orders(app) == 2


async def test_a_form_that_was_refused_is_corrected_under_its_key(
    app: Quart, auth: Auth, trade: Trade
) -> None:
    form = await opened(auth, trade)

    refused = await send(auth, form, currency="E")
    corrected = await send(auth, await fields(refused), currency="EUR")

    assert (refused.status_code, corrected.status_code) == (422, 303)
    assert (await fields(refused))["submission"] == form["submission"]
    assert await orders(app) == 1


async def test_a_form_sent_before_with_other_entries_asks_once_more(
    app: Quart, auth: Auth, trade: Trade
) -> None:
    """As after the browser's Back button."""
    form = await opened(auth, trade)
    await send(auth, form)

    asked = await send(auth, form, remark="Another one")

    assert asked.status_code == 422
    assert "Order Q000001 is created as a draft." in await asked.get_data(as_text=True)
    assert await orders(app) == 1
    assert (await send(auth, await fields(asked))).location == "/orders/2"


async def test_keys_of_two_people_are_two_keys(
    app: Quart, auth: Auth, browser: Callable[[], Auth], moderator: User, trade: Trade
) -> None:
    form = await opened(auth, trade)
    other = browser()
    await other.login(moderator)
    token = await other.token()

    await send(auth, form)
    await send(other, form, csrf_token=token)

    assert await orders(app) == 2


async def test_a_program_without_a_key_is_served_as_ever(
    app: Quart, auth: Auth, trade: Trade
) -> None:
    form = await opened(auth, trade)
    del form["submission"]

    for _ in range(2):
        assert (await send(auth, form)).status_code == 303

    assert await orders(app) == 2
