"""Deals over the API."""

from __future__ import annotations

from quarterdeck_crm.models import User
from tests.crm.trading import Trade

from .conftest import Program, pointers


async def test_a_deal_from_the_first_stage_to_the_order(program: Program, trade: Trade) -> None:
    await trade.deal()
    good, account = await trade.good(), await trade.account()
    stages = (await program.read("/deal-stages"))["items"]
    assert [stage["kind"] for stage in stages] == ["open", "open", "open", "won", "lost"]

    lines = [{"good_id": good.id, "quantity": 2}]
    made = await program.create("/deals", name="Refit", account_id=account.id, lines=lines)
    assert (made["value"], made["probability"], made["stage_id"]) == ("20.000000", 20, 1)
    path = f"/deals/{made['id']}"
    etag = await program.etag(path)
    changed = await program.patch(path, {"own_probability": 35}, match=etag)
    assert (await changed.get_json())["probability"] == 35
    moved = await program.post(f"{path}/moves", {"stage_id": 4}, match=etag)
    assert moved.status_code == 412
    moved = await program.post(f"{path}/moves", {"stage_id": 4}, match="*", key="k1")
    assert (await moved.get_json())["kind"] == "won"

    orders = [await (await program.post(f"{path}/order", None)).get_json() for _ in range(2)]
    assert orders[0] == orders[1]
    assert [line["quantity"] for line in orders[0]["lines"]] == [2]
    page = await program.read(f"/deals?state=won&account={account.id}")
    assert [deal["order_id"] for deal in page["items"]] == [orders[0]["id"]]
    assert (await program.delete(path, match="*")).status_code == 409


async def test_a_refusal_names_all_wrong_fields(program: Program, trade: Trade) -> None:
    deal = await trade.deal(owner_id=None)
    body = {"name": " ", "account_id": 99, "owner_id": 99, "stage_id": 5, "currency": "euro"}

    answer = await program.post("/deals", body)

    assert answer.status_code == 422
    assert set(await pointers(answer)) == {
        "/name", "/account_id", "/owner_id", "/stage_id", "/currency",
    }  # fmt: skip
    lost = await program.post(f"/deals/{deal.id}/moves", {"stage_id": 5})
    assert await pointers(lost) == {"/lost_reason": "Enter why the deal is lost."}


async def test_a_put_replaces_all_fields_and_lines_but_not_the_stage(
    program: Program, trade: Trade, user: User
) -> None:
    good = await trade.good()
    deal = await trade.deal((good, 2), actor=user, remark="Call in May", own_probability=40)
    path = f"/deals/{deal.id}"
    etag = await program.etag(path)
    body = {
        "name": "Refit", "account_id": deal.account_id, "contact_id": None, "owner_id": user.id,
        "stage_id": deal.stage_id, "value": "7.5", "currency": "EUR", "own_probability": None,
        "expected_on": "2027-01-31", "remark": None, "lines": [],
    }  # fmt: skip

    lacking = await program.put(path, {"name": "Refit"}, match=etag)
    assert set(await pointers(lacking)) == {f"/{name}" for name in body if name != "name"}
    moved = await program.put(path, body | {"stage_id": 4}, match=etag)
    assert set(await pointers(moved)) == {"/stage_id"}
    assert (await program.put(path, body)).status_code == 428
    replaced = await (await program.put(path, body, match=etag)).get_json()
    assert (replaced["name"], replaced["value"], replaced["lines"]) == ("Refit", "7.500000", [])
    assert (replaced["probability"], replaced["remark"]) == (20, None)
    assert (await program.put(path, body, match=etag)).status_code == 412


async def test_a_deal_has_tasks_that_follow_it_to_another_account(
    program: Program, trade: Trade
) -> None:
    deal, other = await trade.deal(owner_id=None), await trade.account()
    order = await trade.order()
    task = await program.create("/tasks", title="Call", deal_id=deal.id)
    assert (task["deal_id"], task["account_id"]) == (deal.id, deal.account_id)
    twice = await program.post("/tasks", {"title": "x", "deal_id": deal.id, "order_id": order.id})
    assert await pointers(twice) == {"/deal_id": "Link the task to one record only."}
    gone = await program.post("/tasks", {"title": "x", "deal_id": 99})
    assert await pointers(gone) == {"/deal_id": "There is no such deal."}

    moved = await program.patch(f"/deals/{deal.id}", {"account_id": other.id}, match="*")
    assert moved.status_code == 200, await moved.get_data(as_text=True)

    (found,) = (await program.read(f"/tasks?deal={deal.id}"))["items"]
    assert (found["id"], found["account_id"]) == (task["id"], other.id)
    assert (await program.delete(f"/deals/{deal.id}", match="*")).status_code == 204
    assert (await program.read(f"/tasks/{task['id']}"))["deal_id"] is None
