"""The contents of the board: the latest orders of each state, and their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck_crm.models import Account, Order, OrderState, User
from quarterdeck_crm.orders.states import OPEN

MAX_CARDS = 20  # of a column; the list of orders has the rest
MAX_ENDED = 8  # of a column in which nothing is left to do
MAX_COUNTED = 1000  # counting a million rows on every visit takes too long


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """A state with the orders in it that changed last.

    Attributes:
        state: The state of all its orders.
        orders: The last changed first, with account and owner; not all of them.
        total: How many there are, counted up to ``MAX_COUNTED``.
    """

    state: OrderState
    orders: Sequence[Order]
    total: int

    @property
    def is_countless(self) -> bool:
        """Whether there are more than were counted."""
        return self.total >= MAX_COUNTED


async def read_board(session: AsyncSession, *, owner: User | None = None) -> list[BoardColumn]:
    """Return the columns in the order of an order's life.

    Two statements however many columns there are; each part reads the head of an index.

    Args:
        session: The db session.
        owner: The owner of the orders; those of all users if not given.
    """
    orders = (await session.scalars(_cards(owner))).all()
    totals = await _count(session, owner)
    return [
        BoardColumn(
            state, [order for order in orders if order.state is state], totals.get(state, 0)
        )
        for state in OrderState
    ]


def _cards(owner: User | None) -> Select[Order]:
    last = (Order.updated_at.desc(), Order.id.desc())
    heads = [
        select(_in_state(state, owner).order_by(*last).limit(_most(state)).subquery().c.id)
        for state in OrderState
    ]
    shown = union_all(*heads).subquery()
    return (
        select(Order)
        .join(shown, shown.c.id == Order.id)
        .options(
            joinedload(Order.account).load_only(Account.name),
            joinedload(Order.owner).load_only(User.name),
        )
        .order_by(*last)
    )


async def _count(session: AsyncSession, owner: User | None) -> Mapping[OrderState, int]:
    counts = [
        select(literal(state.value), func.count()).select_from(
            _in_state(state, owner).limit(MAX_COUNTED).subquery()
        )
        for state in OrderState
    ]
    return {OrderState(word): number for word, number in await session.execute(union_all(*counts))}


def _most(state: OrderState) -> int:
    return MAX_CARDS if state in OPEN else MAX_ENDED


def _in_state(state: OrderState, owner: User | None) -> Select[int]:
    statement = select(Order.id).where(Order.state == state)
    return statement if owner is None else statement.where(Order.owner_id == owner.id)
