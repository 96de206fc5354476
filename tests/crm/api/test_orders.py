"""Orders and goods over the API: exact amounts, states and stock."""

from __future__ import annotations

from typing import Any

import pytest

from quarterdeck_crm.models import OrderState
from tests.crm.conftest import Auth
from tests.crm.trading import Trade

from .conftest import Program, pointers

HEADER: dict[str, Any] = {
    "owner_id": None,
    "currency": "EUR",
    "ordered_on": "2026-11-21",
    "required_on": None,
    "freight": "12.345",
    "ship_name": "Alfreds Futterkiste",
    "ship_address": None,
    "ship_city": "Berlin",
    "ship_region": None,
    "ship_postal_code": None,
    "ship_country": None,
    "remark": None,
}


@pytest.mark.feature("AP4")
async def test_an_order_made_by_a_program_is_on_the_pages(
    program: Program, trade: Trade, auth: Auth
) -> None:
    account, good = await trade.account(), await trade.good(price="21.5", name="Queso Cabrales")
    lines = [{"good_id": good.id, "quantity": 2, "discount": "0.05"}]

    order = await program.create("/orders", account_id=account.id, lines=lines)
    page = await (await auth.get(f"/orders/{order['id']}")).get_data(as_text=True)

    assert order["net"] == "40.850000"
    assert order["currency"] == "EUR"
    assert "Queso Cabrales" in page
    assert "40.85" in page


