"""Addresses that users sign in with: one spelling each, and none that looks like another."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import func, insert, select, text

from quarterdeck import migrate
from quarterdeck_crm import create_app
from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, User
from quarterdeck_crm.team.checks import UserData
from quarterdeck_crm.team.services import create_user, edit_user, find_by_email
from quarterdeck_crm.transfer.importing import Source
from quarterdeck_crm.transfer.kinds import KINDS, run_import
from quarterdeck_crm.validation.addresses import address_key, fit_address, fold_address
from tests import databases

from .cli.test_cli import Crm, crm, environment, ready, run_in, upgraded
from .conftest import PASSWORD, Auth, MakeUser

__all__ = ["crm", "ready", "upgraded"]

SAME = [  # spellings of admin@münchen.example
    "admin@münchen.example",
    " Admin@MÜNCHEN.example ",
    "admin@xn--mnchen-3ya.example",
    "admin@mu\u0308nchen.example",
    "ａｄｍｉｎ@münchen。example",
]
ALIKE = [  # look like admin@münchen.example
    "admın@münchen.example",
    "adm\u0456n@münchen.example",
    "ádmin@münchen.example",
    "admin\u0301@münchen.example",
    "admin@munchen.example",
    "admin@mücnhen.example",
]


@pytest.mark.parametrize("raw", SAME)
def test_one_spelling(raw: str) -> None:
    assert fit_address(raw) == fold_address(raw) == "admin@münchen.example"


@pytest.mark.parametrize(
    "raw",
    [
        "用户@例子.中国",
        "田中taro@example.jp",
        "佐々木カズオ@example.jp",
        "김철수@example.kr",
        "ольга@почта.рф",
        "عمر@example.com",
        "ελένη@example.gr",
        "straße@faß.example",
        "o'brien+crm@example.com",
        "नाम@example.com",
    ],
)
def test_addresses_in_all_scripts_are_taken_as_they_are(raw: str) -> None:
    assert fit_address(raw) == raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("ada", "such as ada@example.com"),
        ("ada@localhost", "such as ada@example.com"),
        ("ada@b@example.com", "such as ada@example.com"),
        ("ada＠b@example.com", "such as ada@example.com"),
        ("ad\u200ba@example.com", "such as ada@example.com"),
        ("\u202eada@example.com", "such as ada@example.com"),
        ("ada\x00@example.com", "such as ada@example.com"),
        ("a" * 250 + "@example.com", "such as ada@example.com"),
        ("ada😀@example.com", "Remove '😀'"),
        ("аda@example.com", "different scripts"),  # Cyrillic а
        ("ada@exаmple.com", "different scripts"),
        ("αda@example.com", "different scripts"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(raw: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        fit_address(raw)


@pytest.mark.parametrize(
    "raw", ["admın@a.example", "ádmin@a.example", "İ@a.example", "ѕсоре@a.example"]
)
def test_keys_are_those_of_the_plain_letters(raw: str) -> None:
    plain = {"a": "admin", "á": "admin", "İ": "i", "ѕ": "scope"}[raw[0]]

    assert address_key(fit_address(raw)) == f"{plain}@a.example"


@pytest.mark.parametrize("raw", [*SAME, *ALIKE[:-1]])
async def test_an_address_that_looks_like_another_is_refused(app: Quart, raw: str) -> None:
    async with app.app_context():
        async with db.transaction() as session:
            await create_user(session, data=UserData(email=SAME[0], name="Ada"))
            other = await create_user(session, data=UserData(email="b@b.example", name="Bo"))

        for change in (
            lambda session, data: create_user(session, data=data),
            lambda session, data: edit_user(session, user=other, data=data),
        ):
            with pytest.raises(ValidationError, match=r"looks the same|different scripts"):
                async with db.transaction() as session:
                    await change(session, UserData(email=raw, name="Eve"))
        assert await db.session.scalar(select(func.count()).select_from(User)) == 2


async def test_addresses_that_differ_are_taken(app: Quart) -> None:
    async with app.app_context():
        for email in (SAME[0], ALIKE[-1], "admin1@münchen.example", "adminl@münchen.example"):
            async with db.transaction() as session:
                await create_user(session, data=UserData(email=email, name="Ada"))


async def test_one_of_several_concurrent_look_alikes_is_created(app: Quart) -> None:
    async def create(email: str) -> bool:
        async with app.app_context():
            try:
                async with db.transaction() as session:
                    await create_user(session, data=UserData(email=email, name="Ada"))
            except ValidationError:
                return False
            return True

    emails = ["admin@a.example", "admın@a.example", "ádmin@a.example", "ＡＤＭＩＮ@a.example"]
    assert sum(await asyncio.gather(*map(create, emails * 2))) == 1


@pytest.mark.parametrize("raw", SAME)
async def test_users_sign_in_with_each_spelling(
    browser: Callable[[], Auth], make_user: MakeUser, raw: str
) -> None:
    await make_user(email=SAME[0])

    assert (await browser().login(raw)).status_code == 303


@pytest.mark.parametrize("raw", ALIKE)
async def test_no_user_signs_in_or_is_found_with_a_look_alike(
    app: Quart, browser: Callable[[], Auth], make_user: MakeUser, raw: str
) -> None:
    await make_user(email=SAME[0])

    assert (await browser().login(raw)).status_code == 422
    async with app.app_context():
        assert await find_by_email(db.session, raw) is None


async def test_a_row_inserted_without_an_object_has_its_key(app: Quart) -> None:
    async with app.app_context(), db.transaction() as session:
        row = {"email": "admın@a.example", "name": "Ada", "password_hash": "none"}
        await session.execute(insert(User), [row])
        assert await session.scalar(select(User.email_key)) == "admin@a.example"


@pytest.mark.parametrize("settings", [{"ADMIN": "ADA@xn--mnchen-3ya.example"}])
async def test_the_first_administrator_may_write_the_address_in_another_way(
    app: Quart, browser: Callable[[], Auth]
) -> None:
    entries = {"name": "Ada", "password": PASSWORD, "again": PASSWORD}
    for email, status in (("adа@münchen.example", 403), ("ada@münchen.example", 303)):
        answer = await browser().post(
            "/auth/register", page="/auth/register", email=email, **entries
        )
        assert answer.status_code == status
    async with app.app_context():
        user = await find_by_email(db.session, "ada@münchen.example")
        assert user is not None
        assert user.role is Role.ADMIN


async def test_imports_find_owners_by_each_spelling(
    app: Quart, make_user: MakeUser, tmp_path: Path
) -> None:
    await make_user(email=SAME[0])
    file = tmp_path / "accounts.csv"
    rows = "".join(f"C{number},Account,{email}\n" for number, email in enumerate(SAME))
    file.write_text(f"code,name,owner\n{rows}", "utf-8")

    async with app.app_context():
        report = await run_import(KINDS["accounts"], [Source(file, file.name)])

    assert report.created == len(SAME)


def test_commands_take_each_spelling_and_refuse_look_alikes(ready: Crm) -> None:
    ready("user", "create", SAME[0], "--password-stdin", stdin=PASSWORD)

    for raw in SAME:
        assert ready("user", "password", raw, "--password-stdin", stdin=PASSWORD).exit_code == 0
    for raw in ALIKE[:-1]:
        refused = ready("user", "create", raw, "--password-stdin", stdin=PASSWORD)
        assert refused.exit_code == 1
        assert "looks the same" in refused.stderr or "different scripts" in refused.stderr
        assert ready("user", "disable", raw).exit_code == 1


BEFORE = "5e2b8a6d1c70"
OLD_USER = text(
    "INSERT INTO `user` (id, email, name, password_hash, role, kind, balance, is_active,"
    " auth_version, created_at, updated_at) VALUES (:id, :email, 'A', 'none', 'User', 'standard',"
    " 0, 1, 1, '2026-11-26', '2026-11-26')"
)


@pytest.fixture
def empty(tmp_path: Path) -> Quart:
    """An app whose database is not there yet."""
    return create_app("testing", INSTANCE=str(tmp_path), DATABASE_URL=databases.uri(tmp_path))


async def test_clashes_of_before_stay_and_are_named(
    empty: Quart, caplog: pytest.LogCaptureFixture
) -> None:
    """All users keep their rows, and those with an address of their own can sign in."""
    scope = "ѕсоре@a.example"  # Cyrillic
    old = [scope, "scope@a.example", "bo@xn--mnchen-3ya.example", "bo@münchen.example"]
    old.append("cy@xn--mnchen-3ya.example")
    async with empty.test_app(), empty.app_context():
        await migrate.upgrade(revision=BEFORE)
        async with db.engine.begin() as connection:
            for number, email in enumerate(old, 1):
                await connection.execute(OLD_USER, {"id": number, "email": email})
        await migrate.upgrade()
        users = {user.id: user for user in await db.session.scalars(select(User))}

        emails = [users[number].email for number in range(1, 6)]
        assert emails == [*old[:4], "cy@münchen.example"]
        assert len({user.email_key for user in users.values()}) == 5
        assert (users[1].email_key, users[4].email_key) == ("scope@a.example", "bo@munchen.example")
        for number in (1, 2, 4, 5):
            assert await find_by_email(db.session, old[number - 1]) is users[number]
        named = [record.getMessage() for record in caplog.records if "looks like" in record.msg]
        assert len(named) == 2
        assert all("Change one of the two" in message for message in named)

        async with db.transaction() as session:  # other values can still be changed
            users[1].name = "Ada"
            await session.flush()
        with pytest.raises(ValidationError, match="looks the same"):
            async with db.transaction() as session:
                await edit_user(session, user=users[3], data=UserData(email=old[0], name="C"))
        async with db.transaction() as session:
            await edit_user(session, user=users[3], data=UserData(email="c@a.example", name="C"))
        assert users[3].email_key == "c@a.example"


async def test_the_command_names_clashes_and_the_remedy(empty: Quart, tmp_path: Path) -> None:
    async with empty.test_app(), empty.app_context():
        await migrate.upgrade(revision=BEFORE)
        async with db.engine.begin() as connection:
            for number, email in enumerate(["ѕсоре@a.example", "scope@a.example"], 1):
                await connection.execute(OLD_USER, {"id": number, "email": email})
    database = {"DATABASE_URL": databases.uri(tmp_path)}

    # By itself, because pytest takes the log of this process.
    upgraded = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "quarterdeck_crm", "db", "upgrade"],
        env=environment(tmp_path, **database),
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    checked = await asyncio.to_thread(run_in(tmp_path), "check", **database)

    assert "looks like 'ѕсоре@a.example'" in upgraded.stderr
    assert checked.exit_code == 1
    assert "'scope@a.example' (user 2) looks like the address of another user." in checked.stdout
