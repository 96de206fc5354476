"""Deals and notes from and to files."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import delete, select

from quarterdeck_crm.deals.services import make_order, move_deal
from quarterdeck_crm.deals.stages import make_usual_stages
from quarterdeck_crm.errors import ImportRefusedError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Activity, Deal, DealLine, DealStage, Note, User
from quarterdeck_crm.notes.services import add_note, edit_note, remove_note
from quarterdeck_crm.transfer.importing import Report, Source
from quarterdeck_crm.transfer.kinds import KINDS, PARTS, run_import
from tests.crm.trading import Trade

WON, LOST = 4, 5


async def load(app: Quart, kind: str, text: str, folder: Path) -> Report:
    path = folder / f"{kind}.csv"
    path.write_text(text, "utf-8", newline="")
    async with app.app_context():
        return await run_import(KINDS[kind], [Source(path, path.name)])


async def export(app: Quart, kind: str) -> str:
    async with app.app_context(), db.new_session() as session:
        return "".join([chunk async for chunk in PARTS[kind].export(session)])


async def refused(app: Quart, kind: str, text: str, folder: Path) -> list[str]:
    with pytest.raises(ImportRefusedError) as caught:
        await load(app, kind, text, folder)
    async with app.app_context():
        return [str(each) for each in caught.value.mistakes.shown]


async def several_deals(app: Quart, trade: Trade, user: User) -> None:
    """Add an open, a lost and a won deal, the latter with its order."""
    account = await trade.account(code="C1")
    good, other = await trade.good(code="G-1"), await trade.good(code="G-2")
    person = await trade.person(account)
    contact_id = person.contacts[0].id
    await trade.deal(
        (good, 2), (other, 3), actor=user, name="=1+1", account_id=account.id,
        contact_id=contact_id, own_probability=35, expected_on="2027-01-31",
        remark='"a",\n;b', tags=["hot", "new"],
    )  # fmt: skip
    lost = await trade.deal(name="Lost", account_id=account.id, value="12.5", currency="KWD")
    won = await trade.deal((good, 1), actor=user, name="Won", account_id=account.id)
    async with app.app_context():
        reason = "Too late"
        move = partial(move_deal, actor=None)
        await db.run(partial(move, deal_id=lost.id, stage_id=LOST, lost_reason=reason))
        await db.run(partial(move, deal_id=won.id, stage_id=WON))
        await db.run(partial(make_order, actor=user, deal_id=won.id))


async def test_exported_deals_and_notes_import_to_the_same(
    app: Quart, trade: Trade, user: User, tmp_path: Path
) -> None:
    await several_deals(app, trade, user)
    async with trade.session() as session:
        deal = await session.get_one(Deal, 1)
        note = await add_note(session, actor=user, subject=deal, body="=Called, ++\n  twice")
        gone = await add_note(session, actor=None, subject=deal, body="Removed")
    async with trade.session() as session:
        for found in await session.scalars(select(Note)):
            if found.id == note.id:
                await edit_note(
                    session, actor=user, note=found, body="Called\n\nagain", version=found.version
                )
        await remove_note(session, actor=None, note=await session.get_one(Note, gone.id))
    for make in (trade.account(), trade.person(), trade.task(), trade.order()):
        record = await make
        async with trade.session() as session:
            await add_note(session, actor=None, subject=record, body="Seen")
    deals, notes = await export(app, "deals"), await export(app, "notes")
    assert deals.count("\r\n") >= 5
    assert "Removed" not in notes

    for kind, text, count in (("deals", deals, 3), ("notes", notes, 5)):
        again = await load(app, kind, text, tmp_path)
        assert (again.created, again.updated, again.unchanged) == (0, 0, count)
    async with trade.session() as session:
        for model in (Activity, Note, DealLine, Deal):
            await session.execute(delete(model))
    assert (await load(app, "deals", deals, tmp_path)).created == 3
    # The ids of deals are the same, so the notes find them.
    assert (await load(app, "notes", notes, tmp_path)).created == 5

    assert await export(app, "deals") == deals
    assert await export(app, "notes") == notes
    async with app.app_context():
        assert set(await db.session.scalars(select(Activity.action))) == {"imported"}
        kinds = await db.session.execute(select(Deal.kind, Deal.probability).order_by(Deal.id))
        assert [(str(kind), share) for kind, share in kinds] == [
            ("open", 35), ("lost", 0), ("won", 100),
        ]  # fmt: skip


async def test_a_file_changes_deals_and_replaces_their_lines(
    app: Quart, trade: Trade, user: User, tmp_path: Path
) -> None:
    account = await trade.account(code="C1")
    good = await trade.good(code="G-1", price="4")
    deal = await trade.deal((good, 2), actor=user, account_id=account.id, remark="Stays")
    version = deal.version

    report = await load(
        app,
        "deals",
        "reference,name,account,stage,good,quantity,price,discount\n"
        f"{deal.reference},Refit,C1,negotiation,G-1,5,,\n"
        f"{deal.reference},Refit,C1,,G-1,1,10,0.5\n"
        "mine-1,Other,C1,,,,,\n",
        tmp_path,
    )

    assert (report.created, report.updated) == (1, 1)
    async with app.app_context():
        read = await db.session.get_one(Deal, deal.id)
        assert (read.name, read.value, read.probability, read.remark, read.owner_id) == (
            "Refit", Decimal(25), 70, "Stays", user.id,
        )  # fmt: skip
        assert read.version > version
        made = await db.session.scalar(select(Deal).where(Deal.reference == "mine-1"))
        assert made is not None
        assert (made.currency, made.stage_id, made.probability, made.value) == (
            "EUR",
            1,
            20,
            Decimal(0),
        )


async def test_mistakes_of_deals_are_told_by_line_and_nothing_is_written(
    app: Quart, trade: Trade, user: User, tmp_path: Path
) -> None:
    await several_deals(app, trade, user)
    async with app.app_context():
        won = await db.session.get_one(Deal, 3)
        order = (await export(app, "orders")).splitlines()[1].split(",")[0]
    before = await export(app, "deals")

    told = await refused(
        app,
        "deals",
        "reference,name,account,contact,owner,stage,lost_reason,order,good,quantity,value\n"
        "a,One,C9,,,,,,,,\n"
        "b,Two,C1,ref-none,,,,,,,\n"
        "c,Three,C1,,nobody@example.com,,,,,,\n"
        "d,Four,C1,,,Dreaming,,,,,\n"
        "e,Five,C1,,,Lost,,,,,\n"
        f"f,Six,C1,,,,,{order},,,\n"
        f"g,Seven,C1,,,Won,,{order},,,\n"
        "h,Eight,C1,,,,,,G-9,1,\n"
        "i,Nine,C1,,,,,,G-1,,\n"
        "j,Ten,C1,,,,,,,,-1\n"
        f"{won.reference},Won,C1,,,Lost,Price,,,,\n"
        "a,One,C1,,,,,,,,\n",
        tmp_path,
    )

    for number, words in enumerate(
        (
            "'account' is 'C9', but there is no account of this code",
            "'contact' is 'ref-none', but the account has no person of this reference",
            "'owner' is 'nobody@example.com', but no user has this address",
            "'stage' is 'Dreaming', but the pipeline has no stage of this name",
            "'lost_reason' is empty. Enter why the deal is lost",
            "but only a deal that is won becomes an order",
            "but another deal has become this order",
            "'good' is 'G-9', but there is no good of this code",
            "'quantity' of the good 'G-1' is empty",
            "'value' is '-1', expected a number",
            "but the deal has become an order. Its stage is final",
            "'reference' a stands elsewhere in the file",
        ),
        2,
    ):
        assert any(f"line {number}: " in each and words in each for each in told), words
    assert await export(app, "deals") == before


async def test_mistakes_of_notes_are_told_by_line(app: Quart, trade: Trade, tmp_path: Path) -> None:
    account, other = await trade.account(code="C1"), await trade.account(code="C2")
    async with trade.session() as session:
        gone = await add_note(session, actor=None, subject=account, body="Gone")
        kept = await add_note(session, actor=None, subject=account, body="Kept")
    async with trade.session() as session:
        await remove_note(session, actor=None, note=await session.get_one(Note, gone.id))

    told = await refused(
        app,
        "notes",
        "reference,record_kind,record,author,written_at,text\n"
        "a,account,C9,,,Hello\n"
        "b,boat,C1,,,Hello\n"
        "c,account,C1,nobody@example.com,,Hello\n"
        "d,account,C1,,noon,Hello\n"
        f"{gone.reference},account,C1,,,Back\n"
        f"{kept.reference},account,{other.code},,,Moved\n"
        "g,account,C1,,,\n",
        tmp_path,
    )

    for number, words in enumerate(
        (
            "'record' is 'C9', but there is no such record of the kind 'account'",
            "'record_kind' is 'boat', expected one of account, deal",
            "'author' is 'nobody@example.com', but no user has this address",
            "'written_at' is 'noon', expected a date with a time",
            "is a note that was removed. Leave it out",
            "'record' is 'C2', but the note belongs to another record",
            "'text' is empty",
        ),
        2,
    ):
        assert any(f"line {number}: " in each and words in each for each in told), words


async def test_the_name_of_two_stages_is_ambiguous(
    app: Quart, trade: Trade, tmp_path: Path
) -> None:
    """Stages of older versions may have one name: a deal stays in its own, but no deal is added."""
    await trade.account(code="C1")
    first, second = await trade.deal(account_id=1), await trade.deal(account_id=1)
    async with trade.session() as session:
        (await session.get_one(DealStage, 2)).name = "qualified"
        await move_deal(session, actor=None, deal_id=second.id, stage_id=2)
    exported = await export(app, "deals")

    assert (await load(app, "deals", exported, tmp_path)).unchanged == 2
    file = (
        "reference,name,account,stage\n"
        f"{first.reference},{first.name},C1,Won\n"
        "a,One,C1,QUALIFIED\n"
        "b,Two,C1,Negotiation\n"
    )
    (told,) = await refused(app, "deals", file, tmp_path)
    assert "line 3: 'stage' is 'QUALIFIED', but the pipeline has several stages" in told


async def test_a_new_installation_needs_its_stages_first(
    app: Quart, trade: Trade, tmp_path: Path
) -> None:
    await trade.account(code="C1")
    file = "reference,name,account\na,One,C1\n"

    (told,) = await refused(app, "deals", file, tmp_path)
    assert "has no 'stage', and the pipeline has none for open deals" in told

    async with trade.session() as session:
        await make_usual_stages(session)
    assert (await load(app, "deals", file, tmp_path)).created == 1
