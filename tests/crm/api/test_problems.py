"""What is refused, and how the API says why."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart

from tests.crm.trading import Trade

from .conftest import Program, pointers

JSON = {"Content-Type": "application/json"}


@pytest.mark.feature("A4", "A5")
@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"{", 400, "The JSON body cannot be read: Input data was truncated."),
        (b"", 400, "The JSON body cannot be read: Input data was truncated."),
        (b'{"name": "\xff"}', 400, "The JSON body is not valid UTF-8."),
        (b"[" * 100_000, 400, "The JSON body cannot be read"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, 400, "nested deeper than 64 levels"),
        (b"NaN", 400, "The JSON body cannot be read"),
        (b'{"name": "\\ud800"}', 400, "The JSON body cannot be read"),
        (b"[]", 422, "Expected `object`, got `array`."),
        (b"null", 422, "Expected `object`, got `null`."),
        (b'{"name": 1}', 422, "Expected `str`, got `int`."),
        (b'{"nome": "x"}', 422, "Object contains unknown field `nome`."),
        (b'{"name": "' + b"x" * 2_000_001 + b'"}', 413, "The request is larger than 2.0 MB"),
    ],
)
async def test_a_body_that_cannot_be_taken(
    program: Program, body: bytes, status: int, detail: str
) -> None:
    response = await program.call("POST", "/accounts", data=body, headers=JSON)

    problem = await response.get_json()
    assert response.status_code == problem["status"] == status
    assert response.mimetype == "application/problem+json"
    assert detail in problem["detail"]


@pytest.mark.feature("A5")
@pytest.mark.parametrize(
    ("method", "media_type", "status"),
    [
        ("POST", "text/plain", 415),
        ("POST", "application/merge-patch+json", 415),
        ("POST", "application/json; charset=utf-8", 201),
        ("POST", None, 415),
        ("PATCH", "application/merge-patch+json", 200),
        ("PATCH", "application/json", 200),
        ("PATCH", "application/json-patch+json", 415),
    ],
)
async def test_a_body_must_say_that_it_is_json(
    program: Program, trade: Trade, method: str, media_type: str | None, status: int
) -> None:
    account = await trade.account()
    path = "/accounts" if method == "POST" else f"/accounts/{account.id}"
    headers = {"Content-Type": media_type} if media_type else {}

    response = await program.call(method, path, data=b'{"name": "New"}', headers=headers, match="*")

    assert response.status_code == status
    if status == 415:
        assert "Content-Type: application/" in (await response.get_json())["detail"]


@pytest.mark.feature("A5")
@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/json"])
async def test_a_stranger_is_told_how_to_sign_in(stranger: Program, accept: str) -> None:
    response = await stranger.get("/accounts", headers={"Accept": accept})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert response.mimetype == "application/problem+json"


@pytest.mark.feature("A5")
async def test_a_method_that_is_not_there_names_those_that_are(program: Program) -> None:
    response = await program.call("DELETE", "/accounts")

    assert response.status_code == 405
    assert "does not accept" in (await response.get_json())["detail"]
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert response.mimetype == "application/problem+json"


@pytest.mark.feature("A5")
async def test_options_lists_the_methods(program: Program) -> None:
    response = await program.call("OPTIONS", "/accounts/1")

    allowed = set(response.headers["Allow"].split(", "))
    assert response.status_code == 200
    assert allowed == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}


async def test_an_address_that_is_not_there(program: Program) -> None:
    response = await program.get("/nothing")

    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"


@pytest.mark.feature("A4")
async def test_our_own_fault_is_told_without_its_reason(
    app: Quart, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("quarterdeck_crm.accounts.services.list_accounts", broken)

    response = await program.get("/accounts")

    assert response.status_code == 500
    assert response.mimetype == "application/problem+json"
    assert "secret" not in await response.get_data(as_text=True)


@pytest.mark.hazard("quart-schema gives no reason")
@pytest.mark.parametrize(
    ("query", "parameter", "detail"),
    [
        ("page=0", "page", "Expected `int` >= 1."),
        ("page=x", "page", "Expected `int`, got `str`."),
        ("page=1&page=2", "page", "Expected `int`, got `array`."),
        ("per_page=101", "per_page", "Expected `int` <= 100."),
        ("sort=colour", "sort", "Expected `str` matching regex"),
        ("colour=red", "colour", "Object contains unknown field `colour`."),
        ("owner=you", "owner", "Expected `str` matching regex"),
        ("owner=" + "9" * 30, "owner", "Expected `str` matching regex"),
        ("archived=perhaps", "archived", "Expected `bool`, got `str`."),
    ],
)
async def test_a_query_argument_that_makes_no_sense(
    program: Program, query: str, parameter: str, detail: str
) -> None:
    response = await program.get(f"/accounts?{query}")

    (wrong,) = (await response.get_json())["errors"]
    assert response.status_code == 400
    assert wrong["parameter"] == parameter
    assert wrong["detail"].startswith(detail)


@pytest.mark.feature("W5")
@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("", [{"parameter": "q", "detail": "Enter the words to look for."}]),
        ("q=a&limit=0", [{"parameter": "limit", "detail": "Number must be between 1 and 50."}]),
        ("q=a&limit=x", [{"parameter": "limit", "detail": "Enter a whole number."}]),
        ("q=a&p=1", [{"detail": "'p' is not a field of this form."}]),
    ],
)
async def test_the_search_form_refuses_what_it_does_not_know(
    program: Program, query: str, wrong: list[dict[str, str]]
) -> None:
    response = await program.get(f"/search?{query}")

    problem = await response.get_json()
    assert response.status_code == problem["status"] == 400
    assert response.mimetype == "application/problem+json"
    assert problem["errors"] == wrong


@pytest.mark.feature("W5", "AP4")
async def test_search_finds_accounts_people_goods_and_orders(
    program: Program, trade: Trade
) -> None:
    account = await trade.account(name="Cheese Lovers")
    good = await trade.good(name="Cheese")
    order = await trade.order((good, 1), account=account)
    await trade.good(name="Milk")
    person = await trade.person(name="Anna Cheese")

    found = await program.read("/search?q=cheese&limit=1")

    assert {kind: [row["id"] for row in rows] for kind, rows in found.items()} == {
        "accounts": [account.id],
        "people": [person.id],
        "goods": [good.id],
        "orders": [order.id],
        **{kind: [] for kind in ("deals", "files", "notes", "tasks", "users")},
    }


async def test_answers_are_for_one_person_and_checked_again(program: Program) -> None:
    response = await program.get("/accounts")

    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in response.headers["Vary"]


async def test_a_code_taken_at_the_same_moment_is_no_stale_read(
    by_moderator: Program, trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ETag is still right: the answer is 409 for the value, not 412."""

    async def is_free(*_: object, **__: object) -> bool:
        return True  # as if the other user had saved after the check

    await trade.good(code="TAKEN")
    good = await trade.good(code="FREE")
    monkeypatch.setattr("quarterdeck_crm.goods.services.is_code_free", is_free)

    response = await by_moderator.patch(f"/goods/{good.id}", {"code": "TAKEN"}, match='"1"')

    assert response.status_code == 409
    assert "a value that must be unique" in (await response.get_json())["detail"]


@pytest.mark.feature("A5")
async def test_all_problems_of_a_body_are_told_at_once(program: Program, trade: Trade) -> None:
    account = await trade.account()
    body = {
        "account_id": str(account.id),
        "currency": 5,
        "freight": "much",
        "colour": "red",
        "lines": [{"good_id": 1, "quantity": "2"}],
    }

    response = await program.post("/orders", body)

    assert response.status_code == 422
    assert (await pointers(response)).keys() == {
        "/account_id", "/currency", "/freight", "/colour", "/lines/0/quantity",
    }  # fmt: skip


@pytest.mark.feature("A5")
async def test_a_missing_field_is_told_with_the_others(program: Program) -> None:
    response = await program.post("/accounts", {"code": 1})

    assert (await pointers(response)).keys() == {"/name", "/code"}


async def test_a_body_of_very_many_fields_is_refused_at_the_first(program: Program) -> None:
    response = await program.post("/accounts", {f"f{n}": 1 for n in range(500)})

    assert response.status_code == 422
    assert len(await pointers(response)) == 1
