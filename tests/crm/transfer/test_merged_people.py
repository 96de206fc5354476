"""Files that name people who became part of other people: the ones who stay get their rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from quarterdeck_crm.duplicates.services import merge
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Contact, Deal, Note, Person, Task
from tests.crm.trading import Trade

from .test_deals import export, load


@pytest.fixture
async def merged(trade: Trade) -> tuple[Person, Person]:
    """A person that stays, and one that became part of it; they were at C1 and at C2."""
    accounts = [await trade.account(code=code) for code in ("C1", "C2", "C3")]
    phone = {"number": "+49 30 901820"}
    kept = await trade.person(
        accounts[0], name="Ada Anker", emails=[{"email": "ada@example.com"}], phones=[phone]
    )
    gone = await trade.person(
        accounts[1], name="A. Anker", emails=[{"email": "anker@example.com"}], phones=[phone]
    )
    async with trade.session() as session:
        await merge(
            session,
            actor=None,
            kind="person",
            keep=(kept.id, kept.version),
            other=(gone.id, gone.version),
        )
    return kept, gone


async def read(trade: Trade, person: Person) -> Person:
    async with trade.session() as session:
        details = selectinload(Person.emails), selectinload(Person.phones)
        accounts = selectinload(Person.contacts).joinedload(Contact.account)
        return await session.get_one(Person, person.id, options=[*details, accounts])


async def test_an_export_with_a_merged_person_imports_to_the_same(
    app: Quart, trade: Trade, merged: tuple[Person, Person], tmp_path: Path
) -> None:
    exported = await export(app, "people")
    report = await load(app, "people", exported, tmp_path)

    assert (report.created, report.updated, report.merged) == (0, 0, 1)
    assert await export(app, "people") == exported


@pytest.mark.parametrize("by", ["reference", "email", "account"])
async def test_a_row_of_a_merged_person_adds_to_the_one_who_stays(
    app: Quart, trade: Trade, merged: tuple[Person, Person], tmp_path: Path, by: str
) -> None:
    kept, gone = merged
    reference, email, account = {
        "reference": (gone.reference, "new@example.com", "C3"),
        "email": ("", "anker@example.com", "C3"),
        "account": ("", "", "C2"),
    }[by]
    file = (
        "reference,name,email,phone,account,account_title,birthday,do_not_contact,archived\n"
        f"{reference},A. Anker,{email},0049 30 901820,{account},Captain,1990-01-02,1,1\n"
    )
    report = await load(app, "people", file, tmp_path)

    assert (report.created, report.updated, report.merged) == (0, 1, 1)
    assert "merged into others: 1." in str(report.followed)
    person = await read(trade, kept)
    assert (person.name, person.birthday, person.archived_at) == ("Ada Anker", None, None)
    assert person.do_not_contact, "a refusal holds"
    assert [each.number for each in person.phones] == ["+49 30 901820"], "once, however written"
    emails = ["ada@example.com", "anker@example.com", "new@example.com"]
    assert [each.email for each in person.emails] == emails[: 3 if by == "reference" else 2]
    titles = [(each.account.code, each.title) for each in person.contacts]
    new = [] if by == "account" else [("C3", "Captain")]
    assert titles == [("C1", None), ("C2", None), *new]
    again = await load(app, "people", file, tmp_path)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 1)


async def test_other_files_follow_a_merged_person(
    app: Quart, trade: Trade, merged: tuple[Person, Person], tmp_path: Path
) -> None:
    kept, gone = merged
    await trade.deal()  # for the stages
    deals = f"reference,name,account,contact\nd1,Refit,C2,{gone.reference}\n"
    tasks = f"reference,title,account,contact\nt1,Call,C2,{gone.reference}\n"
    notes = f"reference,record_kind,record,text\nn1,person,{gone.reference},Called\n"
    accounts = (
        "code,name,contact_reference,contact_name\n"
        f"C2,Account 2,{gone.reference},A. Anker\nC3,Account 3,{gone.reference},A. Anker\n"
    )
    for kind, file in (("deals", deals), ("tasks", tasks), ("notes", notes)):
        assert (await load(app, kind, file, tmp_path)).created == 1, kind
    assert (await load(app, "accounts", accounts, tmp_path)).created == 0

    person = await read(trade, kept)
    assert person.name == "Ada Anker"
    assert [each.account.code for each in person.contacts] == ["C1", "C2", "C3"]
    at_c2 = person.contacts[1].id
    async with app.app_context():
        assert await db.session.scalar(select(Deal.contact_id).where(Deal.name == "Refit")) == at_c2
        assert await db.session.scalar(select(Task.contact_id)) == at_c2
        assert await db.session.scalar(select(Note.subject_id)) == kept.id
        assert await db.session.scalar(select(func.count(Account.id))) == 4
        assert await db.session.scalar(select(func.count(Person.id))) == 2
