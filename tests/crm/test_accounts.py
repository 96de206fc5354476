"""The pages of accounts: lists, forms, archive and whose they are."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from quarterdeck_crm.accounts.details import add_contact
from quarterdeck_crm.models import OrderState, Role, User

from .conftest import Auth, MakeUser
from .trading import Fields, Trade


async def names(auth: Auth, query: str = "") -> list[str]:
    """Return the names on a page of the list, in order."""
    response = await auth.get(f"/accounts/?{query}")
    assert response.status_code == 200
    page = await response.get_data(as_text=True)
    return [
        part.partition("</a>")[0].partition(">")[2] for part in page.split('class="row-link"')[1:]
    ]


@pytest.mark.feature("AP3", "W4")
async def test_a_new_account_is_shown_after_a_redirect_and_belongs_to_its_maker(
    auth: Auth, user: User, trade: Trade
) -> None:
    form = Fields(await (await auth.get("/accounts/new")).get_data(as_text=True)).values
    assert form["owner_id"] == str(user.id)

    saved = await auth.post(
        "/accounts/new", **(form | {"name": "Ernst Handel", "city": "Graz", "website": ""})
    )

    assert saved.status_code == 303
    page = await (await auth.get(saved.location)).get_data(as_text=True)
    assert "Ernst Handel" in page
    assert "Graz" in page
    assert "The account is created." in page


@pytest.mark.feature("W1", "W2")
async def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong(auth: Auth) -> None:
    refused = await auth.post(
        "/accounts/new", name="", city="São Paulo", email="no address", version="0", owner_id=""
    )

    assert refused.status_code == 422
    page = await refused.get_data(as_text=True)
    assert Fields(page).values["city"] == "São Paulo"
    assert "Enter the name of the company." in page
    assert "Enter an e-mail address" in page


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("code", "ERNSH", "Another account has this code."),
        ("website", "javascript:alert(1)", "begins with https://"),
        ("name", "x" * 201, "200"),
        ("owner_id", "4711", "Choose a user."),
        ("owner_id", "x", "Invalid Choice"),
    ],
)
async def test_an_account_refuses(
    auth: Auth, trade: Trade, field: str, value: str, problem: str
) -> None:
    await trade.account(code="ERNSH")

    refused = await auth.post(
        "/accounts/new", **({"name": "New", "version": "0", "owner_id": ""} | {field: value})
    )

    assert refused.status_code == 422
    assert problem in await refused.get_data(as_text=True)


@pytest.mark.parametrize("q", ["bonTEMPS", "BOTTM", "Tsawassen", "Canada", "Lincoln", "eliz bon"])
async def test_the_list_finds_by(auth: Auth, trade: Trade, q: str) -> None:
    found = await trade.account(
        name="Bontemps Markets", code="BOTTM", city="Tsawassen", country="Canada"
    )
    async with trade.session() as session:
        await add_contact(session, actor=None, account=found, values={"name": "Elizabeth Lincoln"})
    await trade.account(name="Another")

    assert await names(auth, f"q={q}") == ["Bontemps Markets"]


@pytest.mark.parametrize("q", ["олена", "ОЛЕНА", "Олена", "österreich", "ÖSTERREICH"])
async def test_search_knows_upper_and_lower_case_in_other_scripts(
    auth: Auth, trade: Trade, q: str
) -> None:
    await trade.account(name="Олена і Ко", city="Österreich")

    assert await names(auth, f"q={quote(q)}") == ["Олена і Ко"]


async def test_search_takes_wildcards_as_letters(auth: Auth, trade: Trade) -> None:
    await trade.account(name="100% Wool_Co")
    await trade.account(name="Wooly Co")

    assert await names(auth, "q=%25") == ["100% Wool_Co"]
    assert await names(auth, "q=wool_") == ["100% Wool_Co"]


@pytest.mark.parametrize("key", ["name", "code", "city", "country", "owner", "created", "orders"])
async def test_the_list_sorts_both_ways_by(auth: Auth, trade: Trade, key: str) -> None:
    good = await trade.good()
    for place, name in enumerate(("Anna", "Berta"), 1):
        account = await trade.account(name=name, code=name, city=name, country=name)
        for _ in range(place):
            await trade.order((good, 1), account=account)

    assert sorted(await names(auth, f"sort={key}")) == ["Anna", "Berta"]
    up, down = await names(auth, f"sort={key}"), await names(auth, f"sort=-{key}")
    assert up == down[::-1]


async def test_names_sort_without_regard_to_case(auth: Auth, trade: Trade) -> None:
    for name in ("BASF", "anna", "Barlow"):
        await trade.account(name=name)

    assert await names(auth) == ["anna", "Barlow", "BASF"]


async def test_only_open_orders_are_counted(auth: Auth, trade: Trade) -> None:
    good, account = await trade.good(), await trade.account()
    for state in (OrderState.DRAFT, OrderState.SHIPPED, OrderState.PAID, OrderState.CANCELLED):
        await trade.order((good, 1), account=account, state=state)

    page = await (await auth.get("/accounts/")).get_data(as_text=True)

    assert re.search('data-label="Open orders"[^>]*><data value="2">', page)


async def test_filters_by_owner(auth: Auth, user: User, trade: Trade) -> None:
    await trade.account(name="Mine", actor=user)
    await trade.account(name="Free")

    assert await names(auth, "owner=me") == ["Mine"]
    assert await names(auth, "owner=none") == ["Free"]
    assert await names(auth, f"owner={user.id}") == ["Mine"]
    assert await names(auth, "owner=nonsense") == ["Free", "Mine"]


async def test_pages_keep_their_filters(auth: Auth, trade: Trade) -> None:
    for number in range(3):
        await trade.account(name=f"Wool {number}")

    response = await auth.get("/accounts/?q=wool&per_page=2&sort=-name")
    page = await response.get_data(as_text=True)

    assert await names(auth, "q=wool&per_page=2&sort=-name&page=2") == ["Wool 0"]
    assert "q=wool" in page
    assert "page=2" in page


@pytest.mark.feature("AP3")
async def test_archived_accounts_leave_the_list_and_come_back(auth: Auth, trade: Trade) -> None:
    account = await trade.account(name="Old")

    await auth.post(f"/accounts/{account.id}/archive")
    await auth.post(f"/accounts/{account.id}/archive")  # twice is once

    assert await names(auth) == []
    assert await names(auth, "archived=1") == ["Old"]
    await auth.post(f"/accounts/{account.id}/restore")
    assert await names(auth) == ["Old"]
    assert await trade.history(account) == ["restored", "archived", "created"]


@pytest.mark.feature("V4")
@pytest.mark.parametrize("what", ["edit", "archive", "restore", "contacts/new"])
async def test_somebody_elses_account_is_refused(
    auth: Auth, trade: Trade, make_user: MakeUser, what: str
) -> None:
    other = await make_user(email="other@example.com")
    account = await trade.account(actor=other)

    refused = await auth.post(f"/accounts/{account.id}/{what}", name="Mine now", version="1")

    assert refused.status_code == 403
    assert await trade.history(account) == ["created"]


async def test_moderators_change_everybodys_accounts(
    as_moderator: Auth, trade: Trade, make_user: MakeUser
) -> None:
    other = await make_user(email="other@example.com")
    account = await trade.account(actor=other)

    page = await (await as_moderator.get(f"/accounts/{account.id}/edit")).get_data(as_text=True)
    saved = await as_moderator.post(
        f"/accounts/{account.id}/edit", **(Fields(page).values | {"name": "Better name"})
    )

    assert saved.status_code == 303
    assert Fields(page).values["owner_id"] == str(other.id)


async def test_an_owner_who_has_left_stays_until_somebody_chooses_another(
    as_moderator: Auth, trade: Trade, make_user: MakeUser
) -> None:
    gone = await make_user(Role.USER, email="gone@example.com", name="Gone User")
    account = await trade.account(actor=gone)
    async with trade.session() as session:
        (await session.get_one(User, gone.id)).is_active = False

    page = await (await as_moderator.get(f"/accounts/{account.id}/edit")).get_data(as_text=True)
    saved = await as_moderator.post(f"/accounts/{account.id}/edit", **Fields(page).values)

    assert "Gone User" in page
    assert saved.status_code == 303


async def test_unknown_accounts_are_not_found(auth: Auth) -> None:
    for path in ("", "/edit", "/contacts/1"):
        assert (await auth.get(f"/accounts/4711{path}")).status_code == 404


async def test_suggestions_are_labels_that_name_one_account(auth: Auth, trade: Trade) -> None:
    plain = await trade.account(name="Acme")
    coded = await trade.account(name="Acme", code="A1")
    await trade.account(name="Other")

    found = await (await auth.get("/accounts/suggest?q=acm")).get_json()

    assert [item["label"] for item in found] == [f"Acme · #{plain.id}", "Acme · A1"]
    for text, labels in ((f"%23{coded.id}", ["Acme · A1"]), ("%2399", [])):
        found = await (await auth.get(f"/accounts/suggest?q={text}")).get_json()
        assert [item["label"] for item in found] == labels
    page = await (await auth.get(f"/orders/?account=%23{coded.id}")).get_data(as_text=True)
    assert "Account: Acme · A1" in page


@pytest.mark.feature("W3")
async def test_a_write_without_a_token_is_refused(auth: Auth, trade: Trade) -> None:
    account = await trade.account()

    refused = await auth.client.post(f"/accounts/{account.id}/archive")

    assert refused.status_code == 400
    assert await trade.history(account) == ["created"]
