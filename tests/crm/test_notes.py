"""Notes on records, mentions in them, and the notifications that they cause."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from quart import Quart
from sqlalchemy import select

from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.errors import ForbiddenError
from quarterdeck_crm.models import Note, Notification, SearchWord, User
from quarterdeck_crm.notes.mentions import candidates
from quarterdeck_crm.notes.services import add_note, edit_note, get_note
from quarterdeck_crm.notifications.records import Record
from quarterdeck_crm.notifications.services import prune_notifications
from quarterdeck_crm.orders.services import get_order
from quarterdeck_crm.tasks.services import get_task, update_task
from tests.kit.sockets.app import Client

from .conftest import Auth, MakeUser
from .trading import Trade

pytestmark = pytest.mark.feature("AP3")

OF_NOTES = SearchWord.subject_type == "note"


async def text_of(auth: Auth, path: str) -> str:
    response = await auth.get(path)
    assert response.status_code == 200, path
    return str(await response.get_data(as_text=True))


async def kinds(trade: Trade, user: User) -> list[str]:
    """Return the kinds of the notifications of a user, the oldest first."""
    async with trade.session() as session:
        found = await session.scalars(
            select(Notification.kind)
            .where(Notification.user_id == user.id)
            .order_by(Notification.id)
        )
        return [kind.value for kind in found]


async def test_notes_of_each_record_are_written_edited_and_removed(
    auth: Auth, as_moderator: Auth, as_admin: Auth, trade: Trade
) -> None:
    account = await trade.account()
    order, deal = await trade.order(account=account), await trade.deal(account_id=account.id)
    records: dict[str, tuple[str, Record]] = {
        "account": ("accounts", account), "deal": ("deals", deal), "order": ("orders", order),
        "person": ("people", await trade.person()), "task": ("tasks", await trade.task()),
    }  # fmt: skip
    for number, (kind, (page, record)) in enumerate(records.items(), 1):
        there = f"/{page}/{record.id}"
        added = await auth.post(f"/notes/{kind}/{record.id}", body="<b>green</b> rope\nby May")
        assert added.location == f"{there}?note={number}#note-{number}"
        assert "&lt;b&gt;green&lt;/b&gt; rope" in await text_of(auth, there)
        assert f"/notes/{number}/edit" not in await text_of(as_moderator, there)

        assert (await as_moderator.get(f"/notes/{number}/edit")).status_code == 403
        assert (await as_moderator.post(f"/notes/{number}/remove")).status_code == 403
        await auth.post(f"/notes/{number}/edit", body="Blue rope", version="1")
        assert "edited" in await text_of(auth, f"/notes/{kind}/{record.id}")
        late = await auth.post(f"/notes/{number}/edit", body="Red rope", version="1")
        assert late.status_code == 409
        page_of_late = await late.get_data(as_text=True)
        assert "Red rope" in page_of_late
        assert "Blue rope" in page_of_late

        by = as_admin if kind == "deal" else auth
        assert (await by.post(f"/notes/{number}/remove")).location == f"{there}#notes"
        assert (await by.post(f"/notes/{number}/remove")).status_code == 404
        async with trade.session() as session:
            assert (await session.scalars(select(SearchWord.word).where(OF_NOTES))).all() == []
        assert "Blue rope" not in await text_of(auth, f"/notes/{kind}/{record.id}")
        told = ["note removed", "note edited", "note added", "created"]
        assert await trade.history(record) == told


async def test_a_wrong_note_is_refused_with_its_text(auth: Auth, trade: Trade) -> None:
    account = await trade.account(name="Acme")
    for body, problem in (("  ", "Write something."), ("a\x01b", "control"), ("x" * 20_001, "20")):
        refused = await auth.post(f"/notes/account/{account.id}", body=body)
        assert refused.status_code == 422
        page = await refused.get_data(as_text=True)
        assert "Acme" in page
        assert problem in page
    assert (await auth.post("/notes/account/99", body="x")).status_code == 404
    assert (await auth.post("/notes/good/1", body="x")).status_code == 404


@pytest.mark.parametrize(
    ("body", "first"),
    [
        ("@Ada Anker, call", "ada anker, call"),
        ("ada@example.com", None),
        ("See @ Ada", None),
        ("请@王小明看", "王小明看"),
        ("@ZOË", "zoe"),
    ],
)
def test_the_names_that_a_text_may_mention(body: str, first: str | None) -> None:
    assert [each[0] for each in candidates(body)] == ([first] if first else [])
    assert len(candidates("@a " * 100)) == 20


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("Call them", "The note is added."),
        ("@Ada and @zoë, and me, @Mo", "The note is added. Notified: Ada, Zoë."),
        ("For me: @Mo", "The note is added."),
        ("@Nobody and @Gone", "The note is added, but the name after @ fits no colleague."),
    ],
)
async def test_the_writer_of_a_note_reads_who_is_notified(
    auth: Auth, user: User, trade: Trade, make_user: MakeUser, body: str, told: str
) -> None:
    await make_user(email="ada@example.com", name="Ada")
    await make_user(email="zoe@example.com", name="Zoë")
    await make_user(email="gone@example.com", name="Gone", is_active=False)
    async with trade.session() as session:
        (await session.get_one(User, user.id)).name = "Mo"
    account = await trade.account()

    with trade.statements() as statements:
        added = await auth.post(f"/notes/account/{account.id}", body=body)

    assert added.status_code == 303
    by_name = [text for text in statements if "name_key IN" in text and "FROM user" in text]
    assert len(by_name) == ("@" in body), "the mentioned users are looked up once"
    page = await text_of(auth, added.location or "")
    assert f"<p>{told}</p>" in page


async def test_a_note_notifies_its_readers_once_and_never_its_author(
    trade: Trade, make_user: MakeUser
) -> None:
    owner = await make_user(email="owner@example.com", name="Olga Owner")
    ada = await make_user(email="ada@example.com", name="Ada")
    anker = await make_user(email="anker@example.com", name="Ada Anker")
    gone = await make_user(email="gone@example.com", name="Gone", is_active=False)
    order = await trade.order(actor=owner)

    async with trade.session() as session:
        row = await get_order(session, order_id=order.id)
        body = "@Ada Anker and @ada anker: ask @Gone, or me, @Mo"
        note = await add_note(session, actor=None, subject=row, body=body)
        await add_note(session, actor=owner, subject=row, body="@Olga Owner")
    assert await kinds(trade, anker) == ["mention"]
    assert await kinds(trade, owner) == ["comment"]
    assert await kinds(trade, ada) == await kinds(trade, gone) == []

    async with trade.session() as session:
        note = await get_note(session, note_id=note.id)
        body = "@Ada Anker @Ada @Olga Owner"
        await edit_note(session, actor=None, note=note, body=body, version=note.version)
        with pytest.raises(ForbiddenError):
            await edit_note(session, actor=ada, note=note, body="", version=note.version)
    assert [await kinds(trade, user) for user in (anker, ada, owner)] == [
        ["mention"], ["mention"], ["comment"],
    ]  # fmt: skip


async def test_notifications_are_counted_read_and_pruned(
    app: Quart, auth: Auth, user: User, as_moderator: Auth, trade: Trade
) -> None:
    order = await trade.order(actor=user)
    for number in range(3):
        await as_moderator.post(f"/notes/order/{order.id}", body=f"Note {number} @{user.name}")
    page = await text_of(auth, "/notifications/")
    assert page.count('class="notification is-unread"') == 3
    assert "<span data-unread>3</span>" in page
    assert f"/orders/{order.id}?note=3#note-3" in page
    assert "<span data-unread>0</span>" in await text_of(as_moderator, "/")

    assert (await as_moderator.post("/notifications/1/read")).status_code == 404
    await auth.post("/notifications/1/read")
    await auth.post("/notifications/read", up_to="2")
    page = await text_of(auth, "/notifications/?unread=1")
    assert page.count('class="notification is-unread"') == 1
    assert "Note 2" in page

    await as_moderator.post("/notes/3/remove")
    assert "<span data-unread>0</span>" in await text_of(auth, "/")
    async with app.app_context():
        assert await prune_notifications(older_than=timedelta(days=1)) == 0
        assert await prune_notifications(older_than=timedelta(0)) == 2


async def test_other_tabs_hear_how_many_notifications_are_unread(
    app: Quart, auth: Auth, user: User, as_moderator: Auth, trade: Trade
) -> None:
    order = await trade.order(actor=user)
    for number in range(4):
        await as_moderator.post(f"/notes/order/{order.id}", body=f"Note {number}")

    async with auth.client.websocket("/ws") as connection:
        client = Client(connection)
        await client.subscribe(f"user:{user.id}")
        beside = f"/notifications/?{urlencode({'per_page': 1, 'page': 2})}"
        page = await text_of(auth, beside)
        action = re.search(r'action="(/notifications/3/read[^"]*)"', page)
        assert action
        read = await auth.post(unescape(action[1]))
        assert read.location == beside, "the reader stays on the page of the list"
        assert [event["data"] for event in await client.events(1)] == [{"unread": 3}]
        paths = [f"/notifications/{number}/read" for number in (1, 2)]
        await asyncio.gather(*(auth.post(path) for path in paths))
        counts = [event["data"]["unread"] for event in await client.events(2)]
        assert counts == [2, 1], "each knows of the one before"
        await auth.post("/notifications/1/read")  # changes nothing
        await auth.post("/notifications/read")
        (event,) = await client.events(1)
        assert (event["name"], event["data"]) == ("notifications.read", {"unread": 0})

    gone = await auth.get("/notifications/?unread=1&page=2")
    assert gone.location == "/notifications/?sort=-added&unread=1", "all of it were read"


async def test_what_was_told_of_a_deleted_record_goes_with_it(
    auth: Auth, user: User, as_moderator: Auth, trade: Trade
) -> None:
    task = await trade.task(actor=user, assignee_id=user.id)
    await as_moderator.post(f"/notes/task/{task.id}", body="Done?")
    assert await kinds(trade, user) == ["comment"]
    await auth.post(f"/tasks/{task.id}/delete")
    assert await kinds(trade, user) == []
    async with trade.session() as session:
        assert await session.scalar(select(Note.id)) is None


async def test_colleagues_are_suggested_by_their_first_letters(
    auth: Auth, make_user: MakeUser
) -> None:
    await make_user(email="zoe@example.com", name="Zoë Zander")
    await make_user(email="zora@example.com", name="Zora", is_active=False)
    assert await (await auth.get("/notes/colleagues?q=zo")).get_json() == ["Zoë Zander"]


async def test_a_record_that_is_given_to_a_user_notifies_that_user(
    user: User, trade: Trade, make_user: MakeUser
) -> None:
    ada = await make_user(email="ada@example.com", name="Ada")
    account = await trade.account(actor=user)  # is the user's own
    task = await trade.task(actor=user, assignee_id=ada.id)
    deal = await trade.deal(actor=user, account_id=account.id, owner_id=ada.id)
    async with trade.session() as session:
        row = await get_account(session, account_id=account.id)
        given = {"owner_id": ada.id}
        await update_account(session, actor=user, account=row, values=given, version=row.version)
        again = await get_task(session, task_id=task.id)
        await update_task(
            session, actor=user, task=again, values={"title": "Other"}, version=again.version
        )
    assert deal.owner_id == ada.id
    assert await kinds(trade, ada) == ["assigned"] * 3
    assert await kinds(trade, user) == []
