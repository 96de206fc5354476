"""Handing over the open records of a user by a program."""

from __future__ import annotations

import pytest
from quart import Quart
from sqlalchemy import func, select

from quarterdeck_crm.models import AuditAction, AuditEvent, BulkRun, Scope, User
from tests.crm.conftest import Auth
from tests.crm.test_hand_over import leaving as leaving
from tests.crm.test_hand_over import notified, owners
from tests.crm.trading import Trade

from .conftest import MakeToken, Program


@pytest.fixture
async def office(app: Quart, make_token: MakeToken, admin: User) -> Program:
    """A program of an administrator."""
    return Program(app, await make_token(admin))


async def audited(trade: Trade) -> list[tuple[str, str | None, str | None, object]]:
    async with trade.session() as session:
        found = await session.scalars(select(AuditEvent).order_by(AuditEvent.id))
        return [(each.action.value, each.actor, each.subject, each.detail) for each in found]


async def test_a_program_hands_over_once_and_reads_the_result(
    office: Program, user: User, leaving: User, trade: Trade
) -> None:
    path, body = f"/users/{leaving.id}/hand-over", {"to": user.id, "disables": True}
    first = await office.post(path, body, key="once")
    again = await office.post(path, body, key="once")

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await first.get_data() == await again.get_data()
    started = await first.get_json()
    assert (started["state"], started["total"], started["refused"]) == ("running", 4, [])
    result = await office.read(first.headers["Location"].removeprefix("/api/v1"))
    assert (result["state"], result["total"], result["done"]) == ("done", 4, 4)
    assert await owners(trade) == [[user.id], [user.id], [leaving.id, user.id], [user.id]]
    assert await notified(trade, user) == [("handed_over", "user", leaving.id)]
    async with trade.session() as session:
        assert not (await session.get_one(User, leaving.id)).is_active
        assert await session.scalar(select(func.count(BulkRun.id))) == 1
    events = [each for each in await audited(trade) if each[0] == "records_handed_over"]
    assert [each[1:3] for each in events] == [("admin@example.com", "leaving@example.com")]
    assert events[0][3] == {"token": "Test", "to": "user@example.com", "records": 4}

    nothing = await office.post(path, {"to": user.id})
    assert (await nothing.get_json())["state"] == "done"
    assert len([each for each in await audited(trade) if each[0] == "records_handed_over"]) == 1


async def test_only_administrators_hand_over(
    program: Program,
    by_moderator: Program,
    stranger: Program,
    office: Program,
    app: Quart,
    make_token: MakeToken,
    admin: User,
    user: User,
    leaving: User,
    trade: Trade,
) -> None:
    path, body = f"/users/{leaving.id}/hand-over", {"to": user.id}
    before = await owners(trade)
    reader = Program(app, await make_token(admin, Scope.READ))
    for caller, status in ((program, 403), (by_moderator, 403), (reader, 403), (stranger, 401)):
        assert (await caller.post(path, body)).status_code == status
    assert (await office.post("/users/999/hand-over", body)).status_code == 404
    for to in (leaving.id, 999):
        refused = await office.post(path, {"to": to})
        assert refused.status_code == 422
        assert "Choose a colleague." in await refused.get_data(as_text=True)
    own = await office.post(f"/users/{admin.id}/hand-over", body | {"disables": True})
    assert own.status_code == 409
    assert await owners(trade) == before

    started = await office.post(path, body)
    url = started.headers["Location"].removeprefix("/api/v1")
    assert (await program.get(url)).status_code == 404, "a hand-over of another user"
    assert (await office.get("/hand-overs/nothing")).status_code == 404
    async with trade.session() as session:
        session.add(BulkRun(key="other", user_id=admin.id, kind="deals", action="owner", ids=[1]))
    assert (await office.get("/hand-overs/other")).status_code == 404, "another bulk change"


async def test_the_page_and_the_program_write_the_same_event(
    as_admin: Auth, user: User, leaving: User, trade: Trade
) -> None:
    path = f"/team/{leaving.id}/hand-over"
    await as_admin.post(path, page=path, to=str(user.id))
    event = (await audited(trade))[-1]
    assert event[0] == AuditAction.RECORDS_HANDED_OVER
    assert event[3] == {"to": "user@example.com", "records": 4}
