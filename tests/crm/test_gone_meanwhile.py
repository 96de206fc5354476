"""What a request names is removed by another one at the same moment: a record, a tag, a user."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import func, select

from quarterdeck_crm.accounts.services import create_account, get_account, update_account
from quarterdeck_crm.attachments.services import add_attachment
from quarterdeck_crm.attachments.storage import Kept
from quarterdeck_crm.bulk.kinds import get_kind
from quarterdeck_crm.bulk.runs import change_now
from quarterdeck_crm.deals.services import create_deal, delete_deal, get_deal
from quarterdeck_crm.deals.stages import (
    StageEntry,
    list_reasons,
    list_stages,
    make_usual_stages,
    save_pipeline,
)
from quarterdeck_crm.errors import (
    ClashError,
    NotFoundError,
    StaleError,
    ValidationError,
)
from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.fields import create_field
from quarterdeck_crm.extras.records import tags_of, write_extras
from quarterdeck_crm.extras.tags import create_tag, get_tag, list_tags, remove_tag
from quarterdeck_crm.history.recording import store
from quarterdeck_crm.models import (
    Account,
    Attachment,
    Note,
    Notification,
    Role,
    SearchWord,
    User,
)
from quarterdeck_crm.notes.services import add_note
from quarterdeck_crm.people.services import delete_person, get_person
from quarterdeck_crm.team.services import delete_user, get_user
from tests.servers import Server

from .conftest import MakeUser
from .test_mariadb import empty_tables
from .trading import Trade
from .transactions import at_once, lock_wait, meanwhile, run

pytestmark = [
    pytest.mark.external_service("MariaDB"),  # SQLite has no such moments: one writes at a time
    pytest.mark.hazard("a row that goes between a check and a write"),
]


@pytest.fixture
def settings(maria: Server) -> dict[str, Any]:
    return {"DATABASE_URL": f"mysql+aiomysql://root@127.0.0.1:{maria.port}/gone_meanwhile"}


@pytest.fixture(autouse=True)
async def _tables(app: Quart, maria: Server) -> None:
    await empty_tables(app, maria)


async def new_tag(trade: Trade, name: str) -> int:
    async with trade.session() as session:
        return (await create_tag(session, actor=None, values={"name": name, "colour": "grey"})).id


async def removal(session: Any, *, tag_id: int) -> None:
    await remove_tag(session, actor=None, tag=await get_tag(session, tag_id=tag_id))


async def test_a_tag_that_is_removed_while_records_get_it(
    app: Quart, trade: Trade, admin: User
) -> None:
    """Saves are refused with a reason or add the tag again; a bulk change goes on to its end."""
    accounts = [await trade.account(name=f"Account {number}") for number in range(5)]
    ids = [account.id for account in accounts]

    async def bulk(tag_id: int) -> None:
        kind = get_kind("accounts")
        changed, refused = await change_now(
            actor=admin, kind=kind, action="tag", ids=ids, value=str(tag_id)
        )
        assert sorted([*changed, *(id_ for id_, _reason in refused)]) == ids

    for number in range(6):
        tag_id = await new_tag(trade, f"Tag {number}")
        saves = [
            run(create_account, actor=None, values={"name": "New", "tags": f"Tag {number}"})
            for _ in range(4)
        ]
        outcomes = await at_once(
            app, *saves[:2], run(removal, tag_id=tag_id), *saves[2:], partial(bulk, tag_id)
        )

        assert outcomes[2] is None
        refused = outcomes[:2] + outcomes[3:]
        assert {type(each) for each in refused if each} <= {
            ClashError,
            NotFoundError,
            ValidationError,
        }, refused


async def test_a_tag_that_another_save_adds_to_the_record(app: Quart, trade: Trade) -> None:
    """The user is told that the record was changed, and may compare the two."""
    account = await trade.account()
    await new_tag(trade, "Wine")

    async def save(session: Any) -> None:
        row = await get_account(session, account_id=account.id)
        values = {"tags": "Wine"}
        await update_account(session, actor=None, account=row, values=values, version=1)

    with meanwhile("JOIN record_tag", save):
        (outcome,) = await at_once(app, run(save))

    assert isinstance(outcome, StaleError), outcome


async def test_a_field_that_another_save_fills_in_the_record(app: Quart, trade: Trade) -> None:
    account = await trade.account()
    async with trade.session() as session:
        field = {"label": "Size", "type": "number"}
        await create_field(session, actor=None, kind="account", values=field)

    async def save(session: Any) -> None:
        row = await get_account(session, account_id=account.id)
        values = {"fields": {"size": "12"}}
        await update_account(session, actor=None, account=row, values=values, version=1)

    with meanwhile("FROM custom_value", save, nth=2):
        (outcome,) = await at_once(app, run(save))

    assert isinstance(outcome, StaleError), outcome


async def test_users_who_enter_the_same_new_tag_at_once(app: Quart, trade: Trade) -> None:
    """All of them save: the tag is there once, and all records have it."""
    for name in ("Wine", "Cheese", "Bread"):
        values = {"name": name, "tags": f"{name}, key account {name}"}
        outcomes = await at_once(
            app, *(run(create_account, actor=None, values=values) for _ in range(5))
        )

        assert outcomes == [None] * 5
        async with trade.session() as session:
            rows = (await session.scalars(select(Account).where(Account.name == name))).all()
            tags = [{tag.name for tag in await tags_of(session, row)} for row in rows]
        assert tags == [{name, f"key account {name}"}] * 5
    async with trade.session() as session:
        assert len(await list_tags(session)) == 6


async def test_nothing_is_added_to_a_record_that_was_deleted(app: Quart, trade: Trade) -> None:
    """The request has read the record before."""
    deal = await trade.deal()
    file = Kept(stored="0" * 32, name="a.txt", media_type="text/plain", size=4)

    async with app.app_context():
        found = await get_deal(db.session, deal_id=deal.id)
        await db.session.release()
        async with db.new_session() as other, other.transaction():
            row = await get_deal(other, deal_id=deal.id)
            await delete_deal(other, actor=None, deal=row)
        for add in (
            partial(add_note, actor=None, subject=found, body="Call back"),
            partial(add_attachment, actor=None, subject=found, file=file),
        ):
            with pytest.raises(NotFoundError, match="may have been deleted"):
                await db.run(add)

    async with trade.session() as session:
        for model in (Note, Attachment):
            assert await session.scalar(select(func.count()).select_from(model)) == 0


async def test_no_note_stays_of_a_person_whose_data_is_deleted(app: Quart, trade: Trade) -> None:
    """The note is written and not yet committed when the deletion looks for notes."""
    person_id = (await trade.person()).id

    async def erase() -> None:
        async with app.app_context(), db.transaction() as session:
            person = await get_person(session, person_id=person_id)
            await delete_person(session, actor=None, person=person)

    async with app.app_context(), db.new_session() as session:
        async with session.transaction():
            person = await get_person(session, person_id=person_id)
            await add_note(session, actor=None, subject=person, body="Call back")
            erasing = asyncio.create_task(erase())
            await lock_wait(trade)
        await erasing
        assert await session.scalar(select(func.count()).select_from(Note)) == 0
        words = select(SearchWord.word).where(SearchWord.subject_type == "note")
        assert (await session.scalars(words)).all() == [], "the search does not know the note"


async def test_a_record_that_is_deleted_while_it_gets_a_tag(app: Quart, trade: Trade) -> None:
    """The save goes through and the deletion is refused; neither ends the other."""
    deal_id = (await trade.deal()).id

    async def remove() -> None:
        async with app.app_context(), db.transaction() as session:
            await delete_deal(session, actor=None, deal=await get_deal(session, deal_id=deal_id))

    async with app.app_context(), db.new_session() as session:
        async with session.transaction():
            deal = await get_deal(session, deal_id=deal_id)
            await write_extras(session, deal, {"tags": ["Wine"]})
            removing = asyncio.create_task(remove())
            await lock_wait(trade)
            await store(session, actor=None, row=deal, values={"name": "New"})
        with pytest.raises(StaleError):
            await removing


async def test_a_stage_that_is_removed_while_a_deal_is_added_there(
    app: Quart, trade: Trade
) -> None:
    account = await trade.account()
    async with trade.session() as session:
        await make_usual_stages(session)
        _first, second, *_more = await list_stages(session)

    async def remove(session: Any) -> None:
        stages = [
            StageEntry(stage.id, stage.name, stage.probability, stage.kind)
            for stage in await list_stages(session)
            if stage.id != second.id
        ]
        reasons = await list_reasons(session)
        await save_pipeline(session, actor=None, stages=stages, reasons=reasons)

    values = {"name": "Late", "account_id": account.id, "currency": "EUR"}
    with meanwhile("FROM deal_stage", remove):
        (outcome,) = await at_once(
            app, run(create_deal, actor=None, values=values, stage_id=second.id)
        )

    assert isinstance(outcome, ValidationError), outcome
    assert list(outcome.errors) == ["stage_id"]


async def test_a_user_who_is_deleted_while_a_note_mentions_them(
    app: Quart, trade: Trade, admin: User, make_user: MakeUser
) -> None:
    """The note is kept; its request sees the user until the deletion is committed."""
    account = await trade.account()
    author = await make_user(Role.USER, "bob@example.com")
    ada = await make_user(Role.USER, "ada@example.com", name="Ada")
    note = run(add_note, actor=author, subject=account, body="Ask @Ada about the price.")

    async with app.app_context(), db.new_session() as session:
        async with session.transaction():
            await delete_user(session, user=await get_user(session, ada.id), actor=admin)
            adding = asyncio.create_task(at_once(app, note))
            await lock_wait(trade)
        assert await adding == [None]
        assert len((await session.scalars(select(Note))).all()) == 1
        assert (await session.scalars(select(Notification.user_id))).all() == []
