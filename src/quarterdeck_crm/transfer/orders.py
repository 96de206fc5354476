"""Importing orders together with their lines.

Orders are history: one that is there already must equal the file, or the import is refused.
Stock is not touched, because imported orders were served from stock long ago.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from quarterdeck_crm.models import Account, Good, Order, OrderLine, OrderState
from quarterdeck_crm.money import line_amount

from .csvfile import BATCH, CSVFile, Row
from .importing import Import, Report
from .tables import LINES, ORDERS

Line = tuple[int, int, Decimal, Decimal]  # good id, quantity, price, discount


@dataclass
class _Orders:
    """The orders of the file, by number."""

    ids: dict[str, int] = field(default_factory=dict)
    header_line: dict[str, int] = field(default_factory=dict)
    drafts: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    net: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    count: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    known_lines: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))


async def import_orders(
    task: Import, path: Path, lines_path: Path, *, name: str = "", lines_name: str = ""
) -> Report:
    """Import a file of orders and the file of their lines.

    Raises:
        ImportRefusedError: If either file has any mistake, names an account or a good that is
            not here, or differs from an order that is.
    """
    file = task.open(path, ORDERS, name)
    lines_file = task.open(lines_path, LINES, lines_name)
    orders = _Orders()
    async for batch in task.batches(file):
        await _import_headers(task, file, batch, orders)
    goods: dict[str, int] = {}
    async for batch in task.batches(lines_file):
        await _import_lines(task, lines_file, batch, orders, goods)
    for number, line in orders.header_line.items():
        is_served = number in orders.ids and number not in orders.drafts
        if is_served and not orders.count[number]:
            task.problems.add(file.name, line, f"order {number} has no line in {lines_file.name}")
    if not task.problems:
        await _write_totals(task, orders)
        await _compare_lines(task, lines_file, orders)
    return task.finish()


async def _import_headers(task: Import, file: CSVFile, batch: list[Row], orders: _Orders) -> None:
    accounts = await task.ids_by((r.values["account"] for r in batch), Account.code, Account.id)
    numbers = {row.values["number"] for row in batch}
    found = await task.session.scalars(select(Order).where(Order.number.in_(numbers)))
    known = {order.number: order for order in found}
    made: list[dict[str, Any]] = []
    for row in batch:
        number = row.values["number"]
        if number in orders.header_line:
            first = orders.header_line[number]
            task.problems.add(file.name, row.line, f"order {number} stands on line {first} already")
            continue
        orders.header_line[number] = row.line
        account_id = accounts.get(row.values["account"])
        if account_id is None:
            code = row.values["account"]
            task.problems.add(
                file.name, row.line, f"'account' is '{code}', but there is no account of this code"
            )
            continue
        values = await _header_values(task, file, row) | {"account_id": account_id}
        if values["state"] is OrderState.DRAFT:
            orders.drafts.add(number)
        if order := known.get(number):
            orders.ids[number] = order.id
            _compare_header(task, file, row, order, values)
        else:
            made.append(values)
    if made and not task.problems:
        await task.session.execute(insert(Order), made)
        ids = await task.ids_by((v["number"] for v in made), Order.number, Order.id)
        orders.ids |= ids
        orders.made |= ids.keys()
        task.report.created += len(ids)
        await task.record_imported("order", ids.values())
    elif made:  # keep the ids apart, so that the lines are still checked
        orders.ids |= {values["number"]: 0 for values in made}


async def _header_values(task: Import, file: CSVFile, row: Row) -> dict[str, Any]:
    values = {name: row.values.get(name) for name in ORDERS.names if name != "account"}
    del values["owner"]
    served = OrderState.SHIPPED if values["shipped_on"] else OrderState.CONFIRMED
    values["state"] = OrderState(values["state"]) if values["state"] else served
    values["currency"] = values["currency"] or task.currency
    values["freight"] = values["freight"] or Decimal(0)
    values["owner_id"] = await task.owner_id(file, row)
    return values


def _compare_header(
    task: Import, file: CSVFile, row: Row, order: Order, values: dict[str, Any]
) -> None:
    """Only what the file says itself must agree: a state worked out from it may have moved on."""
    said = {"owner_id" if key == "owner" else key for key in row.values} | {"account_id"}
    for key, value in values.items():
        if key in said and getattr(order, key) != value:
            task.problems.add(
                file.name,
                row.line,
                f"order {order.number} is here already with another '{key}' "
                f"({getattr(order, key)} here, {value} in the file); imports do not change orders",
            )
            return
    task.report.unchanged += 1


async def _import_lines(
    task: Import, file: CSVFile, batch: list[Row], orders: _Orders, goods: dict[str, int]
) -> None:
    missing = {row.values["good"] for row in batch} - goods.keys()
    if missing:
        goods |= await task.ids_by(missing, Good.code, Good.id)
    made: list[dict[str, Any]] = []
    for row in batch:
        number, code = row.values["order"], row.values["good"]
        if number not in orders.header_line:
            task.problems.add(file.name, row.line, f"order {number} is not in the file of orders")
            continue
        if code not in goods:
            task.problems.add(
                file.name, row.line, f"'good' is '{code}', but there is no good of this code"
            )
            continue
        orders.count[number] += 1
        line = (
            goods[code], row.values["quantity"], row.values["price"],
            row.values.get("discount") or Decimal(0),
        )  # fmt: skip
        if number in orders.made:
            made.append(_line_values(orders, number, line))
        else:
            orders.known_lines[number].append(line)
    if made and not task.problems:
        await task.session.execute(insert(OrderLine), made)
        task.report.lines += len(made)


def _line_values(orders: _Orders, number: str, line: Line) -> dict[str, Any]:
    good_id, quantity, price, discount = line
    amount = line_amount(quantity, price, discount)
    orders.net[number] += amount
    return {
        "order_id": orders.ids[number],
        "position": orders.count[number],
        "good_id": good_id,
        "quantity": quantity,
        "price": price,
        "discount": discount,
        "amount": amount,
    }


async def _write_totals(task: Import, orders: _Orders) -> None:
    table = Order.__table__
    statement = update(table).where(table.c.id == bindparam("key")).values(net=bindparam("total"))
    connection = await task.session.connection()
    for chunk in _chunks(orders.net.items()):
        await connection.execute(
            statement, [{"key": orders.ids[number], "total": total} for number, total in chunk]
        )


async def _compare_lines(task: Import, file: CSVFile, orders: _Orders) -> None:
    known = ((n, orders.known_lines[n]) for n in orders.ids if n not in orders.made)
    for chunk in _chunks(known):
        numbers = {orders.ids[number]: number for number, _ in chunk}
        rows = await task.session.execute(
            select(
                OrderLine.order_id,
                OrderLine.good_id,
                OrderLine.quantity,
                OrderLine.price,
                OrderLine.discount,
            ).where(OrderLine.order_id.in_(numbers))
        )
        here: dict[str, list[Line]] = defaultdict(list)
        for order_id, good_id, quantity, price, discount in rows:
            here[numbers[order_id]].append((good_id, quantity, price, discount))
        for number, lines in chunk:
            if sorted(lines) != sorted(here[number]):
                task.problems.add(
                    file.name,
                    None,
                    f"order {number} is here already with other lines; "
                    "imports do not change orders",
                )


def _chunks(items: Iterable[Any]) -> Iterable[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH // 2:
            yield batch
            batch = []
    if batch:
        yield batch
