"""Tasks from and to files."""

from __future__ import annotations

from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import delete, select, update

from quarterdeck_crm.errors import ImportRefusedError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Activity, Task, User
from quarterdeck_crm.transfer.exporting_tasks import export_tasks
from quarterdeck_crm.transfer.importing import Report, Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import
from tests.crm.trading import Trade

COLUMNS = ("id", "created_at", "updated_at", "done_at", "version", "creator_id", "follows_id")


async def load(app: Quart, path: Path) -> Report:
    async with app.app_context():
        return await run_import(KINDS["tasks"], [Source(path, path.name)])


async def rows(app: Quart) -> list[dict[str, object]]:
    async with app.app_context():
        tasks = (await db.session.scalars(select(Task).order_by(Task.reference))).all()
        names = [column.key for column in Task.__table__.columns if column.key not in COLUMNS]
        return [{name: getattr(task, name) for name in names} for task in tasks]


async def test_what_is_exported_is_imported_to_the_same(
    app: Quart, trade: Trade, user: User, tmp_path: Path
) -> None:
    account = await trade.account(code="C1")
    order = await trade.order(account=account)
    await trade.task(title="=1+1", details='"a",\n;b', due_on="2026-03-29", account_id=account.id)
    await trade.task(
        actor=user, order_id=order.id, priority=1, due_on="2026-03-29", due_time="02:30",
        zone="Europe/Berlin", repeat="monthly", repeat_every=2, repeat_until="2027-01-01",
        remind_on="2026-03-28",
    )  # fmt: skip
    deal = await trade.deal(account_id=account.id)
    person = await trade.person(account)
    await trade.task(deal_id=deal.id)
    await trade.task(contact_id=person.contacts[0].id)
    await trade.task(assignee_id=None, priority=3)
    async with trade.session() as session:
        await session.execute(update(Task).where(Task.priority == 3).values(is_done=True))
        await session.execute(
            update(Task).where(Task.priority == 3).values(done_at=Task.created_at)
        )
    before = await rows(app)
    async with app.app_context(), db.new_session() as session:
        text = "".join([chunk async for chunk in export_tasks(session)])
    path = tmp_path / "tasks.csv"
    path.write_text(text, "utf-8", newline="")

    assert (await load(app, path)).unchanged == 5
    async with trade.session() as session:
        await session.execute(delete(Activity))
        await session.execute(delete(Task))
    assert (await load(app, path)).created == 5

    assert await rows(app) == before
    async with app.app_context():
        assert set(await db.session.scalars(select(Activity.action))) == {"imported"}


async def test_mistakes_are_told_by_line_and_nothing_is_written(app: Quart, tmp_path: Path) -> None:
    path = tmp_path / "tasks.csv"
    path.write_text(
        "reference,title,due_time,account,order,assignee,repeat\n"
        "a,Call,09:30,,,,\n"
        "b,Call,,C9,,,\n"
        "c,Call,,,Q9,,\n"
        "d,Call,,,,nobody@example.com,\n"
        "e,Call,,,,,weekly\n"
        "f,,,,,,\n"
        "a,Call,,,,,\n",
        "utf-8",
    )

    with pytest.raises(ImportRefusedError) as caught:
        await load(app, path)

    told = "\n".join(str(each) for each in caught.value.mistakes.shown)
    for words in (
        "'due_on': Enter the day for this time",
        "'account' is 'C9', but there is no account of this name",
        "'order' is 'Q9', but there is no order of this name",
        "'assignee' is 'nobody@example.com', but no user has this address",
        "'due_on': A task that repeats needs the day of the first time.",
        "'title'",
        "'reference' a stands in the file twice",
    ):
        assert words in told, words
    assert await rows(app) == []
