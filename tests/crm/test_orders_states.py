"""States and moves, and what they do to the stock."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from quart import Quart

from quarterdeck_crm.errors import (
    ConflictError,
    ForbiddenError,
    MoveNotAllowedError,
    OutOfStockError,
)
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Good, Order, OrderState, User
from quarterdeck_crm.orders.services import get_order, move_order
from quarterdeck_crm.orders.states import MOVES, OPEN
from quarterdeck_crm.validation.numbers import MAX_INTEGER

from .conftest import Auth, MakeUser
from .trading import Trade

DRAFT, CONFIRMED, SHIPPED, PAID, CANCELLED = OrderState
ALLOWED = {
    (DRAFT, CONFIRMED),
    (DRAFT, CANCELLED),
    (CONFIRMED, SHIPPED),
    (CONFIRMED, DRAFT),
    (CONFIRMED, CANCELLED),
    (SHIPPED, PAID),
    (CANCELLED, DRAFT),
}


@pytest.mark.feature("AP3")
@pytest.mark.parametrize("source", list(OrderState))
async def test_only_the_allowed_moves_are_made(trade: Trade, source: OrderState) -> None:
    good = await trade.good()
    for target in OrderState:
        order = await trade.order((good, 1), state=source)
        if (source, target) in ALLOWED:
            await trade.move(order, target)
            assert (await trade.read(order)).state is target
        else:
            with pytest.raises(MoveNotAllowedError, match=f"is {source.value}"):
                await trade.move(order, target)
            assert (await trade.read(order)).state is source


@pytest.mark.parametrize("state", list(OrderState))
async def test_the_page_offers_the_moves_of_its_state(
    as_admin: Auth, trade: Trade, state: OrderState
) -> None:
    order = await trade.order((await trade.good(), 1), state=state)

    page = await (await as_admin.get(f"/orders/{order.id}")).get_data(as_text=True)

    for target in OrderState:
        assert (f'value="{target.value}"' in page) is ((state, target) in ALLOWED)


@pytest.mark.feature("AP3")
async def test_confirming_takes_from_stock_and_cancelling_puts_back(trade: Trade) -> None:
    good = await trade.good(stock=10)
    order = await trade.order((good, 2), (good, 3))

    await trade.move(order, CONFIRMED)
    assert await trade.stock(good) == 5
    await trade.move(order, CANCELLED)
    assert await trade.stock(good) == 10
    assert await trade.history(good) == ["returned", "sold", "created"]
    assert await trade.history(order) == ["cancelled", "confirmed", "created"]


async def test_a_confirmed_order_is_reopened_and_its_stock_returned(
    as_admin: Auth, trade: Trade
) -> None:
    good = await trade.good(stock=10)
    order = await trade.order((good, 4), state=CONFIRMED)

    answer = await as_admin.post(f"/orders/{order.id}/move", to="draft", version=order.version)

    assert answer.status_code == 303
    assert (await trade.read(order)).state is DRAFT
    assert await trade.stock(good) == 10
    page = await (await as_admin.get(f"/orders/{order.id}")).get_data(as_text=True)
    assert "Reopened as draft" in page


async def test_cancelling_a_draft_leaves_the_stock_alone(trade: Trade) -> None:
    good = await trade.good(stock=10)
    await trade.order((good, 4), state=CANCELLED)

    assert await trade.stock(good) == 10


async def test_shipping_notes_the_day(trade: Trade) -> None:
    order = await trade.order((await trade.good(), 1), state=SHIPPED)

    assert order.shipped_on is not None


async def test_all_lines_are_taken_or_none_and_the_lack_is_named(trade: Trade) -> None:
    plenty, few, none = (
        await trade.good(name="Plenty", stock=50),
        await trade.good(name="Few", stock=2),
        await trade.good(name="None", stock=0),
    )
    order = await trade.order((plenty, 5), (few, 3), (none, 1))

    with pytest.raises(OutOfStockError) as caught:
        await trade.move(order, CONFIRMED)

    assert str(caught.value) == "Few: 3 ordered, 2 in stock. None: 1 ordered, 0 in stock."
    assert (await trade.read(order)).state is DRAFT
    assert [await trade.stock(good) for good in (plenty, few, none)] == [50, 2, 0]


async def test_a_caller_who_catches_the_lack_keeps_nothing_of_it(trade: Trade) -> None:
    plenty, few = await trade.good(stock=50), await trade.good(stock=2)
    short, fine = await trade.order((plenty, 5), (few, 3)), await trade.order((plenty, 1))

    async with trade.session() as session:
        with pytest.raises(OutOfStockError):
            await move_order(
                session,
                actor=None,
                order=await get_order(session, order_id=short.id),
                target=CONFIRMED,
            )
        await move_order(
            session,
            actor=None,
            order=await get_order(session, order_id=fine.id),
            target=CONFIRMED,
        )

    assert (await trade.read(short)).state is DRAFT
    assert (await trade.read(fine)).state is CONFIRMED
    assert [await trade.stock(plenty), await trade.stock(few)] == [49, 2]


async def confirm(app: Quart, order: Order, together: asyncio.Barrier) -> None:
    """Read an order as a request would, wait for the others, then confirm it."""
    async with app.app_context():
        await get_order(db.session, order_id=order.id)
        await together.wait()
        async with db.transaction() as session:
            read = await get_order(session, order_id=order.id)
            await move_order(session, actor=None, order=read, target=CONFIRMED)


@pytest.mark.feature("AP3", "D9")
@pytest.mark.hazard("concurrent read-modify-write")
async def test_of_many_who_confirm_the_last_piece_one_wins(app: Quart, trade: Trade) -> None:
    good = await trade.good(name="Last one", stock=1)
    orders = [await trade.order((good, 1)) for _ in range(5)]
    together = asyncio.Barrier(5)

    results = await asyncio.gather(
        *(confirm(app, order, together) for order in orders), return_exceptions=True
    )

    lost = [result for result in results if result is not None]
    assert len(lost) == 4
    assert all(isinstance(error, OutOfStockError) for error in lost), lost
    assert "Last one: 1 ordered, 0 in stock." in str(lost[0])
    assert await trade.stock(good) == 0


async def test_one_order_confirmed_twice_at_once_takes_once(app: Quart, trade: Trade) -> None:
    good = await trade.good(stock=10)
    order = await trade.order((good, 3))
    together = asyncio.Barrier(3)

    results = await asyncio.gather(
        *(confirm(app, order, together) for _ in range(3)), return_exceptions=True
    )

    assert [isinstance(result, ConflictError) for result in results].count(True) == 2
    assert await trade.stock(good) == 7


async def test_an_order_without_lines_is_not_confirmed(trade: Trade) -> None:
    order = await trade.order()

    with pytest.raises(MoveNotAllowedError, match="no lines"):
        await trade.move(order, CONFIRMED)


async def test_what_changed_since_the_page_was_opened_is_not_confirmed_unseen(
    auth: Auth, user: User, trade: Trade
) -> None:
    order = await trade.order((await trade.good(), 1), actor=user)

    told = await auth.post(f"/orders/{order.id}/move", to="confirmed", version="0")

    assert told.status_code == 409
    assert "Another user changed this order" in await told.get_data(as_text=True)
    assert (await trade.read(order)).state is DRAFT


async def test_the_person_is_told_on_the_page_what_lacks(
    auth: Auth, user: User, trade: Trade
) -> None:
    good = await trade.good(name="Chai", stock=1)
    order = await trade.order((good, 2), actor=user)

    told = await auth.post(f"/orders/{order.id}/move", to="confirmed", version=order.version)

    assert told.status_code == 409
    page = await told.get_data(as_text=True)
    assert "Chai: 2 ordered, 1 in stock." in page
    assert "Confirm order" in page


async def test_moves_redirect_and_say_what_was_done(auth: Auth, user: User, trade: Trade) -> None:
    order = await trade.order((await trade.good(), 2), actor=user)

    done = await auth.post(f"/orders/{order.id}/move", to="confirmed", version=order.version)

    assert done.status_code == 303
    page = await (await auth.get(done.location)).get_data(as_text=True)
    assert "The order is confirmed." in page
    assert "Mark as shipped" in page


async def test_a_step_that_does_not_exist_is_refused(auth: Auth, user: User, trade: Trade) -> None:
    order = await trade.order((await trade.good(), 2), actor=user)

    assert (await auth.post(f"/orders/{order.id}/move", to="eaten")).status_code == 422
    assert (await auth.post(f"/orders/{order.id}/move")).status_code == 422


async def test_a_step_names_the_version_that_it_starts_from(
    auth: Auth, user: User, trade: Trade
) -> None:
    order = await trade.order((await trade.good(), 2), actor=user)

    for given in ({}, {"version": ""}, {"version": "1_0"}):
        told = await auth.post(f"/orders/{order.id}/move", to="confirmed", **given)
        assert told.status_code == 422
    assert (await trade.read(order)).state is DRAFT


async def test_stock_is_not_returned_beyond_what_the_column_holds(trade: Trade) -> None:
    good = await trade.good(stock=MAX_INTEGER)
    order = await trade.order((good, 2), state=CONFIRMED)
    async with trade.session() as session:
        (await session.get_one(Good, good.id)).stock = MAX_INTEGER - 1

    with pytest.raises(ConflictError, match="2 cannot be returned"):
        await trade.move(order, OrderState.CANCELLED)

    assert (await trade.read(order)).state is CONFIRMED
    assert await trade.stock(good) == MAX_INTEGER - 1


async def test_somebody_elses_order_is_not_moved(
    auth: Auth, user: User, trade: Trade, make_user: MakeUser
) -> None:
    other = await make_user(email="other@example.com")
    order = await trade.order((await trade.good(), 1), actor=other)

    refused = await auth.post(f"/orders/{order.id}/move", to="confirmed", version=order.version)

    assert refused.status_code == 403
    async with trade.session() as session:
        read = await get_order(session, order_id=order.id)
        with pytest.raises(ForbiddenError):
            await move_order(session, actor=user, order=read, target=CONFIRMED)


async def test_confirmed_amounts_stay_when_the_price_changes(trade: Trade) -> None:
    good = await trade.good(price="10")
    order = await trade.order((good, 2), state=CONFIRMED)
    async with trade.session() as session:
        (await session.get_one(type(good), good.id)).price = Decimal(99)

    assert (await trade.read(order)).net == 20


def test_each_open_state_has_one_usual_next_step() -> None:
    steps = {state: [move.target for move in MOVES[state] if move.is_next] for state in OPEN}

    assert steps == {
        OrderState.DRAFT: [OrderState.CONFIRMED],
        OrderState.CONFIRMED: [OrderState.SHIPPED],
        OrderState.SHIPPED: [OrderState.PAID],
    }
