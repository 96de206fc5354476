"""Deals over the API."""

from __future__ import annotations

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
