"""What the board shows: the orders of each state that changed last, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck_crm.models import Account, Order, OrderState, User
from quarterdeck_crm.orders.states import OPEN

MOST_CARDS = 20  # of a column; the list of orders has the rest
MOST_ENDED = 8  # of a column in which nothing is left to do
MOST_COUNTED = 1000  # counting a million to show it on every visit helps nobody


@dataclass(frozen=True, slots=True)
class Column:
    """A state with the orders in it that changed last.

    Attributes:
        state: What the orders have in common.
        orders: The last changed first, with account and owner; not all of them.
        total: How many there are, counted up to ``MOST_COUNTED``.
    """

    state: OrderState
    orders: Sequence[Order]
    total: int

    @property
    def is_countless(self) -> bool:
        """Whether there are more than were counted."""
        return self.total >= MOST_COUNTED


async def read_board(session: AsyncSession, *, owner: User | None = None) -> list[Column]:
    """Return the columns in the order of an order's life.

    Two statements however many columns there are; each part reads the head of an index.

    Args:
        session: The db session.
        owner: Whose orders; everybody's if not given.
    """
    orders = (await session.scalars(_cards(owner))).all()
    totals = await _count(session, owner)
    return [
        Column(state, [order for order in orders if order.state is state], totals.get(state, 0))
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
            _in_state(state, owner).limit(MOST_COUNTED).subquery()
        )
        for state in OrderState
    ]
    return {OrderState(word): number for word, number in await session.execute(union_all(*counts))}


def _most(state: OrderState) -> int:
    return MOST_CARDS if state in OPEN else MOST_ENDED


def _in_state(state: OrderState, owner: User | None) -> Select[int]:
    statement = select(Order.id).where(Order.state == state)
    return statement if owner is None else statement.where(Order.owner_id == owner.id)
