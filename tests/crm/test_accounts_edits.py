"""Two users at one account, its history, contacts and notes."""

from __future__ import annotations

import asyncio

import pytest
from quart import Quart

from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, User

from .conftest import Auth, MakeUser
from .trading import Fields, Trade


async def open_form(auth: Auth, account: Account) -> dict[str, str]:
    page = await (await auth.get(f"/accounts/{account.id}/edit")).get_data(as_text=True)
    return Fields(page).values


@pytest.mark.feature("D9")
async def test_the_second_editor_is_told_and_nothing_is_lost(
    auth: Auth, as_moderator: Auth, trade: Trade
) -> None:
    account = await trade.account(name="Acme", city="Berlin", phone="1")
    mine = await open_form(auth, account) | {"city": "Bonn", "phone": "2"}
    theirs = await open_form(as_moderator, account) | {"city": "Köln", "name": "Acme GmbH"}
    await as_moderator.post(f"/accounts/{account.id}/edit", **theirs)

    told = await auth.post(f"/accounts/{account.id}/edit", **mine)

    assert told.status_code == 409
    page = await told.get_data(as_text=True)
    assert "City changed from Berlin to Köln" in page
    again = Fields(page).values
    assert (again["city"], again["phone"]) == ("Bonn", "2"), "what was typed stays"
    assert again["name"] == "Acme GmbH", "what only the other changed is taken over"
    async with trade.app.app_context():
        kept = await get_account(db.session, account_id=account.id)
    assert (kept.name, kept.city, kept.phone) == ("Acme GmbH", "Köln", "1")

    chosen = await auth.post(f"/accounts/{account.id}/edit", **again)

    assert chosen.status_code == 303
    async with trade.app.app_context():
        kept = await get_account(db.session, account_id=account.id)
    assert (kept.name, kept.city, kept.phone) == ("Acme GmbH", "Bonn", "2")


@pytest.mark.feature("D9")
@pytest.mark.hazard("concurrent read-modify-write")
async def test_of_two_saves_at_the_same_moment_one_wins(app: Quart, trade: Trade) -> None:
    account = await trade.account(name="Acme")

    async def rename(name: str) -> None:
        async with app.app_context():
            row = await get_account(db.session, account_id=account.id)
            async with db.transaction() as session:
                await asyncio.sleep(0)
                await update_account(
                    session, actor=None, account=row, values={"name": name}, version=1
                )

    results = await asyncio.gather(*(rename(f"Acme {n}") for n in range(5)), return_exceptions=True)

    lost = [result for result in results if result is not None]
    assert len(lost) == 4
    assert all(isinstance(error, ConflictError) for error in lost)
    assert await trade.history(account) == ["changed", "created"]


@pytest.mark.feature("AP3")
async def test_history_says_who_did_what(auth: Auth, user: User, trade: Trade) -> None:
    account = await trade.account(name="Acme", actor=user)
    form = await open_form(auth, account)
    await auth.post(f"/accounts/{account.id}/edit", **(form | {"city": "Graz", "owner_id": ""}))

    page = await (await auth.get(f"/accounts/{account.id}")).get_data(as_text=True)

    assert f"Owner removed, was {user.name}" in page
    assert "City set to Graz" in page


async def test_an_address_in_the_history_does_not_break_at_its_hyphens(
    auth: Auth, user: User, trade: Trade
) -> None:
    account = await trade.account(name="Acme", actor=user)
    form = await open_form(auth, account)
    entered = {"email": "jo@a-b.example", "website": "https://a-b.example", "remark": "a-b <i>"}
    await auth.post(f"/accounts/{account.id}/edit", **(form | entered))

    page = await (await auth.get(f"/accounts/{account.id}")).get_data(as_text=True)

    assert 'E-mail set to <span class="whole">jo@a-b.example</span>;' in page
    assert 'Website set to <span class="whole">https://a-b.example</span>' in page


async def test_saving_without_a_change_leaves_no_history(auth: Auth, trade: Trade) -> None:
    account = await trade.account(name="Acme", phone="030 1234")

    await auth.post(f"/accounts/{account.id}/edit", **await open_form(auth, account))

    assert await trade.history(account) == ["created"]


@pytest.mark.feature("D5", "AP3")
async def test_contacts_come_change_and_go(auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    there = f"/accounts/{account.id}"

    added = await auth.post(
        f"{there}/contacts/new", version="0", name="Roland Mendel", title="Owner"
    )
    page = await (await auth.get(there)).get_data(as_text=True)
    assert added.location.endswith("#contacts")
    assert "Roland Mendel" in page

    await auth.post(
        f"{there}/contacts/1", version="1", name="Roland Mendel", email="roland@example.com"
    )
    assert "roland@example.com" in await (await auth.get(there)).get_data(as_text=True)

    await auth.post(f"{there}/contacts/1/remove")
    page = await (await auth.get(there)).get_data(as_text=True)
    assert "No contacts yet." in page
    assert "Contact removed: Roland Mendel" in page


@pytest.mark.feature("D9")
async def test_the_second_editor_of_a_contact_is_told(
    auth: Auth, as_moderator: Auth, trade: Trade
) -> None:
    account = await trade.account()
    there = f"/accounts/{account.id}/contacts"
    await auth.post(f"{there}/new", version="0", name="Roland", phone="1", title="Owner")
    mine = Fields(await (await auth.get(f"{there}/1")).get_data(as_text=True)).values
    await as_moderator.post(f"{there}/1", **(mine | {"phone": "2", "title": "Captain"}))

    told = await auth.post(f"{there}/1", **(mine | {"phone": "3"}))

    assert told.status_code == 409
    page = await told.get_data(as_text=True)
    assert "Phone changed from 1 to 2" in page
    again = Fields(page).values
    assert (again["phone"], again["title"]) == ("3", "Captain")
    assert (await auth.post(f"{there}/1", **again)).status_code == 303


async def test_a_contact_needs_a_name(auth: Auth, trade: Trade) -> None:
    account = await trade.account()

    refused = await auth.post(
        f"/accounts/{account.id}/contacts/new", version="0", name=" ", title="Owner"
    )

    assert refused.status_code == 422
    assert Fields(await refused.get_data(as_text=True)).values["title"] == "Owner"


async def test_a_contact_is_found_only_at_its_account(auth: Auth, trade: Trade) -> None:
    one, other = await trade.account(), await trade.account()
    await auth.post(f"/accounts/{one.id}/contacts/new", version="0", name="Somebody")

    assert (await auth.get(f"/accounts/{one.id}/contacts/1")).status_code == 200
    assert (await auth.get(f"/accounts/{other.id}/contacts/1")).status_code == 404


async def test_everybody_may_look_and_write_notes_but_not_edit(
    auth: Auth, trade: Trade, make_user: MakeUser
) -> None:
    account = await trade.account(actor=await make_user(email="other@example.com"))

    page = await (await auth.get(f"/accounts/{account.id}")).get_data(as_text=True)

    assert f"/accounts/{account.id}/edit" not in page
    assert (await auth.post(f"/notes/account/{account.id}", body="Hello")).status_code == 303
