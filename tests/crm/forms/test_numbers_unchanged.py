"""A form with numbers that is opened and saved unchanged changes nothing, without a script."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import update

from quarterdeck_crm.models import Good, Order, User
from quarterdeck_crm.orders.lines import LineEntry
from quarterdeck_crm.orders.services import get_order, update_order
from tests.crm.conftest import Auth
from tests.crm.sheets import sheet_to
from tests.crm.trading import Trade

NUMBERS = ("0", "0.5", "1.234", "104.3", "1234.5", "18.505", "999999999999.999")


async def values_of(auth: Auth, page: str) -> dict[str, str]:
    return sheet_to(await (await auth.get(page)).get_data(as_text=True), page).values


@pytest.mark.parametrize("number", NUMBERS)
async def test_the_price_of_a_good(as_admin: Auth, trade: Trade, number: str) -> None:
    good = await trade.good(price=number, stock=1234)
    page = f"/goods/{good.id}/edit"

    answer = await as_admin.client.post(page, form=await values_of(as_admin, page))

    assert answer.status_code == 303
    async with trade.session() as session:
        stored = await session.get_one(Good, good.id)
        assert (stored.price, stored.stock, stored.version) == (Decimal(number), 1234, good.version)


@pytest.mark.parametrize("number", NUMBERS[:-1])
async def test_the_numbers_of_an_order(as_admin: Auth, trade: Trade, number: str) -> None:
    good = await trade.good(stock=5000)
    order = await trade.order((good, 1))
    async with trade.session() as session:
        row = await get_order(session, order_id=order.id)
        lines = [LineEntry(good.id, 1234, Decimal(number), Decimal("0.125"))]
        await update_order(
            session,
            actor=None,
            order=row,
            values={"freight": number},
            lines=lines,
            version=row.version,
        )
    before = await trade.read(order)
    page = f"/orders/{order.id}/edit"

    answer = await as_admin.client.post(page, form=await values_of(as_admin, page))

    after = await trade.read(order)
    assert answer.status_code == 303
    assert (after.version, after.freight) == (before.version, Decimal(number))
    assert isinstance(after, Order)


@pytest.mark.parametrize("number", ["-104.3", "-1.234", "1234.567"])
async def test_the_balance_of_a_user(as_admin: Auth, trade: Trade, number: str, user: User) -> None:
    async with trade.session() as session:
        await session.execute(
            update(User).where(User.id == user.id).values(balance=Decimal(number))
        )
    page = f"/team/{user.id}/edit"

    answer = await as_admin.client.post(page, form=await values_of(as_admin, page))

    assert answer.status_code == 303
    async with trade.session() as session:
        assert (await session.get_one(User, user.id)).balance == Decimal(number)
