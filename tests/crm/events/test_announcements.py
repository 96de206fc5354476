"""What is announced: every change with a line of history, after its commit, in its order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart

from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.errors import OutOfStockError
from quarterdeck_crm.extensions import hub, login_manager
from quarterdeck_crm.models import OrderState, User
from quarterdeck_crm.notes.services import add_note
from quarterdeck_crm.orders.services import delete_order, get_order, update_order
from quarterdeck_crm.team.services import edit_own, get_user
from tests.crm.conftest import Auth
from tests.crm.trading import Trade
from tests.kit.sockets.app import Client

pytestmark = pytest.mark.feature("WS4")


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"SOCKETS_RECHECK_SECONDS": 3600}


@pytest.fixture
async def client(auth: Auth) -> AsyncIterator[Client]:
    """Somebody who listens to all orders and to the team."""
    async with auth.client.websocket("/ws") as connection:
        client = Client(connection)
        await client.subscribe("orders")
        await client.subscribe("team")
        yield client


def told(events: list[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    return [(event["name"], event["data"]["action"], event["data"]["version"]) for event in events]


async def test_an_order_from_draft_to_cancelled(trade: Trade, client: Client, user: User) -> None:
    account = await trade.account(name="Harbour Office")
    order = await trade.order(
        (await trade.good(), 2), account=account, actor=user, state=OrderState.SHIPPED
    )

    created, *moved = await client.events(3)
    assert created["data"] == {
        "by": {"id": str(user.id), "name": user.name},
        "action": "created",
        "id": order.id,
        "version": created["data"]["version"],
        "number": order.number,
        "state": "draft",
        "was": None,
        "net": "20.000000",
        "currency": "EUR",
        "ordered_on": "2026-11-21",
        "account": {"id": account.id, "name": "Harbour Office"},
        "owner": {"id": user.id, "name": None},
    }
    assert [event["name"] for event in moved] == ["order.moved"] * 2
    assert [(e["data"]["was"], e["data"]["state"]) for e in moved] == [
        ("draft", "confirmed"),
        ("confirmed", "shipped"),
    ]
    versions = [event["data"]["version"] for event in (created, *moved)]
    assert versions == sorted(set(versions))
    assert versions[-1] == order.version


async def test_changes_of_one_order_reach_its_room(trade: Trade, client: Client) -> None:
    order, other = await trade.order(), await trade.order()
    await client.events(2)
    await client.send("unsubscribe", room="orders")
    await client.subscribe(f"order:{order.id}")

    async with trade.session() as session:
        for each in (other, order):
            await update_order(
                session,
                actor=None,
                order=await get_order(session, order_id=each.id),
                values={"remark": "Call first"},
                version=each.version,
            )
    async with trade.session() as session:
        await delete_order(session, actor=None, order=await get_order(session, order_id=order.id))
    changed, deleted = await client.events(2)
    assert told([changed]) == [("order.changed", "changed", order.version + 1)]
    assert changed["data"]["by"] is None
    assert told([deleted]) == [("order.deleted", "deleted", None)]
    assert deleted["data"]["number"] == order.number


async def test_a_refused_move_is_not_announced(trade: Trade, client: Client) -> None:
    order = await trade.order((await trade.good(stock=1), 2))
    await client.events(1)

    with pytest.raises(OutOfStockError):
        await trade.move(order, OrderState.CONFIRMED)
    await trade.move(order, OrderState.CANCELLED)
    (event,) = await client.events(1)
    assert event["data"]["state"] == "cancelled"


async def test_what_is_rolled_back_is_not_announced(trade: Trade, client: Client) -> None:
    placed = await trade.order()

    async def change_and_fail() -> None:
        async with trade.session() as session:
            order = await get_order(session, order_id=placed.id)
            values = {"remark": "Never"}
            await update_order(
                session, actor=None, order=order, values=values, version=order.version
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change_and_fail()
    await client.send("ping")
    assert [(await client.next())["type"] for _ in range(2)] == ["event", "pong"]


async def test_an_account_and_what_belongs_to_it(trade: Trade, client: Client) -> None:
    account = await trade.account(name="Old")
    await client.subscribe(f"account:{account.id}")

    async with trade.session() as session:
        row = await get_account(session, account_id=account.id)
        await update_account(
            session, actor=None, account=row, values={"name": "New"}, version=row.version
        )
        await add_note(session, actor=None, subject=row, body="Call in May")
    events = await client.events(2)
    assert told(events) == [
        ("account.changed", "changed", account.version + 1),
        ("account.changed", "note added", None),  # the account itself is what it was
    ]
    assert events[0]["data"]["name"] == "New"


async def test_the_task_of_a_contact_reaches_the_page_of_the_person(
    trade: Trade, client: Client, user: User
) -> None:
    await trade.person(await trade.account())
    await client.subscribe("contact:1")

    await trade.task(actor=user, contact_id=1, title="Call")

    (event,) = await client.events(1)
    assert (event["room"], event["name"]) == ("contact:1", "task.created")
    assert event["data"]["title"] == "Call"


async def test_the_team(trade: Trade, client: Client, moderator: User) -> None:
    async with trade.session() as session:
        user = await get_user(session, moderator.id)
        await edit_own(session, user=user, name="Mo Derator", phone=None, zone=None)

    (event,) = await client.events(1)
    assert (event["room"], event["name"]) == ("team", "person.changed")
    assert event["data"] == {
        "id": moderator.id,
        "name": "Mo Derator",
        "is_active": True,
        "action": "changed",
    }


async def test_who_opens_an_order_for_editing(
    trade: Trade, client: Client, auth: Auth, user: User
) -> None:
    order = await trade.order(actor=user)
    await client.events(1)

    assert (await auth.get(f"/orders/{order.id}/edit")).status_code == 200
    (event,) = await client.events(1)
    assert event["name"] == "order.editing"
    assert event["data"]["id"] == order.id
    assert event["data"]["by"]["name"] == user.name


async def test_a_page_says_from_where_on_it_is_to_be_told(
    app: Quart, trade: Trade, auth: Auth
) -> None:
    await trade.order()
    async with app.app_context():
        position = hub.position

    page = await (await auth.get("/board/")).get_data(as_text=True)
    assert f'data-at="{position}"' in page
    await trade.order()
    later = await (await auth.get("/orders/")).get_data(as_text=True)
    assert f'data-at="{position}"' not in later


async def test_a_page_is_told_of_changes_made_while_its_user_was_loaded(
    app: Quart, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = login_manager.get_user_loader()

    async def change_and_load(identity: str) -> Any:
        await hub.publish("team", "person.changed", {})
        return await load(identity)

    async with app.app_context():
        position = hub.position
    monkeypatch.setattr(login_manager, "_user_loader", change_and_load)
    page = await (await auth.get("/board/")).get_data(as_text=True)

    assert f'data-at="{position}"' in page
