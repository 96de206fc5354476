"""Stock taken and returned by orders; it never falls below zero."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ConflictError, OutOfStockError
from quarterdeck_crm.history.recording import record
from quarterdeck_crm.models import Good, Order, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.validation.numbers import MAX_INTEGER


@dataclass(frozen=True, slots=True)
class Shortage:
    """A good of which more is ordered than there is."""

    name: str
    ordered: int
    in_stock: int

    def __str__(self) -> str:
        return _(
            "%(name)s: %(ordered)s ordered, %(in_stock)s in stock.",
            name=self.name,
            ordered=self.ordered,
            in_stock=self.in_stock,
        )


def find_shortages(wanted: Iterable[tuple[Good, int]]) -> dict[int, Shortage]:
    """Return by the id of the good what a draft could not take from the stock now.

    Args:
        wanted: The goods with their quantities; a good may occur more than once.
    """
    ordered: Counter[Good] = Counter()
    for good, quantity in wanted:
        ordered[good] += quantity
    return {
        good.id: Shortage(good.name, quantity, good.stock)
        for good, quantity in ordered.items()
        if quantity > good.stock
    }


def plan_confirmations(orders: Iterable[Order]) -> dict[int, str]:
    """Return by the id of the order what it would lack if all were confirmed in their order.

    An order that lacks anything takes nothing, so later ones find that much more. The stock is
    that of now: ``take_stock`` decides.

    Args:
        orders: The orders, each with its lines and their goods.
    """
    stock: dict[int, int] = {}
    lacking: dict[int, str] = {}
    for order in orders:
        goods = {line.good_id: line.good for line in order.lines}
        wanted = _wanted(order)
        left = {id_: stock.get(id_, goods[id_].stock) for id_ in wanted}
        short = [
            Shortage(goods[id_].name, quantity, left[id_])
            for id_, quantity in wanted.items()
            if quantity > left[id_]
        ]
        if short:
            lacking[order.id] = " ".join(map(str, short))
        else:
            stock |= {id_: left[id_] - quantity for id_, quantity in wanted.items()}
    return lacking


async def take_stock(session: AsyncSession, *, actor: User | None, order: Order) -> None:
    """Take all lines of an order from the stock, or none.

    Each good is taken by one conditional UPDATE, so two orders that want the last piece at the
    same time cannot both have it, whatever each had read before.

    Raises:
        OutOfStockError: Naming every good that lacks, and how many there are. The caller's
            transaction or savepoint must then be rolled back.
    """
    wanted = _wanted(order)
    short = [
        good_id
        for good_id, quantity in wanted.items()
        if not await _change(session, good_id, -quantity)
    ]
    if short:
        raise OutOfStockError(await _lacking(session, wanted, short))
    await _note(session, actor=actor, order=order, taken=wanted)


async def return_stock(session: AsyncSession, *, actor: User | None, order: Order) -> None:
    """Put all lines of an order back into the stock.

    Raises:
        ConflictError: If there would be more of a good than the column holds.
    """
    wanted = _wanted(order)
    for good_id, quantity in wanted.items():
        if not await _change(session, good_id, quantity):
            good = await session.get_one(Good, good_id)
            raise ConflictError(
                _(
                    "%(name)s: %(quantity)s cannot be returned, because the stock would be "
                    "above %(max_integer)s. Correct the stock of the good first.",
                    name=good.name,
                    quantity=quantity,
                    max_integer=MAX_INTEGER,
                )
            )
    returned = {good_id: -quantity for good_id, quantity in wanted.items()}
    await _note(session, actor=actor, order=order, taken=returned)


def _wanted(order: Order) -> dict[int, int]:
    """Return the quantity by good, always in the same order: so no two orders lock each other."""
    wanted: Counter[int] = Counter()
    for line in order.lines:
        wanted[line.good_id] += line.quantity
    return dict(sorted(wanted.items()))


async def _change(session: AsyncSession, good_id: int, by: int) -> bool:
    """Add ``by`` to the stock unless it leaves its limits; also tell editors of the good."""
    statement = (
        update(Good)
        .where(Good.id == good_id, Good.stock.between(-by, MAX_INTEGER - by))
        .values(stock=Good.stock + by, version=Good.version + 1, updated_at=utc_now())
        .execution_options(synchronize_session=False)
    )
    return await changes_one(session, statement)


async def _lacking(session: AsyncSession, wanted: Mapping[int, int], short: Sequence[int]) -> str:
    # A locking read sees the committed state of now, not that at the start of this transaction.
    statement = (
        select(Good.id, Good.name, Good.stock).where(Good.id.in_(short)).order_by(Good.name_key)
    )
    rows = await session.execute(statement.with_for_update(read=True))
    return " ".join(str(Shortage(name, wanted[good_id], stock)) for good_id, name, stock in rows)


async def _note(
    session: AsyncSession, *, actor: User | None, order: Order, taken: Mapping[int, int]
) -> None:
    """Tell the history of each good, from the stock as it is after the change."""
    statement = select(Good).where(Good.id.in_(taken)).execution_options(populate_existing=True)
    for good in await session.scalars(statement):
        quantity = taken[good.id]
        record(
            session,
            actor=actor,
            subject=good,
            action="sold" if quantity > 0 else "returned",
            changes={
                "stock": [good.stock + quantity, good.stock],
                "order": [None, order.number],
                "version": good.version - 1,
            },
        )