async def test_what_creating_answers_is_what_reading_answers(
    program: Program, trade: Trade
) -> None:
    account, good = await trade.account(), await trade.good()
    line = {"good_id": good.id, "quantity": 3, "price": "0.001", "discount": "0.999"}

    created = await program.create("/orders", account_id=account.id, lines=[line], **HEADER)

    assert await program.read(f"/orders/{created['id']}") == created
    assert created == created | HEADER
    assert created["lines"] == [line | {"amount": "0.000003"}]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ('"18.50"', "18.500"),
        ("18.5", "18.500"),
        ("18", "18.000"),
        ("123456789012.345", "123456789012.345"),
        ("1e2", "100.000"),
    ],
)
async def test_decimals_are_taken_as_written(by_moderator: Program, sent: str, stored: str) -> None:
    body = f'{{"name": "Cheese", "code": "11", "price": {sent}}}'
    response = await by_moderator.call(
        "POST", "/goods", data=body.encode(), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 201
    assert (await response.get_json())["price"] == stored


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("0.1000000000000000055", "At most 3 decimals are allowed."),
        ('"NaN"', "Enter a number, such as 12.50."),
        ('"-1"', "Enter a number that is not negative."),
        ("1e300", "That number is too large."),
        ('"1_0"', "Enter a number, such as 12.50."),
        ('"sNaN"', "Enter a number, such as 12.50."),
        ('"many"', "Enter a number, such as 12.50."),
        ("true", "Enter a number, such as 12.50."),
        ("null", "Enter a number, such as 12.50."),
    ],
)
async def test_a_price_that_cannot_be_stored_exactly_is_refused(
    by_moderator: Program, sent: str, reason: str
) -> None:
    body = f'{{"name": "Cheese", "code": "11", "price": {sent}}}'
    response = await by_moderator.call(
        "POST", "/goods", data=body.encode(), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 422
    assert await pointers(response) == {"/price": reason}


async def test_an_amount_that_no_column_holds_is_refused_at_its_line(
    program: Program, trade: Trade
) -> None:
    account, good = await trade.account(), await trade.good()
    line = {"good_id": good.id, "quantity": 2147483647, "price": 999999999}

    response = await program.post("/orders", {"account_id": account.id, "lines": [line]})

    assert response.status_code == 422
    (where,) = await pointers(response)
    assert where == "/lines/0/quantity"

    whole = {"good_id": good.id, "quantity": 1, "price": "900000000000"}
    response = await program.post("/orders", {"account_id": account.id, "lines": [whole, whole]})

    assert response.status_code == 422
    assert list(await pointers(response)) == ["/lines"]


@pytest.mark.parametrize("path", ["/accounts?owner={}", "/orders?owner={}", "/orders?account={}"])
async def test_an_id_beyond_every_column_finds_nothing(auth: Auth, path: str) -> None:
    for number in (2**31, 2**63, 10**400):
        response = await auth.get(path.format(number).replace("?", "/?"))
        assert response.status_code == 200


async def test_no_amount_is_ever_a_float(program: Program, trade: Trade) -> None:
    await trade.order((await trade.good(price="0.1"), 3))

    for path in ("/orders", "/orders/1", "/goods", "/goods/1"):
        text = await (await program.get(path)).get_data(as_text=True)
        for name in ("net", "freight", "price", "amount", "discount"):
            assert f'"{name}":0' not in text
            assert f'"{name}":1' not in text


@pytest.mark.feature("A5")
async def test_moves_take_from_stock_and_cancelling_puts_back(
    program: Program, trade: Trade
) -> None:
    good = await trade.good(stock=5)
    order = await trade.order((good, 2))
    moves = f"/orders/{order.id}/moves"

    confirmed = await (await program.post(moves, {"to": "confirmed"})).get_json()
    stock = await trade.stock(good)
    await program.post(moves, {"to": "cancelled"})

    assert confirmed["state"] == "confirmed"
    assert confirmed["moves"] == ["shipped", "draft", "cancelled"]
    assert stock == 3
    assert await trade.stock(good) == 5


async def test_more_than_there_is_cannot_be_confirmed(program: Program, trade: Trade) -> None:
    good = await trade.good(stock=1, name="Cheese")
    order = await trade.order((good, 2))

    response = await program.post(f"/orders/{order.id}/moves", {"to": "confirmed"})

    assert response.status_code == 409
    assert (await response.get_json())["detail"] == "Cheese: 2 ordered, 1 in stock."
    assert await trade.stock(good) == 1


@pytest.mark.parametrize(
    ("to", "status"), [("draft", 409), ("paid", 409), ("lost", 422), (None, 422), (1, 422)]
)
async def test_a_move_that_is_none(program: Program, trade: Trade, to: Any, status: int) -> None:
    order = await trade.order((await trade.good(), 1))

    response = await program.post(f"/orders/{order.id}/moves", {"to": to})

    assert response.status_code == status


async def test_a_move_may_name_the_version_that_was_read(program: Program, trade: Trade) -> None:
    order = await trade.order((await trade.good(), 1))
    moves = f"/orders/{order.id}/moves"

    assert (await program.post(moves, {"to": "confirmed"}, match='"99"')).status_code == 412
    etag = await program.etag(f"/orders/{order.id}")
    assert (await program.post(moves, {"to": "confirmed"}, match=etag)).status_code == 200


async def test_errors_of_lines_name_the_line(program: Program, trade: Trade) -> None:
    account = await trade.account()
    good = await trade.good()
    lines = [{"good_id": good.id, "quantity": 1}, {"good_id": 999, "quantity": 0, "discount": 2}]

    response = await program.post("/orders", {"account_id": account.id, "lines": lines})

    assert response.status_code == 422
    assert await pointers(response) == {
        "/lines/1/good_id": "Choose a good.",
        "/lines/1/quantity": "Enter at least 1.",
        "/lines/1/discount": "Enter a discount from 0 to 100 percent.",
    }


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ({"good_id": "1", "quantity": 1}, "/lines/0/good_id"),
        ({"good_id": 1, "quantity": 1.5}, "/lines/0/quantity"),
        ({"quantity": 1}, "/lines/0/good_id"),
        ({"good_id": 1, "quantity": 1, "colour": "red"}, "/lines/0/colour"),
        ([], "/lines-0"),
    ],
)
async def test_lines_of_another_shape_are_refused_with_the_place(
    program: Program, trade: Trade, line: Any, where: str
) -> None:
    account = await trade.account()

    response = await program.post("/orders", {"account_id": account.id, "lines": [line]})

    assert response.status_code == 422
    assert set(await pointers(response)) == {where}


