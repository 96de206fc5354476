"""The calendar feed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import pytest
from icalendar import Calendar
from quart import Quart

from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import User
from quarterdeck_crm.notes.services import add_note
from quarterdeck_crm.tasks.feed import make_feed
from quarterdeck_crm.tasks.services import complete_task
from quarterdeck_crm.team.services import disable_user
from tests.crm.conftest import Auth
from tests.crm.trading import Trade


async def renew(auth: Auth) -> str:
    """Return the path of the new address of the calendar."""
    page = await (await auth.post("/tasks/calendar")).get_data(as_text=True)
    (address,) = re.findall(r'value="([^"]+)" readonly', page)
    return str(urlsplit(address).path)


async def read(app: Quart, path: str) -> Calendar:
    response = await app.test_client().get(path)
    assert response.status_code == 200
    assert response.content_type == "text/calendar; charset=utf-8"
    assert "Set-Cookie" not in response.headers
    found = Calendar.from_ical(await response.get_data(as_text=True))
    assert isinstance(found, Calendar)
    return found


async def test_open_tasks_with_a_date_are_in_the_calendar(
    app: Quart, auth: Auth, user: User, moderator: User, trade: Trade
) -> None:
    await trade.task(actor=user, title="Whole day; really", due_on="2026-12-01", priority=1)
    due = {"due_on": "2026-12-01", "due_time": "09:30", "zone": "Europe/Berlin"}
    timed = await trade.task(actor=user, title="Call", details="Ask for\nMaria.", **due)
    await trade.task(actor=user, title="Some day")
    await trade.task(actor=moderator, title="Theirs", due_on="2026-12-01")
    done = await trade.task(actor=user, title="Done", due_on="2026-12-01")
    async with trade.session() as session:
        await complete_task(session, actor=user, task_id=done.id)
    path = await renew(auth)

    day, call = (await read(app, path)).walk("VEVENT")

    assert str(day["SUMMARY"]) == "Whole day; really"
    assert (day.decoded("DTSTART"), day["PRIORITY"]) == (date(2026, 12, 1), 1)
    assert call.decoded("DTSTART") == datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
    assert str(call["UID"]) == f"{timed.reference}@quarterdeck"
    assert str(call["DESCRIPTION"]).startswith("Ask for\nMaria.")
    todos = (await read(app, f"{path}?as=todos")).walk("VTODO")
    assert [todo.decoded("DUE") for todo in todos] == [date(2026, 12, 1), call.decoded("DTSTART")]


async def test_the_page_of_a_new_address_still_counts_the_notifications(
    auth: Auth, user: User, moderator: User, trade: Trade
) -> None:
    account = await trade.account(actor=user)
    async with trade.session() as session:
        await add_note(session, actor=moderator, subject=account, body="Call them")
    for page in (await auth.get("/tasks/calendar"), await auth.post("/tasks/calendar")):
        assert "<span data-unread>1</span>" in await page.get_data(as_text=True)


async def test_an_unchanged_calendar_is_not_sent_again(
    app: Quart, auth: Auth, user: User, trade: Trade
) -> None:
    task = await trade.task(actor=user, due_on="2026-12-01")
    path, client = await renew(auth), app.test_client()
    etag = (await client.get(path)).headers["ETag"]

    again = await client.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, await again.get_data()) == (304, b"")
    async with trade.session() as session:
        await complete_task(session, actor=user, task_id=task.id)
    assert (await client.get(path, headers={"If-None-Match": etag})).status_code == 200


async def test_a_calendar_is_sent_again_with_the_new_name_of_an_account(
    app: Quart, auth: Auth, user: User, trade: Trade
) -> None:
    account = await trade.account(actor=user, name="Ernst Handel")
    await trade.task(actor=user, due_on="2026-12-01", account_id=account.id)
    path, client = await renew(auth), app.test_client()
    etag = (await client.get(path)).headers["ETag"]

    async with trade.session() as session:
        row = await get_account(session, account_id=account.id)
        values = {"name": "Ernst & Sons"}
        await update_account(session, actor=user, account=row, values=values, version=1)

    again = await client.get(path, headers={"If-None-Match": etag})
    assert b"Ernst & Sons" in await again.get_data()


async def test_a_new_address_and_the_end_of_the_user_end_the_former(
    app: Quart, auth: Auth, user: User
) -> None:
    client = app.test_client()
    first = await renew(auth)
    second = await renew(auth)
    assert [(await client.get(path)).status_code for path in (first, second)] == [404, 200]
    page = await (await auth.get("/tasks/calendar")).get_data(as_text=True)
    assert second.rpartition("/")[2] not in page, "it is shown once"

    await auth.post("/tasks/calendar/end")
    assert (await client.get(second)).status_code == 404
    third = await renew(auth)
    async with app.app_context(), db.transaction() as session:
        row = await session.get_one(User, user.id)
        assert third.rpartition("/")[2].removesuffix(".ics") not in (row.calendar_digest or "")
        await disable_user(session, user=row, actor=None)
        assert row.calendar_digest is None
    assert (await client.get(third)).status_code == 404


async def test_a_user_who_was_disabled_at_the_same_moment_gets_no_address(
    user: User, trade: Trade
) -> None:
    async with trade.session() as session:
        await disable_user(session, user=await session.get_one(User, user.id), actor=None)
    async with trade.session() as session:
        with pytest.raises(ConflictError, match="is disabled"):
            await make_feed(session, user=user)
        assert (await session.get_one(User, user.id)).calendar_digest is None
