"""The pages of tasks, as a browser uses them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from quart import Response
from sqlalchemy import func, select

from quarterdeck_crm.models import Role, SearchWord, User
from tests.crm.conftest import Auth, MakeUser
from tests.crm.sheets import sheet_to
from tests.crm.trading import Trade


async def text_of(response: Response) -> str:
    return str(await response.get_data(as_text=True))


def titles(page: str) -> list[str]:
    return re.findall(r'class="row-link" href="/tasks/\d+">([^<]*)<', page)


@pytest.mark.parametrize("record", ["account", "order"])
async def test_a_task_is_added_and_done_on_the_page_of_a_record(
    auth: Auth, user: User, trade: Trade, record: str
) -> None:
    account = await trade.account(actor=user)
    order = await trade.order(account=account, actor=user)
    page = f"/accounts/{account.id}" if record == "account" else f"/orders/{order.id}"
    text = await text_of(await auth.get(page))
    sheet = sheet_to(text, f"/tasks/new?next={page}%23tasks")
    assert titles(text) == []

    added = await auth.client.post(sheet.action, form=sheet.values | {"title": "Call back"})
    assert added.location == f"{page}#tasks"
    shown = await text_of(await auth.get(page))
    assert titles(shown) == ["Call back"]
    assert f'href="/accounts/{account.id}"' in await text_of(await auth.get("/tasks/1"))

    (check,) = re.findall(r'action="(/tasks/1/complete[^"]*)"', shown)
    done = await auth.post(check)
    assert done.location == f"{page}#tasks"
    assert titles(await text_of(await auth.get(page))) == []


async def test_the_tasks_of_a_person_are_on_its_page(auth: Auth, user: User, trade: Trade) -> None:
    oak, pine = await trade.account(name="Oak"), await trade.account(name="Pine")
    await trade.person(oak, name="Ann")
    ben = await trade.person(name="Ben", accounts=[{"account_id": oak.id}, {"account_id": pine.id}])
    page = f"/people/{ben.id}"
    text = await text_of(await auth.get(page))
    assert 'data-live="person:2 contact:2 contact:3 ' in text
    sheet = sheet_to(text, f"/tasks/new?next={page}%23tasks")
    assert re.findall(r'<option value="(\d)">(Oak|Pine)<', text) == [("2", "Oak"), ("3", "Pine")]

    for title, contact in (("Call", "2"), ("Write", "3")):
        fresh = sheet_to(await text_of(await auth.get(page)), sheet.action)
        added = await auth.client.post(
            sheet.action, form=fresh.values | {"title": title, "contact_id": contact}
        )
        assert added.location == f"{page}#tasks"
    await trade.task(actor=user, contact_id=1, title="Other")

    assert titles(await text_of(await auth.get(page))) == ["Call", "Write"]
    assert titles(await text_of(await auth.get(f"/accounts/{pine.id}"))) == ["Write"]
    assert f'href="{page}">Ben</a>' in await text_of(await auth.get("/tasks/2"))
    one = await text_of(await auth.get("/people/1"))
    assert titles(one) == ["Other"]
    assert sheet_to(one, "/tasks/new?next=/people/1%23tasks").values["contact_id"] == "1"
    assert 'href="/tasks/?person=1"' in one
    assert 'href="/tasks/?person=2"' in text
    for person, expected in (("1", ["Other"]), ("2", ["Call", "Write"]), ("3", [])):
        assert (
            titles(await text_of(await auth.get(f"/tasks/?person={person}&sort=title"))) == expected
        )
        found = await (await auth.get(f"/api/v1/tasks?person={person}&sort=title")).get_json()
        assert [task["title"] for task in found["items"]] == expected


async def test_a_quick_task_with_a_mistake_comes_back_as_the_whole_form(
    auth: Auth, trade: Trade
) -> None:
    order = await trade.order()

    answer = await auth.post(
        "/tasks/new", order_id=order.id, due_on="2026-02-30", title="Call back", version=0
    )

    sheet = sheet_to(text := await text_of(answer), "/tasks/new", address="/tasks/new")
    assert answer.status_code == 422
    assert f"For {order.number}." in text
    assert sheet.values["order_id"] == str(order.id)
    assert (sheet.values["title"], sheet.values["due_on"]) == ("Call back", "2026-02-30")


async def test_the_filters_of_the_list(
    auth: Auth, user: User, make_user: MakeUser, trade: Trade
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    account = await trade.account(name="Ernst Handel")
    today = datetime.now(UTC).date()
    await trade.task(actor=user, title="Late", due_on=today - timedelta(days=1), priority=1)
    await trade.task(actor=user, title="Now", due_on=today, account_id=account.id)
    await trade.task(actor=other, title="Soon", due_on=today + timedelta(days=7))
    await trade.task(actor=other, title="Some day", assignee_id=None, priority=3)
    done = await trade.task(actor=user, title="Done")
    await auth.post(f"/tasks/{done.id}/complete")

    for query, expected in {
        "": ["Late", "Now", "Soon", "Some day"],
        "sort=-due": ["Some day", "Soon", "Now", "Late"],
        "sort=title": ["Late", "Now", "Some day", "Soon"],
        "sort=priority": ["Late", "Now", "Soon", "Some day"],
        "state=done": ["Done"],
        "assignee=me": ["Late", "Now"],
        "assignee=none": ["Some day"],
        f"assignee={other.id}": ["Soon"],
        "priority=high": ["Late"],
        "due=overdue": ["Late"],
        "due=today": ["Now"],
        "due=week": ["Soon"],
        "due=none": ["Some day"],
        f"account={account.id}": ["Now"],
        "q=so day": ["Some day"],
        "due=never&assignee=x&priority=x": ["Late", "Now", "Soon", "Some day"],
    }.items():
        page = await text_of(await auth.get(f"/tasks/?{query}"))
        assert titles(page) == expected, query


async def test_my_day_and_the_time_zone_of_the_profile(auth: Auth, trade: Trade) -> None:
    sheet = sheet_to(await text_of(await auth.get("/auth/profile")), "/auth/profile")
    await auth.client.post(sheet.action, form=sheet.values | {"zone": "Asia/Shanghai"})

    page = await text_of(await auth.get("/tasks/today"))
    assert "Days and times in Asia/Shanghai" in page
    assert "Nothing to do" in page
    sheet = sheet_to(page, "/tasks/new?next=/tasks/today")
    assert sheet.values["zone"] == "Asia/Shanghai"
    await auth.client.post(sheet.action, form=sheet.values | {"title": "Call back"})

    page = await text_of(await auth.get("/tasks/today"))
    assert titles(page) == ["Call back"]
    assert "No date" in page


async def test_an_edit_that_comes_too_late_shows_what_changed(auth: Auth, trade: Trade) -> None:
    task = await trade.task(title="Call", assignee_id=None)
    page = f"/tasks/{task.id}/edit"
    sheet = sheet_to(await text_of(await auth.get(page)), page, address=page)
    await auth.client.post(page, form=sheet.values | {"priority": "1"})

    late = await auth.client.post(page, form=sheet.values | {"title": "Write"})

    text = await text_of(late)
    assert late.status_code == 409
    assert "Priority changed from normal to high" in text
    again = sheet_to(text, page, address=page)
    assert (again.values["title"], again.values["priority"]) == ("Write", "1")
    saved = await auth.client.post(page, form=again.values)
    assert saved.status_code == 303
    assert await trade.history(task) == ["changed", "changed", "created"]


async def test_a_task_of_another_user_can_be_read_but_not_changed(
    auth: Auth, make_user: MakeUser, trade: Trade
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    task = await trade.task(actor=other, title="Theirs")

    assert "Mark as done" not in await text_of(await auth.get(f"/tasks/{task.id}"))
    for path in ("complete", "reopen", "delete"):
        assert (await auth.post(f"/tasks/{task.id}/{path}")).status_code == 403, path
    assert (await auth.get(f"/tasks/{task.id}/edit")).status_code == 403


async def test_a_deleted_task_is_gone_with_its_search_words(auth: Auth, trade: Trade) -> None:
    task = await trade.task(title="Zebra", assignee_id=None)

    gone = await auth.post(f"/tasks/{task.id}/delete")

    assert gone.location == "/tasks/"
    assert (await auth.get(f"/tasks/{task.id}")).status_code == 404
    async with trade.session() as session:
        words = select(func.count()).where(SearchWord.subject_type == "task")
        assert await session.scalar(words) == 0
