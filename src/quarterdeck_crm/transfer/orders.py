"""Importing orders together with their lines.

Both files are checked to their last line before anything is written. Then the orders are
written in portions, whole orders in a transaction each, so that others can write in between.

Orders are history: one that is there already must equal the file, or the import is refused; its
tags and custom fields are not compared, and stay.
That makes an import that was interrupted go on where it stopped when it is run again.
Stock is not touched, because imported orders were served from stock long ago.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import select

from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import Good, Order, OrderLine, OrderState
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.money import MAX_AMOUNT
from quarterdeck_crm.validation import plain_breaks

from .csvfile import CSVFile, Row
from .extras import wanted_in
from .importing import Import, Report, Source
from .order_writing import write_orders
from .staging import Header, LineValues, Stage, StagedHeader, StagedLine, StagedOrder
from .tables import LINES, ORDERS

COLUMNS = [name for name in Header.__annotations__ if name != "extras"]
# A draft may still be empty, also one that was cancelled.
SERVED = {OrderState.CONFIRMED, OrderState.SHIPPED, OrderState.PAID}


async def import_orders(task: Import, files: Sequence[Source]) -> Report:
    """Import a file of orders and the file of their lines, in this order.

    Raises:
        ImportRefusedError: If either file has any mistake, names an account or a good that is
            not here, or differs from an order that is. Nothing is written then.
        ConflictError: If another session wrote the same orders since the check.
    """
    orders_source, lines_source = files
    file = await task.open(orders_source, ORDERS, Order)
    lines_file = await task.open(lines_source, LINES)
    stage = await task.worker.run(Stage)
    try:
        async for batch in task.batches(file):
            await _stage_headers(task, stage, file, batch)
        async for batch in task.batches(lines_file):
            await _stage_lines(task, stage, lines_file, batch)
        await task.worker.run(stage.join)
        await task.worker.run(_check_joined, task, stage, file, lines_file)
        async for orders in task.worker.iterate(stage.orders(new=False)):
            await _compare_lines(task, lines_file, orders)
        task.end_check()
        await write_orders(task, stage)
    finally:
        await task.worker.run(stage.close)
    return task.report


async def _stage_headers(task: Import, stage: Stage, file: CSVFile, batch: list[Row]) -> None:
    accounts = await task.account_ids({row.values["account"] for row in batch})
    known = await _known_orders(task, [row.values["number"] for row in batch])
    staged = []
    for row in batch:
        code = row.values["account"]
        if code not in accounts:
            text = N_("'account' is '%(code)s', but there is no account of this code")
            task.mistakes.add(file.name, row.line, text, code=code)
        header = await _header(task, file, row, accounts.get(code, 0))
        key = code_key(header["number"])
        order = known.get(key)
        if order is not None and code in accounts:
            _compare_header(task, file, row, order, header)
        needs_lines = header["state"] in SERVED and code in accounts
        id_ = None if order is None else order.id
        staged.append(StagedHeader(key, row.line, id_, needs_lines, header))
    for again, first in await task.worker.run(stage.add_headers, staged):
        text = N_("order %(number)s stands on line %(line)s already")
        number = again.content["number"]
        task.mistakes.add(file.name, again.place, text, number=number, line=first)


async def _known_orders(task: Import, numbers: Sequence[str]) -> dict[str, Any]:
    columns = [getattr(Order, name) for name in ("id", "number_key", *COLUMNS)]
    keys = [code_key(number) for number in numbers]
    rows = await task.session.execute(select(*columns).where(Order.number_key.in_(keys)))
    return {row.number_key: row for row in rows}


async def _header(task: Import, file: CSVFile, row: Row, account_id: int) -> Header:
    values = {name: row.values.get(name) for name in ORDERS.names}
    del values["account"], values["owner"]
    served = OrderState.SHIPPED if values["shipped_on"] else OrderState.CONFIRMED
    values["state"] = OrderState(values["state"]) if values["state"] else served
    values["currency"] = values["currency"] or task.currency
    values["freight"] = values["freight"] or Decimal(0)
    values["account_id"] = account_id
    values["owner_id"] = await task.owner_id(file, row)
    values["extras"] = wanted_in(row.values)
    return cast(Header, values)


def _compare_header(task: Import, file: CSVFile, row: Row, order: Any, header: Header) -> None:
    """Compare only the columns of the file: a state derived from them may have moved on."""
    said = {"owner_id" if key == "owner" else key for key in row.values} | {"account_id"}
    for key in COLUMNS:
        value = header.get(key)
        here = getattr(order, key)
        if key == "ship_address" and here:
            here = plain_breaks(here)  # earlier versions stored line ends as they came
        if key in said and here != value:
            text = N_(
                "order %(number)s is here already with another '%(key)s' (%(here)s here, %(value)s "
                "in the file); imports do not change orders"
            )
            of = {"number": order.number, "key": key, "here": str(here), "value": str(value)}
            task.mistakes.add(file.name, row.line, text, **of)
            return
    task.report.unchanged += 1


async def _stage_lines(task: Import, stage: Stage, file: CSVFile, batch: list[Row]) -> None:
    keys = [code_key(row.values["good"]) for row in batch]
    goods = await task.ids_by(keys, Good.code_key, Good.id)
    staged = []
    for row in batch:
        code, key = row.values["good"], code_key(row.values["good"])
        if key not in goods:
            text = N_("'good' is '%(code)s', but there is no good of this code")
            task.mistakes.add(file.name, row.line, text, code=code)
        line = LineValues(
            goods.get(key, 0), row.values["quantity"], row.values["price"],
            row.values.get("discount") or Decimal(0),
        )  # fmt: skip
        if line.amount > MAX_AMOUNT:
            text = N_("quantity times price is more than %(amount)s. Split the order")
            task.mistakes.add(file.name, row.line, text, amount=f"{MAX_AMOUNT:,}")
        number = row.values["order"]
        staged.append(StagedLine(code_key(number), row.line, number, line))
    await task.worker.run(stage.add_lines, staged)


def _check_joined(task: Import, stage: Stage, file: CSVFile, lines_file: CSVFile) -> None:
    for place, number in stage.strangers():
        text = N_("order %(number)s is not in the file of orders")
        task.mistakes.add(lines_file.name, place, text, number=number)
    for place, number in stage.without_lines():
        text = N_("order %(number)s has no line in %(file)s")
        task.mistakes.add(file.name, place, text, number=number, file=lines_file.name)


async def _compare_lines(task: Import, file: CSVFile, orders: list[StagedOrder]) -> None:
    """Refuse orders that are here with other lines than in the file."""
    if task.mistakes:
        return
    rows = await task.session.execute(
        select(
            OrderLine.order_id,
            OrderLine.good_id,
            OrderLine.quantity,
            OrderLine.price,
            OrderLine.discount,
        ).where(OrderLine.order_id.in_([order.id for order in orders]))
    )
    here: dict[int | None, list[LineValues]] = defaultdict(list)
    for order_id, *line in rows:
        here[order_id].append(LineValues._make(line))
    for order in orders:
        if sorted(order.lines) != sorted(here[order.id]):
            text = N_(
                "order %(number)s is here already with other lines; imports do not change orders"
            )
            task.mistakes.add(file.name, None, text, number=order.number)
