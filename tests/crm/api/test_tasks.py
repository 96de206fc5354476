"""Tasks over the API."""

from __future__ import annotations

from quarterdeck_crm.models import User
from tests.crm.trading import Trade

from .conftest import Program, pointers

NEW = {"title": "Call", "due_on": "2026-12-01", "due_time": "9:30", "zone": "Europe/Berlin"}


async def test_a_task_is_written_read_changed_done_and_deleted(
    program: Program, user: User, trade: Trade
) -> None:
    order = await trade.order()
    made = await program.create("/tasks", **NEW, order_id=order.id, repeat="weekly")
    assert made["due_at"] == "2026-12-01T08:30:00Z"
    assert made["due_time"] == "09:30"
    assert (made["assignee_id"], made["account_id"]) == (user.id, order.account_id)
    assert (made["priority"], made["is_done"]) == ("normal", False)

    path = f"/tasks/{made['id']}"
    changed = await program.patch(path, {"priority": "high"}, match='"1"')
    assert (await changed.get_json())["priority"] == "high"
    stale = await program.patch(path, {"priority": "low"}, match='"1"')
    assert stale.status_code == 412

    for _ in range(2):
        done = await (await program.post(f"{path}/complete", None)).get_json()
        assert done["is_done"]
    page = await program.read(f"/tasks?order={order.id}")
    assert [(task["due_on"], task["title"]) for task in page["items"]] == [("2026-12-08", "Call")]
    reopened = await (await program.post(f"{path}/reopen", None)).get_json()
    assert reopened["done_at"] is None
    assert (await program.delete(path, match="*")).status_code == 204
    assert (await program.get(path)).status_code == 404


async def test_a_refusal_names_all_wrong_fields(program: Program) -> None:
    answer = await program.post(
        "/tasks", {"title": " ", "due_time": "9.30", "zone": "Berlin", "account_id": 9}
    )

    assert answer.status_code == 422
    assert await pointers(answer) == {
        "/title": "This is required.",
        "/due_time": "Enter a time such as 09:30.",
        "/zone": "Enter a time zone such as Europe/Berlin.",
        "/account_id": "Choose an account.",
    }


async def test_a_task_is_replaced_as_a_whole(program: Program) -> None:
    made = await program.create("/tasks", **NEW)
    path = f"/tasks/{made['id']}"

    assert (await program.put(path, {"title": "Write"}, match='"1"')).status_code == 422
    names = (
        "title details due_on due_time zone priority assignee_id account_id contact_id order_id "
        "repeat repeat_every repeat_until remind_on remind_time"
    )
    whole = {name: made[name] for name in names.split()} | {"title": "Write"}
    replaced = await program.put(path, whole, match='"1"')
    assert (await replaced.get_json())["title"] == "Write"
