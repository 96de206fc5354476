"""A user that was disabled after a form was opened owns nothing new; the message names the user."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Response

from quarterdeck_crm.deals.services import make_order, move_deal
from quarterdeck_crm.models import StageKind, User
from tests.crm.api.conftest import Program
from tests.crm.api.conftest import make_token as make_token
from tests.crm.api.conftest import program as program
from tests.crm.conftest import Auth, MakeUser
from tests.crm.sheets import sheet_to
from tests.crm.test_bulk import form_of, selected
from tests.crm.test_undo import text_of
from tests.crm.trading import Trade

PROBLEM = "Otto is disabled. Choose another user."
FORMS: dict[str, dict[str, str]] = {
    "/accounts/new": {"name": "Wool"},
    "/accounts/1/edit": {},
    "/orders/new": {"account": "Harbour · HARB"},
    "/orders/1/edit": {},
    "/deals/new": {"name": "Refit", "account": "Harbour · HARB"},
    "/deals/1/edit": {},
    "/tasks/new": {"title": "Call"},
    "/tasks/1/edit": {},
}
BODIES: dict[str, dict[str, Any]] = {
    "/accounts": {"name": "Wool"},
    "/orders": {"account_id": 1, "currency": "EUR", "lines": []},
    "/deals": {"account_id": 1, "name": "Refit"},
    "/tasks": {"title": "Call"},
}


@pytest.fixture
async def otto(make_user: MakeUser) -> User:
    return await make_user(name="Otto", email="otto@example.com")


@pytest.fixture
async def records(auth: Auth, user: User, trade: Trade) -> None:
    account = await trade.account(name="Harbour", code="HARB", actor=user)
    await trade.order(account=account, actor=user)
    await trade.deal(account_id=account.id, actor=user)
    await trade.task(account_id=account.id, actor=user)


async def disable(trade: Trade, user: User) -> None:
    async with trade.session() as session:
        (await session.get_one(User, user.id)).is_active = False


def name_in(path: str) -> str:
    return "assignee_id" if path.startswith("/tasks") else "owner_id"


async def refusals(response: Response) -> list[str]:
    assert response.status_code == 422, await response.get_data(as_text=True)
    return [each["detail"] for each in (await response.get_json())["errors"]]


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_names_an_owner_who_was_disabled(
    auth: Auth, trade: Trade, records: None, otto: User, path: str
) -> None:
    sheet = sheet_to(await text_of(await auth.get(path)), path)
    await disable(trade, otto)
    entries = sheet.values | FORMS[path] | {name_in(path): str(otto.id)}
    answer = await auth.client.post(path, form=entries)
    assert answer.status_code == 422
    page = str(await answer.get_data(as_text=True))
    assert PROBLEM in page
    assert "Not a valid choice" not in page


@pytest.mark.parametrize("path", BODIES)
async def test_the_api_names_an_owner_who_was_disabled(
    program: Program, trade: Trade, records: None, otto: User, path: str
) -> None:
    name = name_in(path)
    await disable(trade, otto)
    body = BODIES[path] | {name: otto.id}
    assert await refusals(await program.post(path, body)) == [PROBLEM]
    tag = await program.etag(f"{path}/1")
    changed = await program.patch(f"{path}/1", {name: otto.id}, match=tag)
    assert await refusals(changed) == [PROBLEM]
    gone = await program.patch(f"{path}/1", {name: 999}, match=tag)
    assert await refusals(gone) == ["Choose a user."]
    for owner, problem in ((otto.id, PROBLEM), (999, "Choose a user.")):
        bulk = {"records": path[1:], "action": "owner", "ids": [1], "value": owner}
        assert await refusals(await program.post("/bulk", bulk)) == [problem]


async def test_a_bulk_change_names_an_owner_who_was_disabled(
    auth: Auth, trade: Trade, records: None, otto: User
) -> None:
    preview = await selected(auth, "/accounts/", "owner", 1)
    sheet = form_of(await text_of(await auth.get(preview)), "/bulk/run/")
    await disable(trade, otto)
    answer = await auth.client.post(sheet.action, form=sheet.values | {"value": str(otto.id)})
    assert answer.status_code == 422
    assert PROBLEM in str(await answer.get_data(as_text=True))


async def test_the_order_of_a_deal_whose_owner_was_disabled_belongs_to_its_maker(
    trade: Trade, user: User, moderator: User, otto: User
) -> None:
    deal = await trade.deal(actor=otto)
    async with trade.session() as session:
        won = await move_deal(session, actor=otto, deal_id=deal.id, stage_id=4)
        assert won.kind is StageKind.WON
    await disable(trade, otto)
    async with trade.session() as session:
        order = await make_order(session, actor=moderator, deal_id=deal.id)
    assert order.owner_id == moderator.id
