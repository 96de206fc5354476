"""Accounts and contacts over the API."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart

from quarterdeck_crm.models import User
from tests.crm.conftest import Auth, MakeUser
from tests.crm.trading import Trade

from .conftest import MakeToken, Program, pointers

FULL: dict[str, Any] = {
    "name": "Alfreds Futterkiste",
    "code": "ALFKI",
    "owner_id": None,
    "email": "office@example.com",
    "phone": "030-0074321",
    "website": "https://example.com",
    "address": "Obere Str. 57",
    "city": "Berlin",
    "region": None,
    "postal_code": "12209",
    "country": "Germany",
}


@pytest.mark.feature("AP4", "A5")
async def test_creating_answers_201_with_location_and_etag(program: Program, user: User) -> None:
    response = await program.post("/accounts", {"name": "Alfreds Futterkiste"})

    account = await response.get_json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/v1/accounts/{account['id']}"
    assert response.headers["ETag"] == '"1"'
    assert account["owner_id"] == user.id


async def test_what_creating_answers_is_what_reading_answers(program: Program) -> None:
    created = await program.create("/accounts", **FULL)

    assert await program.read(f"/accounts/{created['id']}") == created
    assert created == created | FULL


async def test_an_account_made_by_a_program_is_on_the_pages(program: Program, auth: Auth) -> None:
    account = await program.create("/accounts", name="Alfreds Futterkiste")

    page = await (await auth.get(f"/accounts/{account['id']}")).get_data(as_text=True)

    assert "Alfreds Futterkiste" in page


@pytest.mark.feature("A5")
async def test_patching_changes_what_is_sent_and_null_empties(program: Program) -> None:
    account = await program.create("/accounts", **FULL)
    path = f"/accounts/{account['id']}"

    response = await program.patch(path, {"city": "Hamburg", "region": None}, match='"1"')

    assert response.status_code == 200
    assert response.headers["ETag"] == '"2"'
    assert await program.read(path) == account | {
        "city": "Hamburg",
        "updated_at": (await response.get_json())["updated_at"],
    }


@pytest.mark.feature("A5")
async def test_putting_replaces_everything_and_is_idempotent(program: Program) -> None:
    account = await program.create("/accounts", name="Before", city="Bonn")
    path = f"/accounts/{account['id']}"

    first = await program.put(path, FULL, match='"1"')
    again = await program.put(path, FULL, match=first.headers["ETag"])

    assert first.status_code == again.status_code == 200
    assert first.headers["ETag"] == again.headers["ETag"]
    assert (await program.read(path))["city"] == "Berlin"


async def test_putting_less_than_everything_is_refused(program: Program) -> None:
    account = await program.create("/accounts", **FULL)

    response = await program.put(f"/accounts/{account['id']}", {"name": "New"}, match='"1"')

    assert response.status_code == 422
    assert set(await pointers(response)) == {f"/{name}" for name in FULL if name != "name"}


async def test_deleting_archives_and_restoring_brings_back(program: Program) -> None:
    account = await program.create("/accounts", **FULL)
    path = f"/accounts/{account['id']}"

    assert (await program.delete(path, match='"1"')).status_code == 204
    assert (await program.read(path))["archived_at"] is not None
    assert (await program.read("/accounts"))["items"] == []
    assert [row["id"] for row in (await program.read("/accounts?archived=true"))["items"]] == [
        account["id"]
    ]

    restored = await program.post(f"{path}/restore", None)
    assert (await restored.get_json())["archived_at"] is None


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_what_belongs_to_somebody_else_is_not_changed(
    app: Quart,
    program: Program,
    user: User,
    make_token: MakeToken,
    make_user: MakeUser,
    method: str,
) -> None:
    other = Program(app, await make_token(await make_user(email="other@example.com")))
    account = await program.create("/accounts", **FULL | {"owner_id": None})
    path = f"/accounts/{account['id']}"
    assert (await program.patch(path, {"owner_id": user.id}, match="*")).status_code == 200

    body: dict[str, Any] = {} if method == "DELETE" else {"json": FULL}
    response = await other.call(method, path, match="*", **body)

    assert response.status_code == 403
    assert "belongs to another user" in (await response.get_json())["detail"]


async def test_the_new_owner_may_be_somebody_who_wrote_a_note(
    program: Program, auth: Auth, user: User
) -> None:
    """What the read of an account loads of users is less than the check of an owner needs."""
    account = await program.create("/accounts", name="Before", owner_id=None)
    path = f"/accounts/{account['id']}"
    await auth.post(f"/notes/account/{account['id']}", page=path, body="Called today.")

    response = await program.patch(path, {"owner_id": user.id}, match="*")

    assert response.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("number", ["1", "2147483648", "9" * 40])
async def test_an_account_that_is_not_there(program: Program, method: str, number: str) -> None:
    body: dict[str, Any] = {"json": FULL} if method in {"PUT", "PATCH"} else {}

    response = await program.call(method, f"/accounts/{number}", match="*", **body)

    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"


async def test_contacts_have_a_life_of_their_own(program: Program, trade: Trade) -> None:
    account = await program.create("/accounts", name="Alfreds Futterkiste")
    contacts = f"/accounts/{account['id']}/contacts"

    maria = await program.create(contacts, name="Maria Anders", title="Sales Representative")
    await program.create(contacts, name="Ana Trujillo")
    one = f"{contacts}/{maria['id']}"
    changed = await program.patch(one, {"title": "Owner"}, match='"1"')

    assert changed.headers["ETag"] == '"2"'
    assert [each["name"] for each in (await program.read(contacts))["items"]] == [
        "Ana Trujillo",
        "Maria Anders",
    ]
    assert (await program.read(one))["title"] == "Owner"
    assert (await program.delete(one, match='"1"')).status_code == 412
    assert (await program.delete(one, match='"2"')).status_code == 204
    assert (await program.get(one)).status_code == 404


async def test_a_contact_is_replaced_as_a_whole(program: Program) -> None:
    account = await program.create("/accounts", name="Alfreds Futterkiste")
    contact = await program.create(f"/accounts/{account['id']}/contacts", name="Maria", phone="1")
    path = f"/accounts/{account['id']}/contacts/{contact['id']}"
    values = {"name": "Ana", "title": None, "email": None, "phone": None, "fax": None}

    response = await program.put(path, values, match='"1"')

    assert response.status_code == 200
    assert await program.read(path) == await response.get_json()
    assert (await program.read(path))["phone"] is None


async def test_a_contact_is_found_only_at_its_own_account(program: Program) -> None:
    one = await program.create("/accounts", name="One")
    other = await program.create("/accounts", name="Other")
    contact = await program.create(f"/accounts/{one['id']}/contacts", name="Maria")

    response = await program.get(f"/accounts/{other['id']}/contacts/{contact['id']}")

    assert response.status_code == 404
