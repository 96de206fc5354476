"""Writing orders that were checked: in portions, so that others can write in between."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import insert

from quarterdeck.sqlalchemy import Session
from quarterdeck_crm.events.announcements import announce_imported
from quarterdeck_crm.models import Order, OrderLine
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.orders.sums import count_inserted

from .extras import write_imported
from .importing import Import
from .staging import Stage, StagedOrder


async def write_orders(task: Import, stage: Stage) -> None:
    """Write the new orders of a stage, or only count them if nothing may be written.

    Raises:
        ConflictError: If another session wrote one of them since the check.
    """
    total = await task.worker.run(stage.count_new)
    async for orders in task.worker.iterate(stage.orders(new=True)):
        if not task.is_check:
            with task.conflicts():
                await task.session.run(partial(_insert, task, orders))
        task.report.created += len(orders)
        task.report.lines += sum(len(order.lines) for order in orders)
        task.tell(task.report.created / total)


async def _insert(task: Import, orders: list[StagedOrder], session: Session) -> None:
    # Into tables and not models, because their bookkeeping would take longer than the database.
    # An account may have been merged since the check.
    stays = await task.staying(order.header["account_id"] for order in orders)
    headers = [_header_row(order, stays[order.header["account_id"]]) for order in orders]
    await session.execute(insert(Order.__table__), headers)
    keys = {order.number: code_key(order.number) for order in orders}
    ids = await task.ids_by(keys.values(), Order.number_key, Order.id)
    if lines := [row for order in orders for row in _line_rows(order, ids[keys[order.number]])]:
        await session.execute(insert(OrderLine.__table__), lines)
    extras = {ids[keys[order.number]]: order.header["extras"] for order in orders}
    await write_imported(session, Order, {id_: row for id_, row in extras.items() if row})
    await count_inserted(session, ids.values())
    await task.record_imported(Order, ids.values())
    announce_imported(session, count=len(orders))


def _header_row(order: StagedOrder, account_id: int) -> dict[str, Any]:
    now = utc_now()
    net = sum(line.amount for line in order.lines)
    header = {name: value for name, value in order.header.items() if name != "extras"}
    values = {"account_id": account_id, "net": net, "version": 1}
    return header | values | {"created_at": now, "updated_at": now}


def _line_rows(order: StagedOrder, order_id: int) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order_id,
            "position": position,
            "good_id": line.good_id,
            "quantity": line.quantity,
            "price": line.price,
            "discount": line.discount,
            "amount": line.amount,
        }
        for position, line in enumerate(order.lines, 1)
    ]
