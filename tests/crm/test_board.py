"""The board: what it shows, in how many statements, and moving orders without a script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from quart import Quart

from quarterdeck_crm.board import services
from quarterdeck_crm.board.services import read_board
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import OrderState, User

from .conftest import Auth
from .trading import Trade


async def shown(app: Quart, owner: User | None = None) -> dict[str, list[str]]:
    async with app.app_context():
        columns = await read_board(db.session, owner=owner)
    return {column.state.value: [order.number for order in column.orders] for column in columns}


@pytest.mark.feature("AP3")
async def test_orders_stand_in_the_column_of_their_state_last_changed_first(
    app: Quart, trade: Trade
) -> None:
    good = await trade.good()
    orders = [await trade.order((good, 1)) for _ in range(3)]
    await trade.move(orders[0], OrderState.CONFIRMED)
    await trade.move(orders[2], OrderState.CANCELLED)
    await trade.move(orders[0], OrderState.SHIPPED)
    await trade.move(orders[1], OrderState.CONFIRMED)
    await trade.move(orders[1], OrderState.SHIPPED)

    board = await shown(app)
    assert list(board) == [state.value for state in OrderState]
    assert board == {
        "draft": [],
        "confirmed": [],
        "shipped": [orders[1].number, orders[0].number],
        "paid": [],
        "cancelled": [orders[2].number],
    }


async def test_a_long_column_is_cut_and_leads_to_the_list(
    trade: Trade, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_CARDS", 2)
    monkeypatch.setattr(services, "MAX_COUNTED", 3)
    for _ in range(4):
        await trade.order()

    page = await (await auth.get("/board/")).get_data(as_text=True)
    assert len(re.findall(r'class="board-card"', page)) == 2
    assert "/orders/?state=draft" in page
    assert re.search(r">3</data>\+", page)


async def test_everybodys_orders_and_mine(
    app: Quart, trade: Trade, auth: Auth, user: User, admin: User
) -> None:
    mine = await trade.order(actor=user)
    theirs = await trade.order(actor=admin)

    everybody = await (await auth.get("/board/")).get_data(as_text=True)
    own = await (await auth.get("/board/?owner=me")).get_data(as_text=True)
    assert mine.number in own
    assert theirs.number not in own
    assert theirs.number in everybody
    assert await shown(app, owner=admin) == await shown(app) | {"draft": [theirs.number]}


async def test_cards_of_others_have_no_moves(
    trade: Trade, auth: Auth, user: User, admin: User
) -> None:
    mine = await trade.order(actor=user)
    theirs = await trade.order(actor=admin)

    page = await (await auth.get("/board/")).get_data(as_text=True)
    assert f"/orders/{mine.id}/move" in page
    assert f"/orders/{theirs.id}/move" not in page


@pytest.mark.hazard("a statement per row")
async def test_the_board_takes_the_same_few_statements_however_full_it_is(
    trade: Trade, auth: Auth
) -> None:
    good = await trade.good()
    counts = []
    for _ in range(2):
        for state in OrderState:
            await trade.order((good, 1), state=state)
        with trade.statements() as statements:
            assert (await auth.get("/board/")).status_code == 200
        counts.append(len(statements))

    assert counts == [3, 3]  # who asks, the cards, the totals


async def move(auth: Auth, order: Any, to: str, **options: Any) -> Any:
    token = await auth.token("/board/")
    path = options.pop("path", f"/orders/{order.id}/move?next=/board/?owner%3Dme")
    form = {"csrf_token": token, "to": to, "version": options.pop("version", order.version)}
    return await auth.client.post(path, form=form, **options)


async def test_a_card_is_moved_without_a_script(trade: Trade, auth: Auth, user: User) -> None:
    order = await trade.order((await trade.good(), 1), actor=user)

    answer = await move(auth, order, "confirmed")
    assert answer.status_code == 303
    assert answer.location == "/board/?owner=me"
    assert (await trade.read(order)).state is OrderState.CONFIRMED
    page = await (await auth.get("/board/")).get_data(as_text=True)
    assert "The order is confirmed." in page


async def test_the_way_back_never_leaves_the_site(trade: Trade, auth: Auth, user: User) -> None:
    order = await trade.order((await trade.good(), 1), actor=user)

    foreign = f"/orders/{order.id}/move?next=https://elsewhere.example/"
    answer = await move(auth, order, "confirmed", path=foreign)
    assert answer.location == f"/orders/{order.id}"


async def test_a_refused_move_says_why_to_people_and_to_scripts(
    trade: Trade, auth: Auth, user: User
) -> None:
    order = await trade.order((await trade.good(name="Lamp", stock=1), 2), actor=user)

    page = await move(auth, order, "confirmed")
    problem = await move(
        auth, order, "confirmed", headers={"Accept": "application/problem+json, text/html;q=0.5"}
    )
    stale = await move(
        auth, order, "confirmed", version=order.version + 1, headers={"Accept": "application/json"}
    )
    assert page.status_code == problem.status_code == stale.status_code == 409
    assert "Lamp: 2 ordered, 1 in stock." in await page.get_data(as_text=True)
    assert (await problem.get_json())["detail"] == "Lamp: 2 ordered, 1 in stock."
    assert "Another user changed this order" in (await stale.get_json())["detail"]
    assert (await trade.read(order)).state is OrderState.DRAFT


async def test_a_page_that_renews_itself_takes_no_flash_from_another(
    trade: Trade, auth: Auth, user: User
) -> None:
    order = await trade.order((await trade.good(), 1), actor=user)
    await move(auth, order, "confirmed")

    renewed = await auth.get("/board/", headers={"X-Renew": "1"})
    assert "The order is confirmed." not in await renewed.get_data(as_text=True)
    page = await auth.get("/board/")
    assert "The order is confirmed." in await page.get_data(as_text=True)
