"""Orders that nobody has moved on for too long."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck_crm.history.recording import record
from quarterdeck_crm.models import Activity, Order, OrderState
from quarterdeck_crm.models.columns import utc_now

ACTION = "waiting"
BATCH = 100


async def note_waiting_orders(session: AsyncSession, *, days: int) -> int:
    """Write into the history of confirmed orders that they wait, and announce it.

    An order is noted once, until it changes again. Call it in a transaction, again and again
    until it returns 0.

    Args:
        session: Of the transaction.
        days: How long an order has not changed.

    Returns:
        The number of orders, at most ``BATCH``.
    """
    now = utc_now()
    noted = exists().where(
        Activity.subject_type == Order.__tablename__,
        Activity.subject_id == Order.id,
        Activity.action == ACTION,
        Activity.at > Order.updated_at,
    )
    waiting = (
        select(Order)
        .where(
            Order.state == OrderState.CONFIRMED,
            Order.updated_at < now - timedelta(days=days),
            ~noted,
        )
        .order_by(Order.updated_at)
        .limit(BATCH)
        .options(joinedload(Order.account), joinedload(Order.owner))
    )
    orders = (await session.scalars(waiting)).all()
    for order in orders:
        waited = (now - order.updated_at).days
        record(session, actor=None, subject=order, action=ACTION, changes={"days": [None, waited]})
    return len(orders)
