"""A merge, an import or an undo meets another change of the same records: one waits."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import select

from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.bulk.kinds import get_kind
from quarterdeck_crm.bulk.runs import create_run, start_run, start_undo, work_off
from quarterdeck_crm.deals.services import make_order, move_deal
from quarterdeck_crm.deals.stages import (
    list_stages,
)
from quarterdeck_crm.duplicates.services import merge
from quarterdeck_crm.errors import (
    ConflictError,
)
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import (
    Account,
    Contact,
    Deal,
    Note,
    Order,
    SavedView,
    StageKind,
    Task,
    UndoStep,
    User,
)
from quarterdeck_crm.saved_views.services import delete_view, get_view, update_view
from quarterdeck_crm.transfer.importing import Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import
from tests.servers import Server

from .test_mariadb import empty_tables
from .trading import Trade
from .transactions import at_once, lock_wait, meanwhile, run

pytestmark = [
    pytest.mark.external_service("MariaDB"),  # SQLite has no such moments: one writes at a time
    pytest.mark.hazard("a row that goes between a check and a write"),
]


@pytest.fixture
def settings(maria: Server) -> dict[str, Any]:
    return {"DATABASE_URL": f"mysql+aiomysql://root@127.0.0.1:{maria.port}/merged_meanwhile"}


@pytest.fixture(autouse=True)
async def _tables(app: Quart, maria: Server) -> None:
    await empty_tables(app, maria)


@pytest.mark.parametrize("change", ["renamed", "deleted"])
async def test_a_saved_view_that_changes_while_its_account_is_merged(
    app: Quart, trade: Trade, user: User, change: str
) -> None:
    kept, gone = await trade.account(), await trade.account()
    row = await trade.view(actor=user, arguments=f"account={gone.id}")
    versions = {"keep": (kept.id, kept.version), "other": (gone.id, gone.version)}

    async with app.app_context(), db.new_session() as session:
        async with session.transaction():
            view = await get_view(session, view_id=row.id, actor=user)
            if change == "renamed":
                values = {"name": "New"}
                await update_view(session, actor=user, view=view, values=values, version=1)
            else:
                await delete_view(session, actor=user, view=view)
            works = at_once(app, run(merge, actor=None, kind="account", **versions))
            merging = asyncio.create_task(works)
            await lock_wait(trade)
        assert await merging == [None]

    async with trade.session() as session:
        views = (await session.execute(select(SavedView.name, SavedView.arguments))).all()
    assert views == ([("New", f"account={kept.id}")] if change == "renamed" else [])


@pytest.mark.parametrize(
    ("kind", "text", "model"),
    [
        ("accounts", "code,name,contact_name\nGONE,Wool,Ada\n", Contact),
        ("people", "name,email,account\nAda,ada@example.com,GONE\n", Contact),
        ("deals", "reference,name,account\nnew,Refit,GONE\n", Deal),
        ("tasks", "reference,title,account\nnew,Call,GONE\n", Task),
        ("tasks", "reference,title,order\nnew,Call,Z1\n", Task),
        ("tasks", "reference,title,deal\nnew,Call,{deal}\n", Task),
        ("notes", "reference,record_kind,record,text\nnew,account,GONE,Hello\n", Note),
        ("orders", "number,account,ordered_on,state\nNEW,GONE,2026-11-02,draft\n", Order),
    ],
)
async def test_an_import_that_waits_for_a_merge_adds_to_the_account_that_stays(
    app: Quart, trade: Trade, tmp_path: Path, kind: str, text: str, model: type[Any]
) -> None:
    """The import has checked its file, and read the account, before the merge is committed."""
    kept, gone = await trade.account(code="KEPT"), await trade.account(code="GONE")
    deal = await trade.deal(account_id=gone.id)
    await trade.order(account=gone, number="Z1")
    texts = text.format(deal=deal.reference), "order,good,quantity,price\n"
    sources = [Source(tmp_path / f"{number}.csv", "a.csv") for number in range(2)]
    for source, content in zip(sources, texts, strict=True):
        source.path.write_text(content)
    works = at_once(app, partial(run_import, KINDS[kind], sources[: len(KINDS[kind].parts)]))
    keep, other = ((each.id, each.version) for each in (kept, gone))

    async with app.app_context(), db.new_session() as session:
        async with session.transaction():
            await merge(session, actor=None, kind="account", keep=keep, other=other)
            importing = asyncio.create_task(works)
            await lock_wait(trade)
        assert await importing == [None]

    column = model.subject_id if model is Note else model.account_id
    async with trade.session() as session:
        newest = select(column).order_by(model.id.desc()).limit(1)
        assert await session.scalar(newest) == kept.id


async def test_an_import_that_waits_too_long_says_what_to_do(
    app: Quart, trade: Trade, tmp_path: Path
) -> None:
    account = await trade.account(code="HELD")
    (tmp_path / "a.csv").write_text("code,name\nHELD,Wool\n")
    load = partial(run_import, KINDS["accounts"], [Source(tmp_path / "a.csv", "a.csv")])

    async with app.app_context(), db.new_session() as session, session.transaction():
        await session.execute(select(Account).where(Account.id == account.id).with_for_update())
        (outcome,) = await at_once(app, load)

    assert isinstance(outcome, ConflictError), outcome
    assert "run the import again" in str(outcome)


async def test_an_undo_that_meets_an_edit_leaves_the_record_as_it_is(
    app: Quart, trade: Trade, admin: User
) -> None:
    account = await trade.account()

    async def edit(session: Any) -> None:
        row = await get_account(session, account_id=account.id)
        values = {"city": "Bonn"}
        await update_account(session, actor=None, account=row, values=values, version=2)

    async with app.app_context():
        kind = get_kind("accounts")
        create = partial(create_run, kind=kind, action="archive", ids=[account.id])
        run = await db.run(partial(create, actor=admin))
        run = await db.run(partial(start_run, actor=admin, key=run.key, value=None))
        await work_off(run.key)
        key = await db.session.scalar(select(UndoStep.key)) or ""
        undoing = await db.run(partial(start_undo, actor=admin, key=key))
        assert undoing is not None
        with meanwhile("FROM account", edit, nth=2):
            await work_off(undoing.key)
        await db.session.refresh(undoing)
        problem = "It was changed at the same moment. It stays as it is now."
        assert undoing.refused == [[account.name, problem]]


async def test_a_deal_that_becomes_an_order_while_its_account_is_merged(
    app: Quart, trade: Trade
) -> None:
    """The merge has locked the account and not yet the deal."""
    kept, gone = await trade.account(), await trade.account()
    deal_id = (await trade.deal(account_id=gone.id)).id
    async with trade.session() as session:
        won = next(each for each in await list_stages(session) if each.kind is StageKind.WON)
        await move_deal(session, actor=None, deal_id=deal_id, stage_id=won.id)

    async def order() -> None:
        async with db.transaction() as session:
            await make_order(session, actor=None, deal_id=deal_id)

    async with app.app_context(), db.new_session() as session:
        async with session.transaction():
            await session.execute(select(Account.id).with_for_update())
            ordering = asyncio.create_task(at_once(app, order))
            await lock_wait(trade)
            keep, other = ((each.id, each.version) for each in (kept, gone))
            await merge(session, actor=None, kind="account", keep=keep, other=other)
        assert await ordering == [None]

    async with trade.session() as session:
        assert (await session.scalars(select(Order.account_id))).all() == [kept.id]
