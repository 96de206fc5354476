"""The page of an account as a record, and the timelines of records from several sources."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from quart import Quart

from quarterdeck_crm.extensions import db
from quarterdeck_crm.history.timeline import PAGE, read_timeline
from quarterdeck_crm.models import Account, Activity, Attachment, Note, Order, OrderState, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.orders.services import get_order, update_order

from .conftest import Auth
from .test_attachments import PDF, upload
from .trading import Trade

START = datetime(2026, 1, 1, tzinfo=UTC)


async def fill(trade: Trade, account: Account, count: int = 30) -> list[str]:
    """Give an account rows of all sources in turn; returns their keys, the newest first."""
    keys = []
    for number in range(count):
        at = START + timedelta(days=number)
        subject = {"subject_type": "account", "subject_id": account.id}
        if number % 4 == 3:
            order = await trade.order(account=account, ordered_on=at.date())
            keys.append(f"orders-{order.id}")
            continue
        row: Any = [
            Note(**subject, body=f"Said {number}", created_at=at),
            Attachment(
                account_id=account.id, name=f"{number}.pdf", media_type="application/pdf",
                size=1, stored=f"s{number}", created_at=at,
            ),
            Activity(**subject, action="main contact", changes={"contact": [None, "A"]}, at=at),
        ][number % 4]  # fmt: skip
        async with trade.session() as session:
            session.add(row)
        kind = ("note", "files", "changes")[number % 4]
        keys.append(f"{kind}-{row.id}")
    return keys[::-1]


async def walk(app: Quart, subject: Account | Order, show: str = "") -> list[str]:
    """Return the keys of all pages."""
    keys: list[str] = []
    before, pages = "", 0
    async with app.app_context():
        while True:
            timeline = await read_timeline(db.session, subject, show=show, before=before)
            assert len(timeline.items) <= PAGE
            keys += [item.key for item in timeline.items]
            pages += 1
            if timeline.older is None:
                return keys
            before = timeline.older
            assert pages < 20


async def test_pages_of_a_timeline_have_each_item_once_and_in_order(
    app: Quart, trade: Trade
) -> None:
    account = await trade.account()  # the first line of its history is of now
    other = await trade.account()
    async with trade.session() as session:
        session.add(Note(subject_type="account", subject_id=other.id, body="Of another"))
        session.add(Note(subject_type="person", subject_id=account.id, body="Of a person"))
    keys = await fill(trade, account, 50)

    found = await walk(app, account)

    assert [key for key in found if key != "changes-1"] == keys
    assert len(found) == len(keys) + 1
    for show in ("notes", "orders", "files"):
        assert await walk(app, account, show) == [
            key for key in keys if key.startswith(show.removesuffix("s"))
        ]
    assert await walk(app, account, "changes") == [key for key in found if "changes" in key]
    assert await walk(app, account, "mails") == []


async def test_lines_of_history_that_are_not_shown_end_no_timeline(
    app: Quart, trade: Trade
) -> None:
    account = await trade.account()
    subject = {"subject_type": "account", "subject_id": account.id}
    async with trade.session() as session:
        session.add(Note(**subject, body="First", created_at=START))
        session.add(Note(**subject, body="", created_at=START, removed_at=utc_now()))
        for _ in range(3 * PAGE):
            session.add(Activity(**subject, action="note added"))
        mail = Activity(**subject, action="order confirmation mailed",
            changes={"contact": [None, "Ann"], "order": [None, "Q1"]})  # fmt: skip
        session.add(mail)

    assert await walk(app, account) == [f"changes-{mail.id}".replace("changes", "mails"),
        "changes-1", "note-1"]  # fmt: skip


async def test_account_shows_whom_to_call_what_is_next_and_its_value(
    auth: Auth, user: User, trade: Trade
) -> None:
    account = await trade.account(actor=user)
    there = f"/accounts/{account.id}"
    await trade.person(account, name="Zoe Last")
    await auth.post(f"{there}/contacts/new", version="0", name="Maria Anders", phone="+49 40 1",
        email="maria@example.com")  # fmt: skip
    good = await trade.good(price="250")
    year = utc_now().year
    for number in range(7):
        state = OrderState.CONFIRMED if number < 6 else OrderState.DRAFT
        await trade.order(
            (good, 1), account=account, state=state, ordered_on=date(year, 1, number + 1)
        )
    await trade.order(
        (good, 1), account=account, state=OrderState.PAID, ordered_on=date(year - 1, 1, 1)
    )
    deal = await trade.deal(account_id=account.id, name="Ropes", value="1200", expected_on=START)
    await trade.deal(account_id=account.id, name="Sails", value="0.5")
    await trade.task(account_id=account.id, title="Call back", due_on=date(2026, 2, 1))

    page = await (await auth.get(there)).get_data(as_text=True)
    figures = re.sub(r"\s+", " ", page[page.index('id="overview"') : page.index("</dl>")])

    assert 'href="tel:+49401"' in figures
    assert 'href="mailto:maria@example.com"' in figures
    assert f'href="/deals/{deal.id}">Ropes' in figures  # earlier than the task
    assert '<data value="1200.50">1,200.50</data>' in figures
    assert f"Sales in {year}" in figures
    assert '<data value="1500.00">1,500.00</data>' in figures
    assert '<data value="6">6</data> orders' in figures
    orders = page[page.index('id="orders"') : page.index('id="files"')]
    assert orders.count("row-link") == 5
    assert f'href="/orders/?account={account.id}"><data value="8">8</data> orders' in orders
    assert page.index('id="contacts"') < page.index('id="orders"')


async def test_timeline_is_filtered_by_links(auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    there = f"/accounts/{account.id}"
    await auth.post(f"/notes/account/{account.id}", body="Wants green rope")
    order = await trade.order(account=account)

    page = await (await auth.get(there)).get_data(as_text=True)
    assert f'href="{there}?show=notes#timeline"' in page
    timeline = page[page.index('id="timeline"') :]
    assert "Wants green rope" in timeline
    assert f"Order {order.number}" in timeline
    assert "Note added" not in timeline

    page = await (await auth.get(f"{there}?show=notes")).get_data(as_text=True)
    timeline = page[page.index('id="timeline-rows"') :]
    assert "Wants green rope" in timeline
    assert f"Order {order.number}" not in timeline
    for wrong in ("n", "n-1", "nx.o5", "o2026-13-01_1", "n99999999999999999999"):
        assert (await auth.get(f"{there}?before={wrong}&show=x")).status_code == 200


async def test_order_has_one_timeline_of_its_notes_files_mails_and_changes(
    app: Quart, auth: Auth, user: User, trade: Trade
) -> None:
    order, other = await trade.order(actor=user), await trade.order(actor=user)
    there = f"/orders/{order.id}"
    subject = {"subject_type": "order", "subject_id": order.id}
    async with trade.session() as session:
        for number in range(2 * PAGE):
            at = START + timedelta(days=number)
            session.add(Note(**subject, body=f"Said {number}", created_at=at))
    await auth.post(f"/notes/order/{order.id}", body="Leave it at the gate")
    await upload(auth, f"{there}/files", "label.pdf", PDF)
    await upload(auth, f"/orders/{other.id}/files", "of-another.pdf", PDF)
    async with trade.session() as session:
        mail = Activity(**subject, action="confirmation mailed", changes={"contact": [None, "Ann"]})
        session.add(mail)

    page = await (await auth.get(there)).get_data(as_text=True)
    for kind in ("All", "Notes", "Files", "Mails", "Changes"):
        assert f">{kind}</a>" in page[page.index('id="timeline"') :]
    for text in ("Leave it at the gate", "label.pdf", "Confirmation mailed to Ann", "Created"):
        assert text in page[page.index('id="timeline-rows"') :]
    assert 'id="notes-title"' not in page, "notes have no panel of their own"
    assert page.count("Confirmation mailed to Ann") == 1, "nor has the history"
    older = page[page.index('class="older"') :].partition('href="')[2].partition('"')[0]
    assert "Said 3" in await (await auth.get(html.unescape(older))).get_data(as_text=True)

    keys = await walk(app, order)
    assert keys[:2] == [f"mails-{mail.id}", "files-1"]
    assert len(keys) == len(set(keys)) == 2 * PAGE + 4
    assert await walk(app, order, "files") == ["files-1"]
    assert await walk(app, order, "mails") == [f"mails-{mail.id}"]


async def test_task_has_one_timeline_of_its_notes_and_changes(
    auth: Auth, user: User, trade: Trade
) -> None:
    task = await trade.task(actor=user)
    there = f"/tasks/{task.id}"
    await auth.post(f"/notes/task/{task.id}", body="No answer")
    await auth.post(f"{there}/complete")

    page = await (await auth.get(there)).get_data(as_text=True)
    timeline = page[page.index('id="timeline"') :]
    for text in ("No answer", "Marked as done", "Created"):
        assert timeline.count(text) == 1
    assert ">Files</a>" not in timeline
    assert page.count("Marked as done") == 1, "the history is not shown apart"
    page = await (await auth.get(f"{there}?show=notes")).get_data(as_text=True)
    timeline = page[page.index('id="timeline-rows"') :]
    assert "No answer" in timeline
    assert "Marked as done" not in timeline


async def test_history_writes_days_as_people_do(auth: Auth, user: User, trade: Trade) -> None:
    order = await trade.order(actor=user, ordered_on=date(2026, 11, 21))
    async with trade.session() as session:
        row = await get_order(session, order_id=order.id)
        await update_order(
            session, actor=user, order=row, values={"ordered_on": date(2026, 11, 22)},
            version=order.version,
        )  # fmt: skip

    page = await (await auth.get(f"/orders/{order.id}")).get_data(as_text=True)

    assert 'from <time datetime="2026-11-21" data-day>21 Nov 2026</time>' in page
