"""Links to notes: the page of the record shows the note, however old it is."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from quart import Quart

from quarterdeck_crm.duplicates.services import merge
from quarterdeck_crm.extensions import db
from quarterdeck_crm.history.timeline import NEWER, PAGE, Timeline, read_timeline_at
from quarterdeck_crm.models import Activity, Note, User
from quarterdeck_crm.notifications.records import Record

from .conftest import Auth
from .test_timeline import START, fill
from .trading import Trade

pytestmark = pytest.mark.feature("AP3")

LOST = "The note that the link leads to was removed."


async def add_notes(trade: Trade, record: Record, count: int, *, start: datetime = START) -> None:
    """Add notes, one each day."""
    async with trade.session() as session:
        for number in range(count):
            session.add(
                Note(
                    subject_type=record.__tablename__,
                    subject_id=record.id,
                    body=f"Said {number}",
                    created_at=start + timedelta(days=number),
                )
            )


async def read_at(app: Quart, record: Record, note_id: int) -> Timeline:
    async with app.app_context():
        return await read_timeline_at(db.session, record, note_id=note_id)


def keys_of(timeline: Timeline) -> list[str]:
    return [item.key for item in timeline.items]


async def page_of(auth: Auth, path: str) -> str:
    response = await auth.get(path)
    assert response.status_code == 200, path
    return str(await response.get_data(as_text=True))


def marked(page: str) -> list[str]:
    """Return the ids of the items that are marked."""
    return re.findall(r'<li id="([\w-]+)" class="of-notes" aria-current="true"', page)


async def test_page_of_each_record_shows_an_old_note(auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    order, deal = await trade.order(account=account), await trade.deal(account_id=account.id)
    records: dict[str, Record] = {
        "accounts": account, "deals": deal, "orders": order,
        "people": await trade.person(), "tasks": await trade.task(),
    }  # fmt: skip
    for number, (page, record) in enumerate(records.items()):
        await add_notes(trade, record, 2 * PAGE)
        oldest = number * 2 * PAGE + 1
        there = f"/{page}/{record.id}"

        assert f'id="note-{oldest}"' not in await page_of(auth, there)
        for link in (f"{there}?note={oldest}", f"{there}?show=changes&before=n5&note={oldest}"):
            shown = await page_of(auth, link)
            assert marked(shown) == [f"note-{oldest}"], link
            assert ">Newest</a>" in shown
            assert LOST not in shown


async def test_note_is_shown_among_its_neighbours(app: Quart, trade: Trade) -> None:
    account = await trade.account()
    keys = await fill(trade, account, 80)
    for place, key in enumerate(keys):
        if not key.startswith("note"):
            continue
        timeline = await read_at(app, account, int(key.partition("-")[2]))
        first = 0 if place < PAGE else place - NEWER
        shown = [shown for shown in keys_of(timeline) if shown != "changes-1"]  # the first by id
        assert shown == keys[first : first + len(shown)], key
        assert key in shown
        assert timeline.is_first == (first == 0)


async def test_imported_note_is_shown_among_later_ones_of_earlier_days(
    app: Quart, trade: Trade
) -> None:
    account = await trade.account()
    await add_notes(trade, account, PAGE)
    await add_notes(trade, account, PAGE, start=START - timedelta(days=900))
    async with trade.session() as session:
        for number in range(2 * PAGE):
            at = START - timedelta(days=number)
            subject = {"subject_type": "account", "subject_id": account.id}
            session.add(Activity(**subject, action="picture changed", at=at))
    for note_id in range(1, 2 * PAGE + 1):
        timeline = await read_at(app, account, note_id)
        assert timeline.has_note(note_id), note_id
        assert len(timeline.items) <= PAGE


async def test_note_is_shown_on_a_day_of_many_orders(app: Quart, trade: Trade) -> None:
    account = await trade.account()
    today = datetime.now(UTC).date()
    for _ in range(PAGE):
        await trade.order(account=account, ordered_on=today)
    await add_notes(trade, account, 1, start=datetime.now(UTC))
    for number in range(2 * PAGE):
        await trade.order(account=account, ordered_on=today if number % 2 else date(2030, 1, 1))

    timeline = await read_at(app, account, 1)
    assert timeline.has_note(1)
    assert not timeline.is_first


async def test_lost_note_is_said_to_be_lost(auth: Auth, user: User, trade: Trade) -> None:
    account, other = await trade.account(actor=user), await trade.account(actor=user)
    await add_notes(trade, account, 2)
    await add_notes(trade, other, 1)
    for number in range(2):
        await auth.post(f"/notes/account/{account.id}", body=f"Of mine {number}")
    await auth.post("/notes/4/remove")
    there = f"/accounts/{account.id}"
    for lost in (4, 3, 99):  # removed, of another record, never written
        page = await page_of(auth, f"{there}?note={lost}")
        assert page.count(LOST) == 1
        assert f'id="note-{lost}"' in page
        assert marked(page) == []
        assert "Said 1" in page, "the rest of the timeline stays"
    for wrong in ("", "0", "-1", "x", "99999999999999999999"):
        assert LOST not in await page_of(auth, f"{there}?note={wrong}")


async def test_link_to_a_note_of_a_merged_account_leads_to_the_account_that_is_left(
    auth: Auth, trade: Trade
) -> None:
    kept, other = await trade.account(), await trade.account()
    await add_notes(trade, other, 1)
    async with trade.session() as session:
        keep, gone = (kept.id, kept.version), (other.id, other.version)
        await merge(session, actor=None, kind="account", keep=keep, other=gone)

    led = await auth.get(f"/accounts/{other.id}?note=1&show=mails")
    assert led.location == f"/accounts/{kept.id}?note=1"
    assert marked(await page_of(auth, led.location)) == ["note-1"]
    assert (await auth.get(f"/accounts/{other.id}")).location == f"/accounts/{kept.id}"


async def test_search_leads_to_the_note(auth: Auth, trade: Trade) -> None:
    person = await trade.person()
    await auth.post(f"/notes/person/{person.id}", body="Wants turquoise rope")
    address = f"/people/{person.id}?note=1#note-1"
    assert f'href="{address}"' in await page_of(auth, "/search?q=turquoise")
    found = await (await auth.get("/search/quick?q=turquoise")).get_json()
    assert [item["url"] for group in found for item in group["items"]] == [address]


async def test_recent_note_costs_no_more_than_the_page(auth: Auth, trade: Trade) -> None:
    task = await trade.task()
    await add_notes(trade, task, 3)
    counts = []
    for query in ("", "?note=1"):
        with trade.statements() as statements:
            await page_of(auth, f"/tasks/{task.id}{query}")
        counts.append(len(statements))
    assert counts[0] == counts[1]
