"""Reminders: by mail and on open pages, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from quart import Quart
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.extensions import db, mail, scheduler
from quarterdeck_crm.models import Role, Task, User
from quarterdeck_crm.tasks.reminders import send_reminders
from quarterdeck_crm.tasks.services import complete_task, get_task, update_task
from tests.crm.conftest import Auth, MakeUser
from tests.crm.mail.conftest import SENDS
from tests.crm.trading import Trade
from tests.kit.sockets.app import Client

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.fixture
def settings() -> dict[str, Any]:
    return SENDS


async def send(app: Quart, now: datetime = NOW) -> int:
    async with app.app_context():
        return await send_reminders(now=now)


async def test_a_reminder_is_sent_once_by_mail_and_to_open_pages(
    app: Quart, auth: Auth, user: User, moderator: User, trade: Trade
) -> None:
    account = await trade.account(name="Ernst Handel")
    due = {"due_on": "2026-11-28", "due_time": "10:00", "zone": "Europe/Berlin"}
    at = {"remind_on": "2026-11-27", "remind_time": "10:00"}
    task = await trade.task(actor=user, title="Call", account_id=account.id, **due, **at)
    await trade.task(actor=moderator, title="Theirs", remind_on="2026-11-28")
    assert await send(app, NOW - timedelta(seconds=1)) == 0

    async with auth.client.websocket("/ws") as connection:
        client = Client(connection)
        await client.subscribe(f"user:{user.id}")
        with mail.record_messages() as sent:
            counts = await asyncio.gather(send(app), send(app))
            (event,) = await client.events(1)

    assert sorted(counts) == [0, 1]
    assert (event["name"], event["data"]["title"]) == ("task.reminder", "Call")
    (message,) = sent
    assert message.subject == "Reminder: Call"
    assert user.email in str(message.recipients)
    assert "Due 28 Nov 2026 at 10:00 (Europe/Berlin)\nFor Ernst Handel" in (message.body or "")
    assert f"https://crm.example.com/desk/tasks/{task.id}" in (message.body or "")
    assert await send(app, NOW + timedelta(days=1)) == 1, "the other one"


async def test_a_reminder_is_in_the_language_of_its_reader(
    app: Quart, make_user: MakeUser, trade: Trade
) -> None:
    reader = await make_user(Role.USER, language="de")
    await trade.task(actor=reader, title="Anruf", remind_on="2026-11-26")

    with mail.record_messages() as sent:
        await send(app)

    assert [message.subject for message in sent] == ["Erinnerung: Anruf"]


async def test_no_reminder_of_done_tasks_and_for_disabled_users(
    app: Quart, make_user: MakeUser, trade: Trade
) -> None:
    gone = await make_user(Role.USER)
    done = await trade.task(remind_on="2026-11-27")
    await trade.task(actor=gone, remind_on="2026-11-27")
    async with trade.session() as session:
        await complete_task(session, actor=None, task_id=done.id)
        (await session.get_one(User, gone.id)).is_active = False

    with mail.record_messages() as sent:
        assert await send(app, NOW + timedelta(days=1)) == 0

    assert sent == []


async def test_a_reminder_waits_for_an_active_assignee(
    app: Quart, user: User, make_user: MakeUser, trade: Trade
) -> None:
    gone = await make_user(email="gone@example.com")
    of_gone = await trade.task(actor=gone, title="Call", remind_on="2026-11-26")
    of_none = await trade.task(title="Visit", remind_on="2026-11-26", assignee_id=None)
    async with trade.session() as session:
        (await session.get_one(User, gone.id)).is_active = False

    with mail.record_messages() as sent:
        assert await send(app) == 0
        for task in (of_gone, of_none):
            await change(trade, task, {"assignee_id": user.id})
        assert await send(app) == 2

    assert [message.subject for message in sent] == ["Reminder: Call", "Reminder: Visit"]
    assert all(user.email in str(message.recipients) for message in sent)


async def test_another_time_reminds_again_and_a_sent_one_is_no_edit(
    app: Quart, user: User, trade: Trade
) -> None:
    task = await trade.task(actor=user, remind_on="2026-11-27", remind_time="08:00")
    assert await send(app) == 1

    for values, expected in (({"title": "Call"}, 0), ({"remind_time": "08:30"}, 1)):
        await change(trade, task, values)
        assert await send(app) == expected

    async with app.app_context():
        assert (await get_task(db.session, task_id=task.id)).version == task.version + 2


async def test_a_reminder_that_is_put_off_while_others_are_sent_waits(
    app: Quart, user: User, trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade.task(actor=user, remind_on="2026-11-26")
    second = await trade.task(actor=user, remind_on="2026-11-27", remind_time="08:00")

    class PutsOff:
        """The database of a run that has read what is due when the second task is put off."""

        waiting = [second]

        def __getattr__(self, name: str) -> Any:
            return getattr(db, name)

        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[AsyncSession]:
            while self.waiting:
                await change(trade, self.waiting.pop(), {"remind_on": "2026-12-24"})
            async with db.transaction() as session:
                yield session

    with monkeypatch.context() as patch:
        patch.setattr("quarterdeck_crm.tasks.reminders.db", PutsOff())
        assert await send(app) == 1
    assert await send(app, datetime(2026, 12, 25, tzinfo=UTC)) == 1


async def test_a_title_of_several_lines_becomes_one_line_of_a_mail(
    app: Quart, user: User, trade: Trade
) -> None:
    title = "Call\r\nBcc: all@example.com"
    task = await trade.task(actor=user, title=title, remind_on="2026-11-20")
    assert task.title == "Call Bcc: all@example.com"
    async with trade.session() as session:  # as earlier versions stored it
        (await session.get_one(Task, task.id)).title = title

    with mail.record_messages() as sent:
        assert await send(app) == 1

    assert [message.subject for message in sent] == ["Reminder: Call Bcc: all@example.com"]


async def change(trade: Trade, task: Task, values: dict[str, Any]) -> None:
    async with trade.session() as session:
        row = await get_task(session, task_id=task.id)
        await update_task(session, actor=None, task=row, values=values, version=row.version)


async def test_the_job_sends_them(app: Quart, user: User, trade: Trade) -> None:
    await trade.task(actor=user, remind_on="2026-11-20")

    async with app.app_context():
        with mail.record_messages() as sent:
            await scheduler.run_job("remind")

    assert len(sent) == 1
