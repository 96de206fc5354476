"""The columns of the deals of a file, from their rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import (
    Deal,
    DealLine,
    DealStage,
    StageKind,
)
from quarterdeck_crm.models.collation import code_key, same_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.money import MAX_AMOUNT, line_amount
from quarterdeck_crm.orders.lines import MAX_LINES, sum_amounts

from .csvfile import CSVFile, Row
from .importing import Import

_PLAIN = ("name", "currency", "own_probability", "expected_on", "remark", "value")


@dataclass
class Pass:
    """The rows seen so far, in all batches.

    Attributes:
        stages: Those of the pipeline by id and by the key of the name; None is the first open one.
        ambiguous: The keys of names that several stages have; older versions allowed them.
        orders: By order, the reference of the deal that became it.
    """

    stages: dict[str | int | None, DealStage]
    ambiguous: set[str] = field(default_factory=set)
    orders: dict[int, str] = field(default_factory=dict)


@dataclass
class Batch:
    """What the rows of a batch name.

    Attributes:
        deals: By their references.
        accounts: Ids by codes and references.
        contacts: Ids by account and by the reference of the person.
        orders: Ids by the keys of their numbers, and the reference of the deal that became it.
        goods: Id, price and currency by the keys of their codes.
    """

    deals: dict[str, Deal]
    accounts: dict[str, int]
    contacts: dict[tuple[int | None, str], int]
    orders: dict[str, tuple[int, str | None]]
    goods: dict[str, tuple[int, Decimal, str]]


async def values_of_deal(
    task: Import, file: CSVFile, rows: list[Row], batch: Batch, seen: Pass, deal: Deal | None
) -> dict[str, Any]:
    """Return the columns of a deal, and its lines if the file has them; mistakes are noted."""
    row = rows[0]
    given = row.values
    values = {name: given[name] for name in _PLAIN if name in given}
    if not values.get("currency"):
        values["currency"] = deal.currency if deal else task.currency
    if values.get("value") is None and ("value" in values or deal is None):
        values["value"] = Decimal(0)
    if "owner" in given:
        values["owner_id"] = await task.owner_id(file, row)
    account_id = batch.accounts.get(given["account"] or "")
    if account_id is None:
        text = N_("'account' is '%(code)s', but there is no account of this code")
        task.mistakes.add(file.name, row.line, text, code=given["account"])
    values["account_id"] = account_id
    values |= _contact(task, file, row, batch, account_id, deal)
    stage = _stage(task, file, row, seen, deal)
    values |= _of_stage(task, file, row, stage, deal) if stage else {"kind": StageKind.OPEN}
    values |= _order(task, file, row, batch, seen, values["kind"], deal)
    if "own_probability" in values or deal is None or "stage_id" in values:
        own = values.get("own_probability", deal.own_probability if deal else None)
        if stage and (own is None or stage.kind is not StageKind.OPEN):
            own = stage.probability
        values["probability"] = own
    if "good" in given:
        values["lines"] = _lines(task, file, rows, batch, values["currency"])
        if values["lines"]:
            values["value"] = sum_amounts(values["lines"])
    elif deal is not None and deal.lines:
        values.pop("value", None)  # it is the sum of the lines
    return values


def _contact(
    task: Import,
    file: CSVFile,
    row: Row,
    batch: Batch,
    account_id: int | None,
    deal: Deal | None,
) -> dict[str, Any]:
    if "contact" not in row.values:
        moved = deal is not None and deal.account_id != account_id
        return {"contact_id": None} if moved else {}
    reference = row.values["contact"]
    id_ = batch.contacts.get((account_id or 0, reference or ""))
    if reference and account_id is not None and id_ is None:
        text = N_("'contact' is '%(reference)s', but the account has no person of this reference")
        task.mistakes.add(file.name, row.line, text, reference=reference)
    return {"contact_id": id_}


def _stage(
    task: Import, file: CSVFile, row: Row, seen: Pass, deal: Deal | None
) -> DealStage | None:
    """Return the stage of a deal; None if there is no such stage."""
    name = row.values.get("stage")
    if deal is not None and not name:
        return seen.stages[deal.stage_id]
    key = same_key(name) if name else None
    if key in seen.ambiguous:
        if deal is not None and same_key(seen.stages[deal.stage_id].name) == key:
            return seen.stages[deal.stage_id]
        text = N_(
            "'stage' is '%(name)s', but the pipeline has several stages of this name. Rename them "
            "first"
        )
        task.mistakes.add(file.name, row.line, text, name=name or "")
        return None
    stage = seen.stages.get(key)
    if stage is None:
        text = N_(
            "'stage' is '%(name)s', but the pipeline has no stage of this name. Add it there first"
        )
        if not name:
            text = N_(
                "has no 'stage', and the pipeline has none for open deals. Add its stages first"
            )
        task.mistakes.add(file.name, row.line, text, name=name or "")
    return stage


def _of_stage(
    task: Import, file: CSVFile, row: Row, stage: DealStage, deal: Deal | None
) -> dict[str, Any]:
    """Return the columns that follow the stage, with the reason if it is one for lost deals."""
    values: dict[str, Any] = {"stage_id": stage.id, "kind": stage.kind}
    if deal is None or deal.stage_id != stage.id:
        values["moved_at"] = utc_now()
    reason = row.values.get("lost_reason", deal.lost_reason if deal else None)
    if stage.kind is not StageKind.LOST:
        reason = None
    elif not reason:
        text = N_("'lost_reason' is empty. Enter why the deal is lost")
        task.mistakes.add(file.name, row.line, text)
    if deal is not None and deal.order_id is not None and stage.kind is not StageKind.WON:
        text = N_("'stage' is '%(name)s', but the deal has become an order. Its stage is final")
        task.mistakes.add(file.name, row.line, text, name=stage.name)
    return values | {"lost_reason": reason}


def _order(
    task: Import,
    file: CSVFile,
    row: Row,
    batch: Batch,
    seen: Pass,
    kind: StageKind,
    deal: Deal | None,
) -> dict[str, Any]:
    """Return the order that a deal has become; an empty cell leaves one as it is."""
    number = row.values.get("order")
    if not number:
        return {}
    id_, holder = batch.orders.get(code_key(number), (None, None))
    reference = row.values["reference"]
    text = None
    if id_ is None:
        text = N_("'order' is '%(number)s', but there is no order of this number")
    elif kind is not StageKind.WON:
        text = N_("'order' is '%(number)s', but only a deal that is won becomes an order")
    elif deal is not None and deal.order_id not in {None, id_}:
        text = N_("'order' is '%(number)s', but the deal has become another order")
    elif {holder or reference, seen.orders.setdefault(id_, reference)} != {reference}:
        text = N_("'order' is '%(number)s', but another deal has become this order")
    if text:
        task.mistakes.add(file.name, row.line, text, number=number)
    return {"order_id": id_}


def _lines(
    task: Import, file: CSVFile, rows: list[Row], batch: Batch, currency: str
) -> list[DealLine]:
    lines: list[DealLine] = []
    for row in rows:
        code = row.values["good"]
        if not code:
            if len(rows) > 1 or row.values.get("quantity") is not None:
                task.mistakes.add(file.name, row.line, N_("'good' is empty. Enter its code"))
            continue
        good = batch.goods.get(code_key(code))
        quantity, price = row.values.get("quantity"), row.values.get("price")
        text = None
        if good is None:
            text = N_("'good' is '%(code)s', but there is no good of this code")
        elif quantity is None:
            text = N_("'quantity' of the good '%(code)s' is empty. Enter at least 1")
        elif price is None and good[2] != currency:
            text = N_(
                "'price' of the good '%(code)s' is empty. Enter it in the currency of the deal"
            )
        if text or good is None or quantity is None:
            task.mistakes.add(file.name, row.line, text or "", code=code)
            continue
        price = good[1] if price is None else price
        discount = row.values.get("discount") or Decimal(0)
        amount = line_amount(quantity, price, discount)
        lines.append(
            DealLine(
                position=len(lines) + 1, good_id=good[0], quantity=quantity, price=price,
                discount=discount, amount=amount,
            )
        )  # fmt: skip
    if len(rows) > MAX_LINES:
        text = N_("has more than %(count)s lines. Split the deal")
        task.mistakes.add(file.name, rows[0].line, text, count=MAX_LINES)
    if sum_amounts(lines) > MAX_AMOUNT:
        text = N_("has lines of more than %(amount)s. Split the deal")
        task.mistakes.add(file.name, rows[0].line, text, amount=f"{MAX_AMOUNT:,}")
    return lines
