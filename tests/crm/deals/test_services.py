"""The rules of deals and of their pipeline."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from quarterdeck.exceptions import TransactionConflictError
from quarterdeck_crm.deals.board import read_deals
from quarterdeck_crm.deals.services import get_deal, make_order, move_deal, update_deal
from quarterdeck_crm.deals.stages import (
    StageEntry,
    list_reasons,
    list_stages,
    make_first_stages,
    make_usual_stages,
    save_pipeline,
)
from quarterdeck_crm.errors import (
    ConflictError,
    ForbiddenError,
    MoveNotAllowedError,
    ValidationError,
)
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Deal, DealStage, Order, Role, StageKind, User
from quarterdeck_crm.team.checks import UserData
from quarterdeck_crm.team.services import create_user
from tests.crm.conftest import MakeUser
from tests.crm.trading import Trade

QUALIFIED, OFFER, NEGOTIATION, WON, LOST = range(1, 6)


async def move(trade: Trade, deal: Deal, stage: int, **more: Any) -> Deal:
    async with trade.app.app_context():
        work = partial(move_deal, actor=None, deal_id=deal.id, stage_id=stage, **more)
        return await db.run(work)


async def read(trade: Trade, deal: Deal) -> Deal:
    async with trade.app.app_context():
        return await get_deal(db.session, deal_id=deal.id)


async def test_a_deal_takes_the_probability_of_its_stage_unless_it_has_its_own(
    trade: Trade,
) -> None:
    plain, own = await trade.deal(), await trade.deal(own_probability=90)
    assert (plain.probability, own.probability) == (20, 90)

    moved = [await move(trade, deal, NEGOTIATION) for deal in (plain, own)]
    assert [deal.probability for deal in moved] == [70, 90]
    async with trade.session() as session:
        stages = [
            StageEntry(stage.id, stage.name, 65 if stage.id == NEGOTIATION else 10, stage.kind)
            for stage in await list_stages(session)
        ]
        await save_pipeline(session, actor=None, stages=stages, reasons=["Price", " ", "Time "])
        assert await list_reasons(session) == ["Price", "Time"]
    assert [(await read(trade, deal)).probability for deal in (plain, own)] == [65, 90]
    assert (await move(trade, own, WON)).probability == 10


async def test_the_value_is_the_sum_of_the_lines(trade: Trade) -> None:
    good = await trade.good(price="12.5")
    deal = await trade.deal((good, 3), value=7)
    assert deal.value == Decimal("37.5")

    async with trade.session() as session:
        row = await get_deal(session, deal_id=deal.id)
        await update_deal(
            session, actor=None, deal=row, values={"value": 5}, lines=[], version=row.version
        )
    assert (await read(trade, deal)).value == 5


async def test_a_lost_deal_needs_a_reason_and_can_be_taken_up_again(trade: Trade) -> None:
    deal = await trade.deal()
    for reason in (None, " "):
        with pytest.raises(ValidationError) as caught:
            await move(trade, deal, LOST, lost_reason=reason)
        assert set(caught.value.errors) == {"lost_reason"}

    lost = await move(trade, deal, LOST, lost_reason="Price")
    assert (lost.kind, lost.probability, lost.lost_reason) == (StageKind.LOST, 0, "Price")
    again = await move(trade, deal, OFFER)
    assert (again.kind, again.lost_reason) == (StageKind.OPEN, None)
    assert await trade.history(deal) == ["deal open", "deal lost", "created"]


async def test_a_won_deal_becomes_one_order_with_its_lines(trade: Trade, user: User) -> None:
    good = await trade.good()
    deal = await trade.deal((good, 3), actor=user)

    async def make() -> int:
        async with trade.app.app_context():
            order = await db.run(partial(make_order, actor=user, deal_id=deal.id))
            return order.id

    with pytest.raises(MoveNotAllowedError):
        await make()
    await move(trade, deal, WON)
    made = await asyncio.gather(*(make() for _ in range(3)))

    assert len(set(made)) == 1
    async with trade.app.app_context():
        assert await db.session.scalar(select(func.count(Order.id))) == 1
    async with trade.session() as session:
        order = await trade.reload(session, made[0])
    assert (order.account_id, order.owner_id) == (deal.account_id, user.id)
    assert order.net == 30
    assert [(line.good_id, line.quantity) for line in order.lines] == [(good.id, 3)]
    with pytest.raises(MoveNotAllowedError):
        await move(trade, deal, OFFER)


async def test_rights(trade: Trade, user: User, make_user: MakeUser) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    deal = await trade.deal(actor=user)

    async with trade.session() as session:
        with pytest.raises(ForbiddenError):
            await move_deal(session, actor=other, deal_id=deal.id, stage_id=OFFER)
        with pytest.raises(ForbiddenError):
            await make_order(session, actor=other, deal_id=deal.id)
        with pytest.raises(ForbiddenError):
            await save_pipeline(session, actor=other, stages=[], reasons=[])


async def test_a_stage_with_deals_stays(trade: Trade) -> None:
    await trade.deal()
    async with trade.session() as session:
        usual = [
            StageEntry(stage.id, stage.name, stage.probability, stage.kind)
            for stage in await list_stages(session)
        ]
    changed = StageEntry(QUALIFIED, "Qualified", 20, StageKind.WON)
    for stages in (usual[1:], [changed, *usual[1:3], usual[4]]):
        with pytest.raises(ConflictError, match="'Qualified' has deals"):
            async with trade.session() as session:
                await save_pipeline(session, actor=None, stages=stages, reasons=[])
    for stages in (usual[:4], usual[3:], [*usual, StageEntry(None, "New", 101, StageKind.OPEN)]):
        with pytest.raises(ValidationError):
            async with trade.session() as session:
                await save_pipeline(session, actor=None, stages=stages, reasons=[])
    async with trade.session() as session:
        await save_pipeline(session, actor=None, stages=[usual[0], *usual[2:]], reasons=[])
        await make_usual_stages(session)
        assert [stage.id for stage in await list_stages(session)] == [1, 3, 4, 5]


async def test_a_second_stage_of_one_name_is_refused(trade: Trade) -> None:
    stages = [
        StageEntry(None, "Ströme", 5, StageKind.OPEN),
        StageEntry(None, "  STRÖME ", 5, StageKind.OPEN),
        StageEntry(None, "Won", 100, StageKind.WON),
        StageEntry(None, "Lost", 0, StageKind.LOST),
    ]
    async with trade.session() as session:
        with pytest.raises(ValidationError) as caught:
            await save_pipeline(session, actor=None, stages=stages, reasons=[])
        assert [*caught.value.errors] == ["stages-1-name"]
        await save_pipeline(session, actor=None, stages=[*stages[:1], *stages[2:]], reasons=[])


async def add_admin(trade: Trade, email: str) -> None:
    async with trade.session() as session:
        user = await create_user(session, data=UserData(email=email, name="A", role=Role.ADMIN))
        await make_first_stages(session, user=user)


async def stage_names(trade: Trade) -> list[str]:
    async with trade.session() as session:
        return [stage.name for stage in await list_stages(session)]


async def test_the_first_administrator_brings_the_usual_stages_once(trade: Trade) -> None:
    emails = [f"{number}@example.com" for number in range(3)]
    added = await asyncio.gather(
        *(add_admin(trade, email) for email in emails), return_exceptions=True
    )
    # On MariaDB, administrators added at the same moment may wait for each other.
    assert {type(each) for each in added} <= {type(None), TransactionConflictError}
    assert None in added
    usual = ["Qualified", "Offer sent", "Negotiation", "Won", "Lost"]
    assert await stage_names(trade) == usual
    async with trade.session() as session:
        assert "Price" in await list_reasons(session)
        await session.execute(delete(DealStage))

    await add_admin(trade, "later@example.com")
    assert await stage_names(trade) == [], "removed stages do not come back"


async def test_stages_that_exist_stay_as_they_are(trade: Trade) -> None:
    async with trade.session() as session:
        session.add(DealStage(name="Own", position=1, probability=5))
        user = await create_user(session, data=UserData(email="u@example.com", name="U"))
        await make_first_stages(session, user=user)
    await add_admin(trade, "first@example.com")
    assert await stage_names(trade) == ["Own"]


async def test_a_user_without_rights_brings_no_stages(trade: Trade) -> None:
    async with trade.session() as session:
        user = await create_user(session, data=UserData(email="u@example.com", name="U"))
        await make_first_stages(session, user=user)
    assert await stage_names(trade) == []


async def test_the_sums_of_the_board_are_exact_and_by_currency(trade: Trade, user: User) -> None:
    for value, more in (
        ("0.1", {}),
        ("0.2", {"own_probability": 50}),
        ("999999999999", {}),
        ("5", {"currency": "USD"}),
    ):
        await trade.deal(actor=user, value=value, **more)
    await move(trade, await trade.deal(value="8"), WON)

    async with trade.app.app_context():
        columns = await read_deals(db.session, q="", filters={}, actor=user)

    first, *_, won, _ = columns
    assert [(t.currency, t.number, t.value, t.weighted) for t in first.totals] == [
        ("EUR", 3, Decimal("999999999999.3"), Decimal("199999999999.92")),
        ("USD", 1, Decimal(5), Decimal(1)),
    ]
    assert (won.totals, len(won.deals)) == ((), 1)
