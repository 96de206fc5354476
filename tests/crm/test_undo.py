"""The button that undoes a change, as a browser without JavaScript uses it."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from quart import Response
from sqlalchemy import select, update

from quarterdeck_crm.deals.services import get_deal, update_deal
from quarterdeck_crm.extensions import db
from quarterdeck_crm.goods.services import archive_good, get_good
from quarterdeck_crm.models import Deal, Note, OrderState, Role, Task, UndoStep, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.notes.services import add_note
from quarterdeck_crm.orders.sum_checks import compare_sums
from tests.crm.conftest import Auth, MakeUser
from tests.crm.sheets import Sheet, sheets_on
from tests.crm.trading import Trade


async def text_of(response: Response) -> str:
    return str(await response.get_data(as_text=True))


async def press(auth: Auth, page: str, action: str, **entries: str) -> tuple[str, list[Sheet]]:
    """Send the first form of a page to ``action``; return the next page and its undo buttons."""
    forms = sheets_on(await text_of(await auth.get(page)), page)
    fitting = [
        each
        for each in forms
        if each.action.startswith(action) and each.values.get("to") == entries.get("to")
    ]
    sheet = fitting[0]
    answer = await auth.client.post(sheet.action, form=sheet.values | entries)
    assert answer.status_code == 303, await text_of(answer)
    shown = await text_of(await auth.get(answer.location))
    return shown, [each for each in sheets_on(shown, page) if each.action.startswith("/undo/")]


async def undo(auth: Auth, sheet: Sheet) -> str:
    """Press an undo button and return the words of the next page's messages."""
    answer = await auth.client.post(sheet.action, form=sheet.values)
    assert answer.status_code == 303
    shown = await text_of(await auth.get(answer.location))
    return " ".join(re.findall(r'<div class="toast-note.*?</div>', shown, re.DOTALL))


@pytest.mark.parametrize(
    ("state", "target", "taken"),
    [
        (OrderState.DRAFT, OrderState.CONFIRMED, 0),
        (OrderState.CONFIRMED, OrderState.SHIPPED, 3),
        (OrderState.SHIPPED, OrderState.PAID, 3),
        (OrderState.CONFIRMED, OrderState.CANCELLED, 3),
        (OrderState.CANCELLED, OrderState.DRAFT, 0),
    ],
)
async def test_a_step_of_an_order_is_taken_back_with_its_stock(
    auth: Auth, user: User, trade: Trade, state: OrderState, target: OrderState, taken: int
) -> None:
    good = await trade.good(stock=10)
    order = await trade.order((good, 3), actor=user, state=state)

    _shown, buttons = await press(auth, f"/orders/{order.id}", "/orders/1/move", to=target)
    assert "Undone." in await undo(auth, buttons[0])
    after = await trade.read(order)
    assert (after.state, after.shipped_on) == (order.state, order.shipped_on)
    assert await trade.stock(good) == 10 - taken
    assert (await trade.history(order))[0] == "undone"
    assert "was undone before" in await undo(auth, buttons[0])
    async with trade.app.app_context():
        assert await compare_sums() == []


async def test_an_undo_that_takes_from_stock_needs_enough_of_it(
    auth: Auth, user: User, trade: Trade
) -> None:
    good = await trade.good(stock=3)
    order = await trade.order((good, 3), actor=user, state=OrderState.CONFIRMED)
    _shown, buttons = await press(auth, "/orders/1", "/orders/1/move", to="draft")
    await trade.order((good, 1), state=OrderState.CONFIRMED)
    assert "3 ordered, 2 in stock" in await undo(auth, buttons[0])
    assert (await trade.read(order)).state is OrderState.DRAFT


async def test_what_has_changed_since_stays(auth: Auth, user: User, trade: Trade) -> None:
    deal = await trade.deal(name="Refit", actor=user)
    _shown, buttons = await press(auth, "/deals/1", "/deals/1/move", to="2")
    async with trade.session() as session:
        row = await get_deal(session, deal_id=deal.id)
        await update_deal(
            session, actor=None, deal=row, values={"remark": "Called"}, version=row.version
        )
    assert "&#39;Refit&#39; was changed in the meantime." in await undo(auth, buttons[0])
    async with trade.session() as session:
        assert (await session.get_one(Deal, deal.id)).stage_id == 2


