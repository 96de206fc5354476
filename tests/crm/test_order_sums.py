"""The sums of orders are those of the orders, whatever happens to them, and on many at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import delete, select, update

from quarterdeck.checks import Target, rules_of, run_rules
from quarterdeck_crm.errors import DomainError, OrderSumsError
from quarterdeck_crm.extensions import db, scheduler
from quarterdeck_crm.models import Account, Good, Order, OrderLine, OrderState, OrderSum, User
from quarterdeck_crm.orders.lines import LineEntry
from quarterdeck_crm.orders.services import delete_order, get_order, move_order, update_order
from quarterdeck_crm.orders.states import MOVES
from quarterdeck_crm.orders.sum_checks import compare_sums, rebuild_sums
from quarterdeck_crm.orders.sums import count_inserted, note_changes

from .trading import Trade

pytestmark = pytest.mark.hazard("figures that are kept beside the rows drift from them")

OPERATIONS = 80


class Business:
    """Random work on orders: each call is one transaction, of which some are undone."""

    def __init__(self, trade: Trade, user: User, seed: int) -> None:
        self.trade = trade
        self.user = user
        self.random = random.Random(seed)  # noqa: S311 - the same work each time
        self.accounts: list[Account] = []
        self.goods: list[Good] = []

    async def open(self) -> None:
        for number in range(3):
            self.accounts.append(await self.trade.account())
            price = ("0.333", "999999999", "17")[number]
            self.goods.append(await self.trade.good(price=price, stock=10**6))

    def lines(self) -> list[LineEntry]:
        discount = Decimal(self.random.choice(("0", "0.125")))
        return [
            LineEntry(self.random.choice(self.goods).id, self.random.randint(1, 9), None, discount)
            for _ in range(self.random.randint(1, 3))
        ]

    def header(self) -> dict[str, Any]:
        return {
            "account_id": self.random.choice(self.accounts).id,
            "owner_id": self.random.choice((None, self.user.id)),
            "ordered_on": date(2025, 11, 28) + timedelta(days=self.random.randrange(60)),
        }

    async def place(self) -> None:
        await self.trade.order(**self.header())

    async def change(self) -> None:
        async def work(session: Any, order: Order) -> None:
            values = self.header() if order.state is OrderState.DRAFT else {"remark": "late"}
            lines = self.lines() if order.state is OrderState.DRAFT else None
            await update_order(
                session, actor=None, order=order, values=values, lines=lines, version=order.version
            )

        await self._with_order(work)

    async def move(self) -> None:
        async def work(session: Any, order: Order) -> None:
            if moves := MOVES[order.state]:
                target = self.random.choice(moves).target
                await move_order(session, actor=None, order=order, target=target)

        await self._with_order(work)

    async def remove(self) -> None:
        async def work(session: Any, order: Order) -> None:
            await delete_order(session, actor=None, order=order)

        await self._with_order(work)

    async def write_past_the_services(self) -> None:
        """What no service does: lines of a sale change, and statements write many orders."""

        async def work(session: Any, order: Order) -> None:
            if order.lines:
                order.lines[0].amount += 1
                order.lines[0].quantity += 1
            order.currency = self.random.choice(("EUR", "USD"))
            ids = (await session.scalars(select(Order.id).order_by(Order.id))).all()
            await note_changes(session, ids)
            other = self.random.choice(self.accounts).id
            await session.execute(update(Order).where(Order.id.in_(ids)).values(account_id=other))

        await self._with_order(work)

    async def _with_order(self, work: Callable[[Any, Order], Awaitable[None]]) -> None:
        async with self.trade.session() as session:
            ids = (await session.scalars(select(Order.id).order_by(Order.id))).all()
            if not ids:
                return
            fate = self.random.random()
            try:
                async with session.begin_nested():
                    await work(session, await get_order(session, order_id=self.random.choice(ids)))
                    if fate < 0.15:
                        raise DomainError("undone")
            except DomainError:
                pass


@pytest.mark.feature("AP6")
async def test_after_any_work_the_sums_are_those_of_the_orders(
    app: Quart, trade: Trade, user: User
) -> None:
    business = Business(trade, user, seed=2)
    await business.open()
    works = [business.place, business.change, business.change, business.move, business.move,
             business.remove, business.write_past_the_services]  # fmt: skip
    weights = [4, 3, 3, 4, 4, 1, 1]
    for work in business.random.choices(works, weights, k=OPERATIONS):
        await work()

    async with app.app_context():
        assert [str(each) for each in await compare_sums()] == []
        found = await db.session.scalars(select(OrderSum.series).where(OrderSum.number > 0))
        assert {"owner", "account", "good", "draft"} <= set(found)
        count = len((await db.session.scalars(select(OrderSum).where(OrderSum.number > 0))).all())
        await db.session.commit()
        assert await rebuild_sums() == count


async def test_orders_written_at_once_are_all_counted(app: Quart, trade: Trade, user: User) -> None:
    """On MariaDB, the confirmations wait for each other's goods and sums, in one order."""
    account, goods = await trade.account(), [await trade.good() for _ in range(3)]
    orders = [
        await trade.order(*[(good, 1) for good in goods[::step]], account=account, actor=user)
        for step in (1, -1) * 4
    ]

    attempts = 0

    async def confirm(order: Order) -> None:
        async def work(session: Any) -> None:
            nonlocal attempts
            attempts += 1
            found = await get_order(session, order_id=order.id)
            await move_order(session, actor=None, order=found, target=OrderState.CONFIRMED)

        async with app.app_context():
            await db.session.run(work)

    placing = [trade.order((goods[0], 1), account=account) for _ in range(4)]
    await asyncio.gather(*map(confirm, orders), *placing)

    assert attempts == len(orders), "there was a deadlock"

    async with app.app_context():
        assert await compare_sums() == []
        sums = select(OrderSum.series, OrderSum.number).where(OrderSum.period == 202611)
        found = dict((await db.session.execute(sums)).all())
    assert found == {"confirmed": 8, "draft": 4, "owner": 8}


