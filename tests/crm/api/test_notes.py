"""Notes and notifications over the API."""

from __future__ import annotations

import pytest

from quarterdeck_crm.models import User
from tests.crm.conftest import Auth
from tests.crm.trading import Trade

from .conftest import Program

pytestmark = pytest.mark.feature("AP4")


async def test_a_note_from_the_first_word_to_the_end(program: Program, trade: Trade) -> None:
    order = await trade.order()
    about = {"record": "order", "record_id": order.id}
    note = await program.create("/notes", **about, body="Call back")
    assert (note["record"], note["record_id"], note["edited_at"]) == ("order", order.id, None)
    path = f"/notes/{note['id']}"

    assert (await program.patch(path, {"body": "x"}, match='"9"')).status_code == 412
    changed = await (await program.patch(path, {"body": "Called"}, match='"1"')).get_json()
    assert changed["body"] == "Called"
    assert changed["edited_at"]
    page = await program.read(f"/notes?record=order&record_id={order.id}")
    assert page["items"] == [changed]

    assert (await program.delete(path, match='"2"')).status_code == 204
    assert (await program.get(path)).status_code == 404
    assert (await program.read(f"/notes?record=order&record_id={order.id}"))["items"] == []
    assert (await program.get("/notes?record=order&record_id=99")).status_code == 404
    assert (await program.get("/notes")).status_code == 400
    for wrong in ({"record": "good"}, {"body": " "}, {"record_id": 0}):
        body = {**about, "body": "x"} | wrong
        (error,) = (await (await program.post("/notes", body)).get_json())["errors"]
        assert error["pointer"] == f"/{next(iter(wrong))}"


async def test_notifications_are_listed_and_marked(
    program: Program, as_moderator: Auth, user: User, trade: Trade
) -> None:
    order = await trade.order()
    for number in range(3):
        await as_moderator.post(f"/notes/order/{order.id}", body=f"{number} @{user.name}")

    page = await program.read("/notifications?unread=true&per_page=2")
    first = page["items"][0]
    assert [each["note_id"] for each in page["items"]] == [3, 2]
    assert (first["kind"], first["record"], first["title"]) == ("mention", "order", order.number)
    assert (await program.read(page["links"]["next"].removeprefix("/api/v1")))["items"]

    read = await (await program.post("/notifications/3/read", None)).get_json()
    assert read["read_at"]
    assert (await program.read("/notifications/3")) == read
    await program.post("/notifications/read?up_to=1", None)
    left = await program.read("/notifications?unread=true")
    assert [each["id"] for each in left["items"]] == [2]
    assert (await program.get("/notifications/99")).status_code == 404