async def test_an_order_is_replaced_with_all_its_lines(program: Program, trade: Trade) -> None:
    account, good, other = await trade.account(), await trade.good(), await trade.good()
    order = await program.create(
        "/orders", account_id=account.id, lines=[{"good_id": good.id, "quantity": 1}]
    )
    path = f"/orders/{order['id']}"
    body = HEADER | {"account_id": account.id, "lines": [{"good_id": other.id, "quantity": 4}]}

    response = await program.put(path, body, match=await program.etag(path))

    assert response.status_code == 200
    replaced = await program.read(path)
    assert [(line["good_id"], line["quantity"]) for line in replaced["lines"]] == [(other.id, 4)]
    assert replaced["net"] == "40.000000"
    assert replaced["freight"] == "12.345"


async def test_what_the_state_fixes_may_be_put_as_it_is(program: Program, trade: Trade) -> None:
    order = await trade.order((await trade.good(), 1), state=OrderState.CONFIRMED)
    path = f"/orders/{order.id}"
    present = await program.read(path)
    body = {name: present[name] for name in (*HEADER, "account_id", "lines")}
    for line in body["lines"]:
        del line["amount"]

    same = await program.put(path, body | {"remark": "Call first"}, match="*")
    other = await program.put(path, body | {"freight": "1"}, match="*")
    body["lines"][0]["quantity"] = 2
    more = await program.put(path, body, match="*")

    text = "The order is confirmed. This can no longer be changed."
    assert same.status_code == 200
    assert await pointers(other) == {"/freight": text}
    assert await pointers(more) == {"/lines": text}


async def test_a_draft_is_deleted_and_the_account_remembers(program: Program, trade: Trade) -> None:
    account = await trade.account()
    order = await trade.order((await trade.good(), 1), account=account)
    path = f"/orders/{order.id}"

    response = await program.delete(path, match=await program.etag(path))

    assert response.status_code == 204
    assert await response.get_data() == b""
    assert (await program.get(path)).status_code == 404
    assert await trade.history(account) == ["draft deleted", "created"]


async def test_a_new_order_does_not_inherit_the_history_of_a_deleted_one(
    program: Program, trade: Trade
) -> None:
    gone = await trade.order((await trade.good(), 1))
    await program.delete(f"/orders/{gone.id}", match="*")

    order = await trade.order((await trade.good(), 1))

    assert await trade.history(order) == ["created"]


async def test_a_confirmed_order_is_not_deleted(program: Program, trade: Trade) -> None:
    order = await trade.order((await trade.good(), 1), state=OrderState.CONFIRMED)

    response = await program.delete(f"/orders/{order.id}", match="*")

    assert response.status_code == 409
    assert "cancel the order instead" in (await response.get_json())["detail"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_only_moderators_keep_the_catalogue(
    program: Program, by_moderator: Program, trade: Trade, method: str
) -> None:
    good = await trade.good()
    path = "/goods" if method == "POST" else f"/goods/{good.id}"
    body = {"name": "Cheese", "code": "11", "price": "1"}

    assert (await program.call(method, path, json=body, match="*")).status_code == 403
    assert (await by_moderator.call(method, path, json=body, match="*")).status_code in {200, 201}


async def test_goods_are_archived_and_restored(by_moderator: Program, trade: Trade) -> None:
    good = await trade.good()
    path = f"/goods/{good.id}"
    body = await by_moderator.read(path)
    changeable = {name: body[name] for name in body if not name.endswith("_at") and name != "id"}

    put = await by_moderator.put(path, changeable | {"stock": 7}, match='"1"')
    gone = await by_moderator.delete(path, match=put.headers["ETag"])
    back = await by_moderator.post(f"{path}/restore", None)

    assert (put.status_code, gone.status_code, back.status_code) == (200, 204, 200)
    assert (await by_moderator.read(path))["stock"] == 7