async def test_a_difference_is_named_and_a_rebuild_removes_it(
    app: Quart, trade: Trade, user: User
) -> None:
    good = await trade.good()
    order = await trade.order((good, 2), actor=user, state=OrderState.PAID)
    async with app.app_context(), db.transaction() as session:
        wrong = update(OrderSum).where(OrderSum.series == "good", OrderSum.period == 2026)
        await session.execute(wrong.values(whole=21, millionths=500))
        await session.execute(delete(OrderSum).where(OrderSum.series == "paid"))
        other = Order(
            number="X", account_id=order.account_id, state=OrderState.DRAFT, currency="EUR",
            ordered_on=date(2026, 1, 1), net=Decimal(0),
        )  # fmt: skip
        session.add(other)
        await session.flush()
        await session.execute(
            OrderLine.__table__.insert().values(
                order_id=other.id, position=1, good_id=good.id, quantity=1, price=1, discount=0,
                amount=1,
            )
        )  # fmt: skip
        await count_inserted(session, [])
    async with app.app_context():
        assert [str(each) for each in await compare_sums()] == [
            f"good {good.id}, EUR, 2026: 2 with 21.0005, but the orders give 2 with 20.00",
            "paid, EUR, 202611: 0 with 0.00, but the orders give 1 with 20.00",
        ]
        with pytest.raises(OrderSumsError, match="2 sums of orders differ"):
            await scheduler.run_job("check_sums")
        others = {each.id for each in rules_of(app)} - {"CRM009"}
        ((finding,), _) = await run_rules(Target(app), without=others)
        assert str(finding).startswith("2 sums of orders differ from the orders. Run ")
        await rebuild_sums()
        assert await compare_sums() == []
        await scheduler.run_job("check_sums")
