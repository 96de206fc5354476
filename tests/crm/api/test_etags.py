"""A record whose JSON changes has a new ETag, also if the change is that of another record."""

from __future__ import annotations

from typing import Any

import pytest

from quarterdeck_crm.deals.services import make_order
from tests.crm.deals.test_services import WON, move
from tests.crm.trading import Trade

from .conftest import Program

pytestmark = pytest.mark.hazard("an ETag that stands for two states of a record")


async def refused(program: Program, seen: dict[str, tuple[str, Any]]) -> None:
    """Assert that all records have changed, and refuse a change that is based on the old state."""
    for path, (etag, before) in seen.items():
        again = await program.get(path, headers={"If-None-Match": etag})
        assert again.status_code == 200, path
        assert await again.get_json() != before
        late = await program.patch(path, {}, match=etag)
        assert late.status_code == 412, path


async def see(program: Program, *paths: str) -> dict[str, tuple[str, Any]]:
    """Return the ETag and the JSON of some records by their paths."""
    return {path: (await program.etag(path), await program.read(path)) for path in paths}


async def with_contact(program: Program, trade: Trade) -> tuple[str, int, str, str]:
    """Return the path of a contact, the id of its person, and the paths of its deal and task."""
    deal = await trade.deal()
    contacts = f"/accounts/{deal.account_id}/contacts"
    contact = (await program.create(contacts, name="Maria"))["id"]
    (person,) = (await program.read("/people"))["items"]
    await program.patch(f"/deals/{deal.id}", {"contact_id": contact}, match="*")
    task = (await program.create("/tasks", title="Call", contact_id=contact))["id"]
    return f"{contacts}/{contact}", person["id"], f"/deals/{deal.id}", f"/tasks/{task}"


@pytest.mark.parametrize("how", ["contact removed", "person moved", "data deleted"])
async def test_deals_and_tasks_that_lose_their_contact(
    program: Program, by_moderator: Program, trade: Trade, how: str
) -> None:
    contact, person, *paths = await with_contact(program, trade)
    seen = await see(program, *paths)

    if how == "contact removed":
        await program.delete(contact, match="*")
    elif how == "person moved":
        await program.patch(f"/people/{person}", {"accounts": []}, match="*")
    else:
        await by_moderator.delete(f"/people/{person}/data", match="*")

    await refused(program, seen)


async def test_tasks_and_deals_that_lose_their_deal_or_order(
    program: Program, trade: Trade
) -> None:
    good = await trade.good()
    deal = await trade.deal((good, 1))
    await move(trade, deal, WON)
    async with trade.session() as session:
        order = await make_order(session, actor=None, deal_id=deal.id)
    other = await trade.deal()
    of_order = (await program.create("/tasks", title="Pack", order_id=order.id))["id"]
    of_deal = (await program.create("/tasks", title="Call", deal_id=other.id))["id"]
    seen = await see(program, f"/deals/{deal.id}", f"/tasks/{of_order}", f"/tasks/{of_deal}")

    assert (await program.delete(f"/orders/{order.id}", match="*")).status_code == 204
    assert (await program.delete(f"/deals/{other.id}", match="*")).status_code == 204

    await refused(program, seen)


@pytest.mark.parametrize("record", ["deal", "order"])
async def test_a_task_that_follows_its_record_to_another_account(
    program: Program, trade: Trade, record: str
) -> None:
    row = await (trade.deal() if record == "deal" else trade.order())
    task = (await program.create("/tasks", title="Call", **{f"{record}_id": row.id}))["id"]
    other = await trade.account(name="Other")
    seen = await see(program, f"/tasks/{task}")

    await program.patch(f"/{record}s/{row.id}", {"account_id": other.id}, match="*")

    await refused(program, seen)


async def test_a_person_whose_account_is_merged_into_another_one(
    program: Program, trade: Trade
) -> None:
    keep, gone = [await trade.account(name=name) for name in ("A", "B")]
    places = [{"account_id": gone.id, "title": "Owner", "is_main": True}]
    alone = (await program.create("/people", name="Maria", accounts=places))["id"]
    places = [{"account_id": keep.id}, {"account_id": gone.id, "title": "Sales"}]
    both = (await program.create("/people", name="Ana", accounts=places))["id"]
    seen = await see(program, f"/people/{alone}", f"/people/{both}")

    body = {"other_id": gone.id, "other_etag": (await program.etag(f"/accounts/{gone.id}"))[1:-1]}
    assert (await program.post(f"/accounts/{keep.id}/merge", body, match="*")).status_code == 200

    await refused(program, seen)
