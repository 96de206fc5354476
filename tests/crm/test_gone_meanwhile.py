"""What a request names is removed by another one at the same moment: a record, a tag, a user."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.util import await_only

from quarterdeck_crm.accounts.services import create_account, get_account, update_account
from quarterdeck_crm.attachments.services import add_attachment
from quarterdeck_crm.attachments.storage import Kept
from quarterdeck_crm.bulk.kinds import get_kind
from quarterdeck_crm.bulk.runs import change_now, create_run, start_run, start_undo, work_off
from quarterdeck_crm.deals.services import create_deal, delete_deal, get_deal, make_order, move_deal
from quarterdeck_crm.deals.stages import (
    StageEntry,
    list_reasons,
    list_stages,
    make_usual_stages,
    save_pipeline,
)
from quarterdeck_crm.duplicates.services import merge
from quarterdeck_crm.errors import (
    ClashError,
    ConflictError,
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
    Contact,
    Deal,
    Note,
    Notification,
    Order,
    Role,
    SavedView,
    SearchWord,
    StageKind,
    Task,
    UndoStep,
    User,
)
from quarterdeck_crm.notes.services import add_note
from quarterdeck_crm.people.services import delete_person, get_person
from quarterdeck_crm.saved_views.services import delete_view, get_view, update_view
from quarterdeck_crm.team.services import delete_user, get_user
from quarterdeck_crm.transfer.importing import Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import
from tests.servers import Server

from .conftest import MakeUser
from .test_mariadb import empty_tables
from .trading import Trade

pytestmark = [
    pytest.mark.external_service("MariaDB"),  # SQLite has no such moments: one writes at a time
    pytest.mark.hazard("a row that goes between a check and a write"),
]

Outcomes = list[BaseException | None]


@pytest.fixture
def settings(maria: Server) -> dict[str, Any]:
    return {"DATABASE_URL": f"mysql+aiomysql://root@127.0.0.1:{maria.port}/gone_meanwhile"}


@pytest.fixture(autouse=True)
async def _tables(app: Quart, maria: Server) -> None:
    await empty_tables(app, maria)


async def at_once(app: Quart, *works: Callable[[], Awaitable[Any]]) -> Outcomes:
    """Do all at the same moment, each as a request of its own; return what each raised."""

    async def alone(work: Callable[[], Awaitable[Any]]) -> None:
        async with app.app_context():
            await work()

    done = await asyncio.gather(*(alone(work) for work in works), return_exceptions=True)
    return [each if isinstance(each, BaseException) else None for each in done]


def run(service: Callable[..., Awaitable[Any]], **values: Any) -> Callable[[], Awaitable[Any]]:
    """Return a request that calls a service in a transaction."""
    return partial(db.run, partial(service, **values))


@contextmanager
def meanwhile(part: str, service: Callable[..., Awaitable[Any]], *, nth: int = 1) -> Iterator[None]:
    """Call a service in a transaction of its own, right after the nth statement with ``part``."""
    waiting = [None] * (nth - 1) + [service]

    def listen(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if part in statement and waiting:
            work = waiting.pop(0)
            if work is not None:
                await_only(_alone(work))

    event.listen(Engine, "after_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(Engine, "after_cursor_execute", listen)
    assert not waiting, f"there was no statement with {part}"


async def _alone(service: Callable[..., Awaitable[Any]]) -> None:
    async with db.new_session() as session, session.transaction():
        await service(session)


async def lock_wait(trade: Trade) -> None:
    """Wait until a transaction waits for another one."""
    waits = text("SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")
    async with trade.app.app_context(), asyncio.timeout(10), db.new_session() as session:
        while not await session.scalar(waits):
            await session.rollback()
            await asyncio.sleep(0.2)  # the server reads the table again after 0.1 s


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
