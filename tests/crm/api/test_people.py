"""People over the API: accounts and contacts are views of them."""

from __future__ import annotations

import pytest

from tests.crm.trading import Trade

from .conftest import Program

pytestmark = pytest.mark.feature("AP4")


async def test_an_account_has_one_main_contact(program: Program, trade: Trade) -> None:
    account = await trade.account()
    place = {"account_id": account.id, "is_main": True}
    first = await program.create("/people", name="First", accounts=[place])
    second = await program.create("/people", name="Second", accounts=[place])

    first, second = [await program.read(f"/people/{each['id']}") for each in (first, second)]
    assert [each["accounts"][0]["is_main"] for each in (first, second)] == [False, True]
    old = await program.patch(f"/people/{first['id']}", {"name": "New"}, match='"1"')
    assert old.status_code == 412, "the person is another one without its place"


async def test_contacts_and_people_are_the_same(program: Program, trade: Trade) -> None:
    """The operations on the contacts of an account are another view of people."""
    account = await trade.account()
    contacts = f"/accounts/{account.id}/contacts"
    contact = await program.create(contacts, name="Maria", phone="1", fax="1", title="Owner")
    (person,) = (await program.read("/people"))["items"]
    assert person["phones"] == [{"number": "1", "label": "work"}, {"number": "1", "label": "fax"}]
    assert person["accounts"] == [{"account_id": account.id, "title": "Owner", "is_main": False}]

    await program.patch(
        f"/people/{person['id']}", {"emails": [{"email": "m@example.com"}]}, match="*"
    )
    assert (await program.read(f"{contacts}/{contact['id']}"))["email"] == "m@example.com"
    await program.patch(f"{contacts}/{contact['id']}", {"phone": "2", "fax": None}, match="*")
    await program.delete(f"{contacts}/{contact['id']}", match="*")

    person = await program.read(f"/people/{person['id']}")
    assert (person["accounts"], person["phones"]) == ([], [{"number": "2", "label": "work"}])


@pytest.mark.parametrize(
    ("wrong", "pointer", "reason"),
    [
        ({"phones": [{"number": "abc"}]}, "/phones/0/number", "with its digits"),
        ({"phones": [{"number": "1"}, {"number": "1"}]}, "/phones/1/number", "entered twice"),
        ({"emails": [{"email": "a@example.com"}] * 21}, "/emails", "At most 20"),
        ({"addresses": [{}]}, "/addresses/0/address", "Enter an address."),
        ({"accounts": [{"account_id": 9}]}, "/accounts/0/account_id", "Choose an account."),
        ({"birthday": "2999-01-01"}, "/birthday", "not in the future"),
        ({"consent_how": "By mail"}, "/consent_given_on", "the consent was given"),
        (
            {"consent_given_on": "2026-02-01", "consent_withdrawn_on": "2026-01-01"},
            "/consent_withdrawn_on",
            "not before the consent",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_rules_of_a_person(
    program: Program, wrong: dict[str, object], pointer: str, reason: str
) -> None:
    response = await program.post("/people", {"name": "Maria"} | wrong)

    (error,) = (await response.get_json())["errors"]
    assert (response.status_code, error["pointer"]) == (422, pointer)
    assert reason in error["detail"]
