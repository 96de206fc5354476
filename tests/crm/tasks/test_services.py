"""The rules of tasks."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from quarterdeck_crm.errors import ForbiddenError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, Task, User
from quarterdeck_crm.orders.services import update_order
from quarterdeck_crm.tasks.day import read_day, read_next
from quarterdeck_crm.tasks.services import complete_task, get_task, reopen_task, update_task
from tests.crm.conftest import MakeUser
from tests.crm.trading import Trade

BERLIN = "Europe/Berlin"


async def complete(trade: Trade, task: Task, actor: User | None = None) -> Task | None:
    async with trade.app.app_context():
        return await db.run(partial(complete_task, actor=actor, task_id=task.id))


async def read(trade: Trade, task_id: int) -> Task:
    async with trade.app.app_context():
        return await get_task(db.session, task_id=task_id)


async def test_a_time_is_one_of_the_zone_it_was_entered_in(trade: Trade) -> None:
    for day, time, utc in (
        ("2026-03-28", "09:00", "2026-03-28T08:00"),
        ("2026-03-29", "02:30", "2026-03-29T01:30"),  # the clocks skip it
        ("2026-03-30", "09:00", "2026-03-30T07:00"),
        ("2026-10-25", "02:30", "2026-10-25T00:30"),  # it comes twice
        ("2026-10-26", None, "2026-10-26T00:00"),
    ):
        task = await trade.task(due_on=day, due_time=time, zone=BERLIN)

        assert task.due_at == datetime.fromisoformat(utc).replace(tzinfo=UTC)


async def test_a_series_keeps_its_time_when_the_clocks_change(trade: Trade) -> None:
    today = datetime.now(ZoneInfo(BERLIN)).date()
    task = await trade.task(
        due_on=today, due_time="09:00", zone=BERLIN, repeat="monthly", repeat_every=6,
        remind_on=today - timedelta(days=1), remind_time="17:00",
    )  # fmt: skip

    follower = await complete(trade, task)

    assert follower is not None
    assert follower.due_on is not None
    assert (follower.due_time, follower.zone) == ("09:00", BERLIN)
    assert follower.due_at.astimezone(ZoneInfo(BERLIN)).hour == 9
    assert follower.remind_on == follower.due_on - timedelta(days=1)
    assert follower.reminded_at is None
    assert await trade.history(follower) == ["created"]


async def test_a_late_series_goes_on_today_and_does_not_make_up_for_lost_days(
    trade: Trade,
) -> None:
    today = datetime.now(UTC).date()
    task = await trade.task(due_on=today - timedelta(days=9), repeat="daily")

    follower = await complete(trade, task)

    assert follower is not None
    assert follower.due_on == today


async def test_the_next_task_is_made_once(trade: Trade) -> None:
    task = await trade.task(due_on=date(2026, 11, 21), repeat="weekly")

    await complete(trade, task)
    async with trade.app.app_context():
        await db.run(partial(reopen_task, actor=None, task_id=task.id))
    again = await asyncio.gather(*(complete(trade, task) for _ in range(3)))

    assert again == [None] * 3
    async with trade.app.app_context():
        assert await db.session.scalar(select(func.count(Task.id))) == 2
    assert (await trade.history(task)).count("done") == 2


async def test_a_series_that_has_ended_makes_no_task(trade: Trade) -> None:
    day = date(2026, 11, 21)

    assert (
        await complete(trade, await trade.task(due_on=day, repeat="daily", repeat_until=day))
        is None
    )

    for remind_on in (None, "2999-12-31"):
        last = await trade.task(due_on="2999-12-30", repeat="daily", remind_on=remind_on)
        follower = await complete(trade, last)
        assert (follower is None) is (remind_on is not None)
        assert follower is None or await complete(trade, follower) is None, "no later year"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"title": " "}, "title"),
    ({"due_time": "9:00"}, "due_on"),
    ({"due_on": "2026-11-21", "due_time": "25:00"}, "due_time"),
    ({"due_on": "tomorrow"}, "due_on"),
    ({"due_on": "9999-12-31", "due_time": "23:59", "zone": "Pacific/Honolulu"}, "due_on"),
    ({"zone": "Mars/Olympus"}, "zone"),
    ({"priority": 4}, "priority"),
    ({"repeat": "daily"}, "due_on"),
    ({"due_on": "2026-11-21", "repeat": "hourly"}, "repeat"),
    ({"due_on": "2026-11-21", "repeat": "daily", "repeat_every": 0}, "repeat_every"),
    ({"due_on": "2026-11-21", "repeat": "daily", "repeat_until": "2026-11-20"}, "repeat_until"),
    ({"remind_time": "09:00"}, "remind_on"),
    ({"assignee_id": 999}, "assignee_id"),
    ({"account_id": 999}, "account_id"),
    ({"order_id": 999}, "order_id"),
    ({"contact_id": 999}, "contact_id"),
    ({"contact_id": 1, "order_id": 1}, "order_id"),
]


async def test_wrong_values_are_told_by_field(trade: Trade) -> None:
    for values, field in WRONG:
        with pytest.raises(ValidationError) as caught:
            await trade.task(**values)
        assert set(caught.value.errors) == {field}, values


async def test_a_task_of_an_order_belongs_to_its_account(trade: Trade) -> None:
    order = await trade.order()
    other = await trade.account()
    task = await trade.task(order_id=order.id)
    assert task.account_id == order.account_id

    async with trade.session() as session:
        row = await trade.reload(session, order.id)
        values = {"account_id": other.id}
        await update_order(session, actor=None, order=row, values=values, version=row.version)

    assert (await read(trade, task.id)).account_id == other.id


async def test_rights(trade: Trade, user: User, make_user: MakeUser, moderator: User) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    task = await trade.task(actor=user, assignee_id=moderator.id)
    everyones = await trade.task(actor=moderator, assignee_id=None)

    for actor in (user, moderator):  # the creator, and the assignee
        async with trade.session() as session:
            row = await get_task(session, task_id=task.id)
            values = {"title": actor.name}
            await update_task(session, actor=actor, task=row, values=values, version=row.version)
    with pytest.raises(ForbiddenError):
        await complete(trade, task, other)
    await complete(trade, everyones, other)
    assert (await read(trade, everyones.id)).is_done


async def test_the_day_of_a_user_is_that_of_the_zone(trade: Trade, make_user: MakeUser) -> None:
    user = await make_user(Role.USER, zone="Asia/Shanghai")
    now = datetime(2026, 11, 27, 20, tzinfo=UTC)  # in Shanghai it is 04:00 of the 28th
    for title, due_on, due_time in (
        ("late day", "2026-11-27", None),
        ("late time", "2026-11-28", "03:59"),
        ("today", "2026-11-28", None),
        ("this evening", "2026-11-28", "23:59"),
        ("tomorrow", "2026-11-29", "00:00"),
        ("in a week", "2026-12-05", None),
        ("in a week, at night", "2026-12-05", "23:59"),
        ("later", "2026-12-06", None),
        ("some day", None, None),
    ):
        await trade.task(actor=user, title=title, due_on=due_on, due_time=due_time)
    done = await trade.task(actor=user, due_on="2026-11-27")
    await complete(trade, done)

    async with trade.app.app_context():
        day = await read_day(db.session, user=user, now=now)

    def titles(tasks: Any) -> list[str]:
        return [task.title for task in tasks]

    assert {part: titles(tasks) for part, tasks in day.parts.items()} == {
        "overdue": ["late day", "late time"],
        "today": ["today", "this evening"],
        "week": ["tomorrow", "in a week", "in a week, at night"],
        "undated": ["some day"],
    }
    assert not day.cut

    async with trade.app.app_context():
        next_tasks = await read_next(db.session, user=user, limit=3, now=now)

    assert next_tasks.counts == {"overdue": 2, "today": 2, "week": 3}
    assert titles(next_tasks.first) == ["late day", "late time", "today"]


async def test_many_overdue_tasks_leave_room_for_those_of_today(
    trade: Trade, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck_crm.tasks.day.MAX_TASKS", 2)
    now = datetime(2026, 11, 27, 20, tzinfo=UTC)
    for day_of_month in (24, 25, 26, 27, 28):
        due_on = f"2026-11-{day_of_month}"
        await trade.task(actor=user, title=str(day_of_month), due_on=due_on)

    async with trade.app.app_context():
        day = await read_day(db.session, user=user, now=now)
        next_tasks = await read_next(db.session, user=user, limit=5, now=now)

    assert {part: [task.title for task in tasks] for part, tasks in day.parts.items()} == {
        "overdue": ["24", "25"],
        "today": ["27"],
        "week": ["28"],
        "undated": [],
    }
    assert day.cut == {"overdue"}
    assert next_tasks.counts == {"overdue": 3, "today": 1, "week": 1}
    assert [task.title for task in next_tasks.first] == ["24", "25", "26", "27", "28"]
