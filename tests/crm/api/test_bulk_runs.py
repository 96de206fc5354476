"""Bulk changes that stopped before their end, resumed by a program."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import select, update

from quarterdeck_crm.bulk.hand_over import start_hand_over
from quarterdeck_crm.bulk.runs import BATCH
from quarterdeck_crm.models import Account, BulkRun, Role, RunState, Scope, User
from quarterdeck_crm.models.columns import utc_now
from tests.crm.conftest import MakeUser
from tests.crm.trading import Trade

from .conftest import MakeToken, Program

STOPPED = {"state": RunState.RUNNING, "beat_at": utc_now() - timedelta(days=1)}


async def add_run(trade: Trade, user: User, ids: list[int], **values: Any) -> str:
    """Add a run that gives accounts to nobody, and return its address."""
    usual = {"kind": "accounts", "action": "owner", "value": None, "ids": ids}
    async with trade.session() as session:
        session.add(BulkRun(key="mine", user_id=user.id, **usual | values))
    return "/bulk-runs/mine"


async def owners(trade: Trade) -> list[int | None]:
    async with trade.session() as session:
        return [*await session.scalars(select(Account.owner_id).order_by(Account.id))]


async def finished(program: Program, path: str) -> Any:
    """Return a run after its work in the background."""
    await asyncio.gather(*program.app.background_tasks)
    return await program.read(path)


@pytest.mark.feature("AP4")
async def test_a_stopped_change_goes_on_with_the_records_that_are_left(
    program: Program, user: User, make_user: MakeUser, trade: Trade
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    accounts = [await trade.account(actor=user) for _ in range(BATCH + 3)]
    theirs = await trade.account(actor=other, name="Theirs")
    ids = [*(each.id for each in accounts), theirs.id]
    path = await add_run(trade, user, ids, position=2, done=2, **STOPPED)
    before = await program.read(path)
    assert before == {
        "key": "mine", "state": "running", "interrupted": True, "total": BATCH + 4,
        "left": BATCH + 2, "done": 2, "refused": [], "records": "accounts", "action": "owner",
    }  # fmt: skip

    answers = await asyncio.gather(*(program.post(f"{path}/resume", None) for _ in range(3)))
    assert [each.status_code for each in answers] == [200, 200, 200]
    after = await finished(program, path)

    assert (after["state"], after["left"], after["done"]) == ("done", 0, BATCH + 3)
    assert [each["name"] for each in after["refused"]] == ["Theirs"]
    assert await owners(trade) == [user.id] * 2 + [None] * (BATCH + 1) + [other.id]
    for account in accounts:
        changes = ["created"] if account in accounts[:2] else ["changed", "created"]
        assert await trade.history(account) == changes, "once, and those before it not again"
    again = await program.post(f"{path}/resume", None)
    assert await again.get_json() == after


async def test_a_stopped_hand_over_can_be_resumed(
    app: Quart, admin: User, user: User, make_user: MakeUser, make_token: MakeToken, trade: Trade
) -> None:
    leaving = await make_user(Role.USER, email="leaving@example.com")
    await trade.account(actor=leaving)
    async with trade.session() as session:
        run, _is_new = await start_hand_over(
            session, actor=admin, user_id=leaving.id, to_id=user.id, disables=False
        )
    async with trade.session() as session:
        await session.execute(update(BulkRun).values(**STOPPED))
    office = Program(app, await make_token(admin))
    shown = await office.read(f"/hand-overs/{run.key}")
    assert (shown["interrupted"], shown["left"]) == (True, 1)

    resumed = await office.post(f"/bulk-runs/{run.key}/resume", None)

    result = await resumed.get_json()
    assert (result["records"], result["action"]) == ("team", "hand over")
    assert (result["state"], result["interrupted"], result["left"]) == ("done", False, 0)
    assert await owners(trade) == [user.id]


async def test_only_a_stopped_change_is_resumed(program: Program, user: User, trade: Trade) -> None:
    account = await trade.account(actor=user)
    path = await add_run(trade, user, [account.id])
    assert (await program.read(path))["state"] == "ready"
    ready = await program.post(f"{path}/resume", None)
    assert ready.status_code == 409
    assert "Start it on its page." in await ready.get_data(as_text=True)

    async with trade.session() as session:
        await session.execute(update(BulkRun).values(state=RunState.RUNNING, beat_at=utc_now()))
    running = await program.post(f"{path}/resume", None)

    assert (running.status_code, (await running.get_json())["left"]) == (200, 1)
    assert await owners(trade) == [user.id]


async def test_changes_of_others_are_hidden(
    app: Quart,
    program: Program,
    by_moderator: Program,
    user: User,
    make_token: MakeToken,
    trade: Trade,
) -> None:
    account = await trade.account(actor=user)
    path = await add_run(trade, user, [account.id], **STOPPED)
    reader = Program(app, await make_token(user, Scope.READ))

    assert (await by_moderator.get(path)).status_code == 404
    assert (await by_moderator.post(f"{path}/resume", None)).status_code == 404
    assert (await reader.get(path)).status_code == 200
    assert (await reader.post(f"{path}/resume", None)).status_code == 403
    assert (await program.post("/bulk-runs/none/resume", None)).status_code == 404
    assert await owners(trade) == [user.id]
