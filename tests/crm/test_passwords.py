"""Which new passwords are refused, whatever way they come."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from quart import Quart

from quarterdeck.login import verify_password
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import User
from quarterdeck_crm.team.links import make_link_token
from quarterdeck_crm.validation import passwords
from quarterdeck_crm.validation.passwords import (
    COMMON,
    LENGTH,
    MAX_PASSWORD,
    PERSONAL,
    REGULAR,
    check_password,
)

from .conftest import PASSWORD, Auth

ADA = ("Ada Lovelace", "ada.lovelace@harbour.example")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", LENGTH),
        ("long" * MAX_PASSWORD, LENGTH),
        *((each, COMMON) for each in ("1q2w3e4r5t", "basketball", "Administrator", "3141592654")),
        # a common one, with the additions that people make
        *((each, COMMON) for each in ("password123", "Password1!", "P@ssw0rd2026", "1!letmein!1")),
        *((each, COMMON) for each in ("Sommer2026!", "passwordpassword", "ｐａｓｓｗｏｒｄ１２３")),
        *(
            (each, PERSONAL)
            for each in ("adalovelace", "Lovelace, Ada", "ecalevol1815", "ADA.LOVELACE")
        ),
        *(
            (each, PERSONAL)
            for each in (ADA[1], "harbour2026!", "Quarterdeck1", "Qu4rterd3ck!", "crmcrm-ada")
        ),
        *((each, REGULAR) for each in ("1234567890", "9876543210", "bcdefghijk", "ghijklmnop")),
        *(
            (each, REGULAR)
            for each in ("zzzzzzzzzzzz", "1111122222", "11223344556677", "xyxyxyyxyx")
        ),
        *(
            (each, REGULAR)
            for each in ("vwkvwkvwkv", "vwkdumvwkdum", "kloiuztrewq", "a9b8c7d6e5f4")
        ),
        *((each, REGULAR) for each in ("测试测试测试测试测试", "\U0001f600" * 12)),
    ],
)
def test_guessable_passwords_are_refused_with_the_reason(password: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(str(reason))):
        check_password(password, personal=ADA)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "monkey dragon harbour",  # common words, but three of them
        "ada likes long trains",  # her name, and more than enough else
        "wonderland-73519264!",  # a common word, and much that is not
        "8305719264",
        "kV3!pq9Zt0",
        "xqzvbnrtplk",
        "我爱北京天安门今天很高兴",
        "пароль длинный",
        "  spaces count too  ",
    ],
)
def test_other_passwords_are_taken(password: str) -> None:
    check_password(password, personal=ADA)


def test_short_names_do_not_count() -> None:
    check_password("river-moss-li", personal=("Li", "li@qq.example"))


def test_list_holds_nothing_that_the_rule_refuses_anyway() -> None:
    path = Path(passwords.__file__).with_name("common_passwords.txt")
    lines = path.read_text("utf-8").splitlines()
    entries = [line for line in lines if not line.startswith("# ")]

    assert len(entries) > 5000
    assert entries == sorted(set(entries))
    assert all(entry == passwords.fold(entry) for entry in entries)


GUESSES = [
    ("1234567890", "12345"),
    ("Password123", "attackers try first"),
    ("Quarterdeck1", "name"),
]


@pytest.mark.parametrize(("guess", "words"), GUESSES)
async def test_registration_refuses_them(
    app: Quart, browser: Callable[[], Auth], guess: str, words: str
) -> None:
    app.config["REGISTRATION_OPEN"] = True
    entries = {"name": "Ada", "email": "ada@example.com", "password": guess, "again": guess}

    answer = await browser().post("/auth/register", page="/auth/register", **entries)

    assert answer.status_code == 422
    assert words in await answer.get_data(as_text=True)


@pytest.mark.parametrize(("guess", "words"), [*GUESSES, ("user-example", "your address")])
async def test_links_refuse_them(
    app: Quart, browser: Callable[[], Auth], user: User, guess: str, words: str
) -> None:
    async with app.app_context():
        link = f"/auth/reset/{make_link_token(user)}"

    answer = await browser().post(link, page=link, password=guess, again=guess)

    assert answer.status_code == 422
    assert words in await answer.get_data(as_text=True)
    async with app.app_context():
        stored = await db.session.get_one(User, user.id)
        assert not await verify_password(stored.password_hash, guess)


@pytest.mark.parametrize(("guess", "words"), [*GUESSES, ("user-example", "your address")])
async def test_a_change_refuses_them(auth: Auth, guess: str, words: str) -> None:
    entries = {"current": PASSWORD, "password": guess, "again": guess}

    answer = await auth.post("/auth/password", page="/auth/password", **entries)

    assert answer.status_code == 422
    assert words in await answer.get_data(as_text=True)
