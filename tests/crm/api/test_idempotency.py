"""Requests sent twice, and requests at the same time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart, Response
from sqlalchemy import func, select, update

from quarterdeck_crm import idempotency
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, IdempotencyKey
from quarterdeck_crm.models.columns import utc_now
from tests.crm.trading import Trade

from .conftest import Program, pointers

BODY = {"name": "Alfreds Futterkiste", "city": "Berlin"}


async def count(app: Quart, model: type[Any]) -> int:
    async with app.app_context():
        return await db.session.scalar(select(func.count()).select_from(model)) or 0


async def same(one: Response, other: Response) -> bool:
    """Whether two responses say the same, but that the second is a repetition."""
    assert "Idempotent-Replayed" not in one.headers
    assert other.headers["Idempotent-Replayed"] == "true"
    names = ("Location", "ETag", "Content-Type")
    return (
        one.status_code == other.status_code
        and await one.get_data() == await other.get_data()
        and all(one.headers[name] == other.headers[name] for name in names)
    )


@pytest.mark.feature("A5")
async def test_the_same_request_again_is_answered_alike_and_done_once(
    app: Quart, program: Program
) -> None:
    first = await program.post("/accounts", BODY, key="one")
    await program.patch("/accounts/1", {"name": "Changed since"}, match="*")
    again = await program.post("/accounts", dict(reversed(BODY.items())), key="one")

    assert first.status_code == 201
    assert await same(first, again)
    assert await count(app, Account) == 1


async def test_another_request_with_the_same_key_is_refused(app: Quart, program: Program) -> None:
    await program.post("/accounts", BODY, key="one")

    other = await program.post("/accounts", BODY | {"city": "Bonn"}, key="one")
    elsewhere = await program.post("/accounts/1/contacts", {"name": "Maria"}, key="one")

    assert other.status_code == elsewhere.status_code == 422
    assert "another request" in (await other.get_json())["detail"]
    assert await count(app, Account) == 1


async def test_without_a_key_everything_is_done_as_often_as_asked(
    app: Quart, program: Program
) -> None:
    await program.post("/accounts", BODY)
    await program.post("/accounts", BODY)

    assert await count(app, Account) == 2
    assert await count(app, IdempotencyKey) == 0


async def test_keys_of_two_people_are_two_keys(
    app: Quart, program: Program, by_moderator: Program
) -> None:
    await program.post("/accounts", BODY, key="one")
    response = await by_moderator.post("/accounts", BODY, key="one")

    assert "Idempotent-Replayed" not in response.headers
    assert await count(app, Account) == 2


async def test_two_at_the_same_moment_make_one_row(app: Quart, program: Program) -> None:
    answers = await asyncio.gather(*(program.post("/accounts", BODY, key="one") for _ in range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({await answer.get_data() for answer in answers}) == 1
    assert sorted(answer.headers.get("Idempotent-Replayed", "") for answer in answers) == [
        "",
        *["true"] * 7,
    ]
    assert await count(app, Account) == 1


async def test_a_request_that_failed_may_be_corrected_under_its_key(
    app: Quart, program: Program
) -> None:
    failed = await program.post("/accounts", BODY | {"website": "nowhere"}, key="one")
    good = await program.post("/accounts", BODY, key="one")

    assert failed.status_code == 422
    assert good.status_code == 201
    assert await count(app, Account) == 1


async def test_a_move_sent_again_is_answered_alike(program: Program, trade: Trade) -> None:
    good = await trade.good(stock=5)
    order = await trade.order((good, 2))
    path = f"/orders/{order.id}/moves"

    first = await program.post(path, {"to": "confirmed"}, key="go")
    again = await program.post(path, {"to": "confirmed"}, key="go")

    assert first.status_code == again.status_code == 200
    assert await first.get_data() == await again.get_data()
    assert await trade.stock(good) == 3


async def expire_all(app: Quart) -> None:
    async with app.app_context(), db.transaction() as session:
        old = utc_now() - timedelta(seconds=1)
        await session.execute(update(IdempotencyKey).values(expires_at=old))


async def test_a_key_is_forgotten_after_a_day(app: Quart, program: Program) -> None:
    await program.post("/accounts", BODY, key="one")
    await program.post("/accounts", BODY, key="two")
    await expire_all(app)

    first = await program.post("/accounts", BODY, key="one")
    again = await program.post("/accounts", BODY, key="one")

    assert await same(first, again)
    assert await count(app, Account) == 3


async def test_requests_remove_expired_keys_now_and_then(
    app: Quart, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("one", "two"):
        await program.post("/accounts", BODY, key=key)
    await expire_all(app)
    monkeypatch.setattr(idempotency, "CLEANUP_EVERY", 1)

    await program.post("/accounts", BODY, key="three")

    assert await count(app, IdempotencyKey) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "caf\xe9"])
async def test_a_key_that_is_none(program: Program, key: str) -> None:
    response = await program.post("/accounts", BODY, key=key)

    assert response.status_code == 400
    assert "Idempotency-Key" in (await response.get_json())["detail"]


@pytest.mark.feature("D9", "A5")
async def test_two_editors_of_one_account(program: Program) -> None:
    await program.create("/accounts", **BODY)
    etag = await program.etag("/accounts/1")

    first = await program.patch("/accounts/1", {"city": "Hamburg"}, match=etag)
    second = await program.patch("/accounts/1", {"city": "Bonn"}, match=etag)

    assert first.status_code == 200
    assert second.status_code == 412
    assert "Another user changed this account" in (await second.get_json())["detail"]
    assert (await program.read("/accounts/1"))["city"] == "Hamburg"


@pytest.mark.feature("D9")
async def test_many_editors_at_the_same_moment(program: Program) -> None:
    await program.create("/accounts", **BODY)
    etag = await program.etag("/accounts/1")

    answers = await asyncio.gather(
        *(program.patch("/accounts/1", {"city": str(i)}, match=etag) for i in range(6))
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5]


@pytest.mark.parametrize("match", ['"2"', 'W/"1"', '"x", "y"'])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_version_that_was_not_read(program: Program, method: str, match: str) -> None:
    account = await program.create("/accounts", **BODY)
    body = {name: account[name] for name in account if not name.endswith("_at") and name != "id"}

    more: dict[str, Any] = {} if method == "DELETE" else {"json": body}
    response = await program.call(method, "/accounts/1", match=match, **more)

    assert response.status_code == 412


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_change_must_say_what_was_read(program: Program, method: str) -> None:
    account = await program.create("/accounts", **BODY)
    body = {name: account[name] for name in account if not name.endswith("_at") and name != "id"}

    more: dict[str, Any] = {} if method == "DELETE" else {"json": body}
    response = await program.call(method, "/accounts/1", **more)

    assert response.status_code == 428
    assert "If-Match" in (await response.get_json())["detail"]


@pytest.mark.feature("A5")
@pytest.mark.parametrize("path", ["/accounts", "/accounts/1", "/orders", "/goods", "/search?q=A"])
async def test_what_one_has_is_not_sent_again(program: Program, path: str) -> None:
    await program.create("/accounts", **BODY)
    etag = await program.etag(path)

    same = await program.get(path, headers={"If-None-Match": f'"other", W/{etag}'})
    other = await program.get(path, headers={"If-None-Match": '"other"'})

    assert same.status_code == 304
    assert same.headers["ETag"] == etag
    assert await same.get_data() == b""
    assert other.status_code == 200


async def test_two_programs_at_the_last_piece(program: Program, trade: Trade) -> None:
    good = await trade.good(stock=1)
    orders = [await trade.order((good, 1)) for _ in range(2)]

    answers = await asyncio.gather(
        *(program.post(f"/orders/{order.id}/moves", {"to": "confirmed"}) for order in orders)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await trade.stock(good) == 0


async def test_a_code_that_is_taken(program: Program) -> None:
    await program.create("/accounts", name="One", code="SAME")

    response = await program.post("/accounts", {"name": "Other", "code": "SAME"})

    assert response.status_code == 422
    assert await pointers(response) == {"/code": "Another account has this code."}
