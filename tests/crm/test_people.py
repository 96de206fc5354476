"""People: their pages, rights, the main contact of an account, and what an import takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import select

from quarterdeck_crm.errors import ForbiddenError, ImportRefusedError
from quarterdeck_crm.models import AuditEvent, Role, User
from quarterdeck_crm.people.services import get_person, update_person
from quarterdeck_crm.transfer.importing import Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import

from .conftest import Auth, MakeUser
from .trading import Fields, Trade

pytestmark = pytest.mark.feature("AP3")


async def text_of(auth: Auth, path: str) -> str:
    response = await auth.get(path)
    assert response.status_code == 200, path
    return str(await response.get_data(as_text=True))


async def test_a_person_from_the_form_to_the_end(
    auth: Auth, as_moderator: Auth, trade: Trade
) -> None:
    one, two = await trade.account(name="Oak"), await trade.account(name="Pine")
    form = Fields(await text_of(auth, f"/people/new?account={one.id}")).values
    form |= {
        "name": "Maria Anders", "accounts-0-title": "Owner", "accounts-0-main": "y",
        "accounts-7-account": "Pine", "phones-0-number": "030 123", "phones-0-label": "mobile",
        "emails-3-email": "maria@example.com", "addresses-0-city": "Berlin",
        "do_not_contact": "y", "consent_given_on": "2026-01-02", "birthday": "1980-05-17",
    }  # fmt: skip
    added = await auth.post("/people/new", **form)
    assert added.location == "/people/1"

    page = await text_of(auth, "/people/1")
    for text in (
        "030 123",
        "maria@example.com",
        "Berlin",
        "Oak",
        "Pine",
        "Do not contact",
        "Owner",
    ):
        assert text in page
    for path in (
        "/people/", "/people/?q=maria%40ex", f"/people/?account={two.id}", "/search?q=anders",
        f"/accounts/{one.id}", "/people/?contact=no",
    ):  # fmt: skip
        shown = await text_of(auth, path)
        assert "Maria Anders" in shown, path
        assert "Do not contact</span>" in shown, path
    assert "Maria" not in await text_of(auth, "/people/?contact=yes")

    kept = Fields(await text_of(auth, "/people/1/edit")).values
    assert (
        await auth.post("/people/1/edit", **(kept | {"phones-0-number": ""}))
    ).status_code == 303
    page = await text_of(auth, "/people/1")
    assert "Phone removed, was 030 123 (Mobile)" in page
    assert await trade.history(one) == [
        "contact changed",
        "contact added",
        "main contact",
        "created",
    ]

    await auth.post("/people/1/archive")
    assert "Maria" not in await text_of(auth, "/people/")
    await auth.post("/people/1/restore")
    assert (await auth.post("/people/1/delete")).status_code == 403
    assert (await as_moderator.post("/people/1/delete")).location == "/people/"
    assert (await auth.get("/people/1")).status_code == 404
    assert "Contact removed: Maria Anders" in await text_of(auth, f"/accounts/{one.id}")
    async with trade.session() as session:
        assert "person 1" in (await session.scalars(select(AuditEvent.subject))).all()


async def test_two_editors_of_a_person_see_each_other(auth: Auth, trade: Trade) -> None:
    await trade.person(name="Maria", phones=[{"number": "1"}])
    mine = Fields(await text_of(auth, "/people/1/edit")).values
    await auth.post("/people/1/edit", **(mine | {"phones-0-number": "2", "birthday": "1980-05-17"}))

    told = await auth.post("/people/1/edit", **(mine | {"phones-0-number": "3"}))

    page = str(await told.get_data(as_text=True))
    again = Fields(page).values
    assert told.status_code == 409
    assert "Phone changed from 1 to 2" in page
    assert (again["phones-0-number"], again["birthday"]) == ("3", "1980-05-17")
    assert (await auth.post("/people/1/edit", **again)).status_code == 303


async def test_who_may_change_a_person(trade: Trade, user: User, make_user: MakeUser) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    mine, theirs = await trade.account(actor=user), await trade.account(actor=other)
    shared = [{"account_id": mine.id}, {"account_id": theirs.id}]
    person = await trade.person(accounts=shared)
    stranger = await trade.person(theirs)

    async def change(id_: int, **values: object) -> None:
        async with trade.session() as session:
            row = await get_person(session, person_id=id_)
            await update_person(session, actor=user, person=row, values=values, version=row.version)

    await change(person.id, name="Shared")
    with pytest.raises(ForbiddenError, match="accounts of other users"):
        await change(stranger.id, name="Mine")
    with pytest.raises(ForbiddenError, match="belong to another user"):
        await change(person.id, accounts=shared[:1])


async def test_a_form_that_names_an_account_of_another_user_keeps_its_entries(
    auth: Auth, user: User, trade: Trade, make_user: MakeUser
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    mine = await trade.account(name="Oak", actor=user)
    theirs = await trade.account(name="Pine", actor=other)
    form = Fields(await text_of(auth, "/people/new")).values
    form |= {"name": "Maria", "accounts-0-account": "Pine", "birthday": "1980-05-17"}
    refused = await auth.post("/people/new", **form)
    ana = await trade.person(name="Ana", accounts=[{"account_id": a.id} for a in (mine, theirs)])
    edit = Fields(await text_of(auth, f"/people/{ana.id}/edit")).values
    of_theirs = next(name for name, value in edit.items() if value.startswith("Pine"))
    removed = await auth.post(
        f"/people/{ana.id}/edit",
        **(edit | {of_theirs: "", "name": "Anna", "birthday": "1980-05-17"}),
    )

    for answer, name in ((refused, "Maria"), (removed, "Anna")):
        page = str(await answer.get_data(as_text=True))
        assert answer.status_code == 403
        assert "The contacts of Pine belong to another user." in page
        kept = Fields(page).values
        assert (kept["name"], kept["birthday"]) == (name, "1980-05-17")
    again = Fields(str(await refused.get_data(as_text=True))).values
    added = await auth.post("/people/new", **(again | {"accounts-0-account": "Oak"}))
    assert added.status_code == 303


LINES = """\
name,account,title,email,phone,main_contact
Maria,OAK,Owner,maria@example.com,1,yes
Maria,OAK,Owner,maria@example.com,2,yes
Ana,OAK,,,,
"""


async def load(app: Quart, folder: Path, text: str) -> tuple[int, int, int]:
    (folder / "people.csv").write_text(text)
    async with app.app_context():
        report = await run_import(KINDS["people"], [Source(folder / "people.csv", "people.csv")])
    return report.created, report.updated, report.unchanged


async def test_a_foreign_file_of_people(app: Quart, trade: Trade, tmp_path: Path) -> None:
    """Without references people are found by name with e-mail or account, and rows add to them."""
    await trade.account(name="Oak", code="OAK")

    assert await load(app, tmp_path, LINES) == (2, 0, 0)
    assert await load(app, tmp_path, LINES) == (0, 0, 2)
    assert await load(app, tmp_path, "name,account,main_contact\nAna,oak,1\n") == (0, 1, 0)

    async with trade.session() as session:
        maria, ana = [await get_person(session, person_id=id_) for id_ in (1, 2)]
        assert [phone.number for phone in maria.phones] == ["1", "2"]
        assert [person.contacts[0].is_main for person in (maria, ana)] == [False, True]
    assert await trade.history(maria) == ["imported"]


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("Maria,,,,,,", "by which the person could be found again"),
        ("Maria,PINE,,,,,", "there is no account of this code"),
        ("Maria,,,m@example.com,,,2999-01-01", "'birthday': Enter a day that is not in the future"),
        ("Maria,,ref-1,,,,\nAna,,ref-2,,,,\nMaria,,ref-1,,,,", "Put its lines together"),
        ("Maria,OAK,,,,1,\nAna,OAK,,,,1,", "has another main contact in this file"),
        ("Maria,,ref-1,,1,,\nMaria,,ref-1,,1,,", "'phone': This number is entered twice"),
    ],
)
async def test_a_person_that_a_file_cannot_give(
    app: Quart, trade: Trade, tmp_path: Path, line: str, mistake: str
) -> None:
    await trade.account(name="Oak", code="OAK")
    header = "name,account,reference,email,phone,main_contact,birthday"

    with pytest.raises(ImportRefusedError) as refused:
        await load(app, tmp_path, f"{header}\n{line}\n")

    assert mistake in str(refused.value.mistakes.shown[0])