async def test_deals_tasks_and_the_archive(as_admin: Auth, admin: User, trade: Trade) -> None:
    await trade.deal(name="Refit", actor=admin)
    _shown, buttons = await press(
        as_admin, "/deals/1", "/deals/1/move", to="5", lost_reason="Price"
    )
    assert "Undone." in await undo(as_admin, buttons[0])
    async with trade.session() as session:
        deal = await session.get_one(Deal, 1)
        assert (deal.stage_id, deal.lost_reason) == (1, None)

    day = utc_now().date() + timedelta(days=1)
    await trade.task(actor=admin, due_on=day, repeat="daily")
    _shown, buttons = await press(as_admin, "/tasks/1", "/tasks/1/complete")
    assert "Undone." in await undo(as_admin, buttons[0])
    async with trade.session() as session:
        assert [task.is_done for task in await session.scalars(select(Task))] == [False]

    await trade.good()
    await trade.person()
    for page in ("/accounts/1", "/goods/1", "/people/1"):
        _shown, buttons = await press(as_admin, page, f"{page}/archive")
        assert "Undone." in await undo(as_admin, buttons[0]), page
        _shown, buttons = await press(as_admin, page, f"{page}/archive")
        assert buttons, "it was restored"


async def test_the_next_task_stays_if_it_has_notes(auth: Auth, user: User, trade: Trade) -> None:
    day = utc_now().date() + timedelta(days=1)
    await trade.task(actor=user, due_on=day, repeat="daily")
    _shown, buttons = await press(auth, "/tasks/1", "/tasks/1/complete")
    async with trade.session() as session:
        await add_note(session, actor=user, subject=await session.get_one(Task, 2), body="Call")
    assert "Undone. The next task stays" in await undo(auth, buttons[0])
    async with trade.session() as session:
        assert len((await session.scalars(select(Note))).all()) == 1
        tasks = await session.scalars(select(Task).order_by(Task.id))
        assert [task.is_done for task in tasks] == [False, False]


async def test_only_its_user_can_undo_and_only_for_a_while(
    auth: Auth, user: User, make_user: MakeUser, trade: Trade
) -> None:
    await trade.account(actor=user)
    _shown, buttons = await press(auth, "/accounts/1", "/accounts/1/archive")
    other = await make_user(Role.ADMIN, email="other@example.com")
    async with trade.session() as session:
        step = await session.scalar(select(UndoStep))
        assert step is not None
        old = step.created_at - timedelta(minutes=11)
        await session.execute(update(UndoStep).values(created_at=old))
    assert "can no longer be undone" in await undo(auth, buttons[0])
    async with trade.session() as session:
        await session.execute(update(UndoStep).values(created_at=step.created_at))
    await auth.sign_in(other)
    answer = await auth.post(buttons[0].action)
    assert answer.status_code == 303
    assert "There is nothing to undo." in await text_of(await auth.get(answer.location))


async def test_of_two_clicks_one_undoes(auth: Auth, user: User, trade: Trade) -> None:
    await trade.account(actor=user)
    _shown, buttons = await press(auth, "/accounts/1", "/accounts/1/archive")
    sheet = buttons[0]
    await asyncio.gather(*(auth.client.post(sheet.action, form=sheet.values) for _ in range(2)))
    async with trade.session() as session:
        rows = await session.scalars(select(UndoStep).where(UndoStep.used_at.is_not(None)))
        assert len(rows.all()) == 1


async def test_an_order_is_copied_once(auth: Auth, user: User, trade: Trade) -> None:
    rope, lamp = await trade.good(name="Rope", price="10"), await trade.good(name="Lamp")
    first = await trade.order((rope, 3), (lamp, 1), state=OrderState.PAID, remark="Ring twice")
    await trade.order(state=OrderState.DRAFT)
    async with trade.session() as session:
        await archive_good(session, actor=None, good=await get_good(session, good_id=lamp.id))
    page = f"/orders/{first.id}"
    sheet = next(
        each
        for each in sheets_on(await text_of(await auth.get(page)), page)
        if each.action.endswith("/copy")
    )
    answers = [await auth.client.post(sheet.action, form=sheet.values) for _ in range(2)]
    assert [answer.location for answer in answers] == ["/orders/3/edit"] * 2
    shown = await text_of(await auth.get("/orders/3/edit"))
    assert "1 line is left out, because its good is archived." in shown
    async with trade.app.app_context():
        copied = await trade.reload(db.session, 3)
        assert [(line.good_id, line.quantity) for line in copied.lines] == [(rope.id, 3)]
        assert (copied.state, copied.owner_id) == (OrderState.DRAFT, user.id)
        assert (copied.remark, copied.ordered_on == first.ordered_on) == ("Ring twice", False)

    answer = await auth.client.post(
        f"/api/v1/orders/{first.id}/copy", headers={"X-CSRFToken": sheet.values["csrf_token"]}
    )
    assert answer.status_code == 201
    assert (await answer.get_json())["state"] == "draft"
    assert answer.location == "/api/v1/orders/4"
