"""A form shows all its errors at once: of its fields, of the service, and of other editors."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from quart import Response

from quarterdeck_crm.models import Account, Role
from tests.crm.conftest import Auth, MakeUser
from tests.crm.sheets import sheet_to
from tests.crm.trading import Trade

TOO_LONG = "x" * 500
CONTROL = "line\x07"

# Of each form: its page, the entries that only its fields find wrong, the entries that only the
# service finds wrong, and the words that all of them are answered with.
ROUNDS: dict[str, tuple[dict[str, str], dict[str, str], tuple[str, ...]]] = {
    "/accounts/new": (
        {"name": "", "city": TOO_LONG},
        {"code": "TAKEN", "email": "nowhere", "phone": "abc", "website": "mailto:a",
         "country": CONTROL},
        ("Enter the name", "longer than 100", "Another account has this code", "an e-mail address",
         "phone number with its digits", "begins with https://", "control characters"),
    ),
    "/accounts/1/edit": (
        {"name": ""},
        {"code": "TAKEN", "phone": "abc", "website": "nowhere"},
        ("Enter the name", "Another account has this code", "with its digits", "begins with https://"),
    ),
    "/accounts/1/contacts/new": (
        {"name": ""},
        {"phone": "abc", "fax": "abc", "email": "nowhere", "title": CONTROL},
        ("Enter a name", "with its digits", "an e-mail address", "control characters"),
    ),
    "/people/new": (
        {"name": "", "birthday": "soon"},
        {"phones-0-number": "abc", "emails-0-email": "nowhere", "accounts-0-title": "Owner",
         "consent_withdrawn_on": "2026-01-01"},
        ("Enter a name", "valid date", "with its digits", "an e-mail address",
         "Choose an account", "on which the consent was given"),
    ),
    "/goods/new": (
        {"price": "ten", "stock": "-1"},
        {"name": "Rope", "code": "TAKEN", "currency": "e1r", "category": CONTROL},
        ("Enter a number, such as 12.50", "Another good has this number", "three capital letters",
         "control characters"),
    ),
    "/orders/new": (
        {"lines-0-quantity": "none", "currency": ""},
        {"account": "Ernst Handel", "lines-0-good": "Chai", "lines-1-good": "Chai",
         "lines-1-quantity": "1", "lines-1-price": "5", "lines-1-discount": "101",
         "required_on": "2020-01-01", "remark": CONTROL},
        ("Enter a currency", "Enter a whole number", "This day is in the past",
         "Number must be between 0 and 100", "control characters"),
    ),
    "/team/new": (
        {"balance": "much"},
        {"name": "  Ada ", "email": "user@example.com", "phone": "abc", "department": CONTROL},
        ("Enter a number, such as 12.50", "Another user has this address", "can be dialled",
         "control characters"),
    ),
    "/auth/tokens/": (
        {"days": "7"},
        {"name": CONTROL},
        ("Not a valid choice", "control characters"),
    ),
    "/auth/password": (
        {"again": "something else"},
        {"current": "wrong", "password": "1234567890"},
        ("are not the same", "not your current password", "easy to guess"),
    ),
    "/auth/profile": (
        {"name": ""},
        {"phone": "abc"},
        ("Enter your name", "can be dialled"),
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
async def rows(trade: Trade, make_user: MakeUser) -> None:
    await trade.account(name="Ernst Handel")
    await trade.account(name="Taken", code="TAKEN")
    await trade.good(name="Chai", code="TAKEN")
    await make_user(Role.USER)


async def text_of(response: Response) -> str:
    return str(await response.get_data(as_text=True))


@pytest.mark.parametrize("page", ROUNDS)
async def test_errors_of_fields_and_of_the_service_come_together(as_admin: Auth, page: str) -> None:
    of_fields, of_service, words = ROUNDS[page]
    sheet = sheet_to(await text_of(await as_admin.get(page)), page)

    answer = await as_admin.client.post(page, form=sheet.values | of_fields | of_service)

    text = await text_of(answer)
    assert answer.status_code == 422
    missing = [each for each in words if each not in text]
    assert not missing, text[text.find("form-errors") :][:3000]


# Of each form with records chosen by words: entries that no record fits, and their labels.
UNKNOWN: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "/orders/new": (
        {"account": "nobody", "lines-0-good": "nothing", "lines-0-quantity": "1"},
        ("Account", "Good, line 1"),
    ),
    "/deals/new": (
        {"name": "Ropes", "account": "nobody", "lines-0-good": "nothing", "lines-0-quantity": "1"},
        ("Account", "Good, line 1"),
    ),
    "/tasks/new": ({"title": "Call", "account": "nobody"}, ("Account",)),
    "/people/new": (
        {"name": "Ada", "accounts-0-account": "nobody", "accounts-1-account": "nothing"},
        ("Account", "Account 2"),
    ),
}


@pytest.mark.parametrize("page", UNKNOWN)
async def test_words_that_fit_no_record_are_summed_up_with_their_field(
    as_admin: Auth, page: str
) -> None:
    entries, labels = UNKNOWN[page]
    sheet = sheet_to(await text_of(await as_admin.get(page)), page)

    answer = await as_admin.client.post(page, form=sheet.values | entries)

    text = await text_of(answer)
    assert answer.status_code == 422
    summary = text[text.find('id="form-errors"') :].partition("</div>")[0]
    found = re.findall(r"<li><a [^>]*>([^<]*)</a>: Nothing fits ", summary)
    assert tuple(found) == labels
    assert summary.count("<li>") == len(labels)


@pytest.mark.parametrize("settings", [{"REGISTRATION_OPEN": True}])
async def test_registering_tells_of_the_address_and_the_password_together(
    browser: Callable[[], Auth],
) -> None:
    someone = browser()
    sheet = sheet_to(await text_of(await someone.get("/auth/register")), "/auth/register")
    sheet.values |= {
        "name": "Ada",
        "email": "user@example.com",
        "password": "1234567890",
        "again": "x",
    }

    text = await text_of(await someone.client.post("/auth/register", form=sheet.values))

    for words in ("are not the same", "Another user has this address", "easy to guess"):
        assert words in text


async def test_each_error_is_told_once(as_admin: Auth) -> None:
    sheet = sheet_to(await text_of(await as_admin.get("/accounts/new")), "/accounts/new")

    text = await text_of(
        await as_admin.client.post("/accounts/new", form=sheet.values | {"city": TOO_LONG})
    )

    assert "This is required" not in text, "the form's own words for a missing name stay"
    assert "At most 100 characters" not in text


@pytest.mark.parametrize("page", ["/accounts/1/edit", "/goods/1/edit", "/orders/1/edit"])
async def test_a_late_form_with_errors_shows_both(
    as_admin: Auth, as_moderator: Auth, trade: Trade, page: str
) -> None:
    """Nobody corrects the entries first and is told of the other editor afterwards."""
    account, good = await trade.account(), await trade.good()
    await trade.order((good, 1), account=account)
    sheet = sheet_to(await text_of(await as_admin.get(page)), page)
    changed = "remark" if "orders" in page else "name"
    theirs = sheet.values | {"csrf_token": await as_moderator.token(page), changed: "Theirs"}
    assert (await as_moderator.client.post(page, form=theirs)).status_code == 303
    wrong = {"orders": {"freight": "much"}, "goods": {"price": "much"}}
    mine = wrong.get(page.split("/")[1], {"phone": "abc"})

    answer = await as_admin.client.post(page, form=sheet.values | mine)

    text = await text_of(answer)
    assert answer.status_code == 409
    assert "Theirs" in text
    assert ("Enter a number" in text) or ("with its digits" in text)


async def test_a_value_that_a_stricter_rule_refuses_does_not_block_other_edits(
    as_admin: Auth, trade: Trade
) -> None:
    """Rows of earlier versions hold phones without digits and addresses of the import."""
    async with trade.session() as session:
        account = await session.get_one(Account, 1)
        account.phone, account.email, account.website = "ask Roland", "xyz", "nowhere"
    page = "/accounts/1/edit"
    sheet = sheet_to(await text_of(await as_admin.get(page)), page)

    saved = await as_admin.client.post(page, form=sheet.values | {"city": "Graz"})
    refused = await as_admin.client.post(page, form=sheet.values | {"phone": "ask Maria"})

    assert saved.status_code == 303, await text_of(saved)
    assert refused.status_code in {409, 422}
