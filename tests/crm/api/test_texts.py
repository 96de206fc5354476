"""Control characters and marks of the direction of writing, whatever way a text comes."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

import pytest
from quart import Quart

from quarterdeck_crm.errors import ImportRefusedError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import User
from quarterdeck_crm.team.checks import UserData
from quarterdeck_crm.team.services import create_user, edit_own, get_user
from quarterdeck_crm.tokens.services import check_token
from quarterdeck_crm.transfer.importing import Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import
from quarterdeck_crm.validation import NO_CONTROL, NO_OVERRIDE
from tests.crm.cli.test_cli import Crm, crm, ready, upgraded
from tests.crm.conftest import PASSWORD, Auth
from tests.crm.trading import Trade

__all__ = ["crm", "ready", "upgraded"]

from .conftest import Program

BAD = [
    *(("A\x01da", str(NO_CONTROL)), ("A\x1b[31mda", str(NO_CONTROL)), ("A\x07da", str(NO_CONTROL))),
    *(("A\x7fda", str(NO_CONTROL)), ("A\x9b31mda", str(NO_CONTROL)), ("A\x90da", str(NO_CONTROL))),
    *(("Ada \u202egnp.exe", str(NO_OVERRIDE)), ("\u202dAda", str(NO_OVERRIDE))),
]
bad = pytest.mark.parametrize(("raw", "reason"), BAD, ids=[ascii(raw) for raw, _ in BAD])
FROM_A_PHONE = "\u2068\u202aAda\u202c\u2069"


@bad
@pytest.mark.parametrize("field", ["name", "department"])
async def test_users_of_forms(as_admin: Auth, field: str, raw: str, reason: str) -> None:
    entries = {"name": "Ada", "email": "a@b.example", "role": "User", "kind": "standard"}
    entries |= {"balance": "0", field: raw}

    answer = await as_admin.post("/team/new", page="/team/new", **entries)

    assert answer.status_code == 422
    assert reason in html.unescape(await answer.get_data(as_text=True))


@bad
async def test_ones_own_profile_and_registration(
    app: Quart, auth: Auth, user: User, browser: Callable[[], Auth], raw: str, reason: str
) -> None:
    app.config["REGISTRATION_OPEN"] = True
    entries = {"name": raw, "email": "a@b.example", "password": PASSWORD, "again": PASSWORD}

    changed = await auth.post("/auth/profile", page="/auth/profile", name=raw, phone="")
    registered = await browser().post("/auth/register", page="/auth/register", **entries)

    for answer in (changed, registered):
        assert answer.status_code == 422
        assert reason in html.unescape(await answer.get_data(as_text=True))
    async with app.app_context():
        assert (await get_user(db.session, user.id)).name == user.name


@bad
async def test_the_services(app: Quart, user: User, raw: str, reason: str) -> None:
    async with app.app_context():
        for field in ("name", "department"):
            data = UserData(**{"email": "a@b.example", "name": "Ada"} | {field: raw})  # type: ignore[arg-type]
            with pytest.raises(ValidationError) as refused:
                await create_user(db.session, data=data)
            assert refused.value.errors == {field: [reason]}
        with pytest.raises(ValidationError):
            await edit_own(db.session, user=user, name=raw, phone=None, zone=None)
        with pytest.raises(ValidationError):
            check_token(name=raw, scopes=(), days=None)


@bad
async def test_the_api_and_imports(
    app: Quart, program: Program, tmp_path: Path, raw: str, reason: str
) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text(f"code,name\nC1,{raw}\n", "utf-8")

    answer = await program.post("/accounts", {"name": raw})

    assert answer.status_code == 422
    assert reason in str(await answer.get_json())
    async with app.app_context():
        with pytest.raises(ImportRefusedError):
            await run_import(KINDS["accounts"], [Source(file, file.name)])


@pytest.mark.parametrize("raw", [raw for raw, _ in BAD], ids=ascii)
def test_the_command(ready: Crm, raw: str) -> None:
    refused = ready(
        *("user", "create", "a@b.example", "--name", raw, "--password-stdin"), stdin=PASSWORD
    )

    assert refused.exit_code == 1
    assert "Remove the" in refused.stderr
    assert ready("user", "list").stdout == ""


async def test_marks_that_come_along_from_a_phone_are_dropped(app: Quart, trade: Trade) -> None:
    async with app.app_context(), db.transaction() as session:
        data = UserData(
            email="a@b.example",
            name=FROM_A_PHONE,
            department=FROM_A_PHONE,
            phone="\u202a+49 30 901820\u202c",
        )
        user = await create_user(session, data=data)
    account = await trade.account(name=f" {FROM_A_PHONE} ", phone="\u202a+49 30 901820\u202c")

    assert (user.name, user.department, user.phone) == ("Ada", "Ada", "+4930901820")
    assert (account.name, account.phone) == ("Ada", "+49 30 901820")


@pytest.mark.parametrize("name", ["\u202a\u202c", "\u200b", "\u3164", " \u2800\ufeff"], ids=ascii)
async def test_a_name_that_shows_nothing_is_none(trade: Trade, program: Program, name: str) -> None:
    """Nobody could see it in a list, or open its record there."""
    with pytest.raises(ValidationError, match="required"):
        await trade.account(name=name)
    account = await trade.account()
    note = {"record": "account", "record_id": account.id, "body": name}
    assert (await program.post("/notes", note)).status_code == 422


async def test_a_name_is_one_line_and_a_note_may_have_several(
    trade: Trade, program: Program
) -> None:
    account = await trade.account(name="Wool\r\n\tGmbH\u2028Berlin", address="Yard 3\n Gate 2")
    assert (account.name, account.address) == ("Wool GmbH Berlin", "Yard 3\n Gate 2")
    body = {"record": "account", "record_id": account.id, "body": "One\n\nTwo"}
    assert (await program.create("/notes", **body))["body"] == "One\n\nTwo"


@pytest.mark.parametrize("name", ["שלום עולם", "مرحبا\u200f", "Ada\u200eB", "क्\u200dष", "Zoë"])
async def test_all_scripts_are_taken_as_they_are(trade: Trade, name: str) -> None:
    assert (await trade.account(name=name)).name == name
