"""The lines of an order: entries made into rows with exact amounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar, overload

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.history.recording import plain
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Deal, DealLine, Good, Order, OrderLine
from quarterdeck_crm.money import MAX_AMOUNT, line_amount
from quarterdeck_crm.search.autocomplete import label
from quarterdeck_crm.validation import REQUIRED
from quarterdeck_crm.validation.numbers import fit_decimal, fit_integer

L = TypeVar("L", OrderLine, DealLine)

MAX_LINES = 500
# Built once, because every order that is saved needs it.
_GOODS = select(Good).where(Good.id.in_(bindparam("ids", expanding=True)))
TOO_MUCH = _l(
    "{} is more than %(max_amount)s, the largest amount. Split the order.",
    max_amount=f"{MAX_AMOUNT:,}",
)


@dataclass(frozen=True, slots=True)
class LineEntry:
    """One line as entered.

    Attributes:
        good_id: The id of the good.
        quantity: How many, from 1.
        price: For one, in the currency of the order; None takes that of the good.
        discount: As a fraction from 0 to 1 with at most three decimals.
    """

    good_id: int | None
    quantity: int | None
    price: Decimal | None = None
    discount: Decimal | None = None


async def build_lines(
    session: AsyncSession,
    entries: Sequence[LineEntry],
    *,
    currency: str | None,
    row: type[L],
    allowed: Iterable[int] = (),
) -> list[L]:
    """Return new rows for the entries, in their order, goods attached.

    Args:
        session: The db session.
        entries: The lines as entered.
        currency: That of the order; a good with another one needs a price of its own. None if
            it is not acceptable either: then only the other values are checked.
        row: The model of the lines.
        allowed: Goods that may be ordered although they are archived.

    Raises:
        ValidationError: With keys as ``lines-0-quantity``.
    """
    if len(entries) > MAX_LINES:
        raise ValidationError(
            {"lines": [_("An order can have at most %(max_lines)s lines.", max_lines=MAX_LINES)]}
        )
    goods = await _load_goods(session, {entry.good_id for entry in entries})
    lines: list[L] = []
    errors: dict[str, list[str]] = {}
    for index, entry in enumerate(entries):
        good = goods.get(entry.good_id)
        values, wrong = _checked(entry, good, currency, allowed)
        errors |= {f"lines-{index}-{name}": [text] for name, text in wrong.items()}
        if not wrong:
            lines.append(row(position=index + 1, good=good, **values))
    if not errors and sum_amounts(lines) > MAX_AMOUNT:
        errors["lines"] = [TOO_MUCH.format(_("The sum of the lines"))]
    if errors:
        raise ValidationError(errors)
    return lines


def same_lines(entries: Iterable[LineEntry], lines: Iterable[OrderLine]) -> bool:
    """Return whether the entries equal the lines that are there already."""
    entered = [(e.good_id, e.quantity, e.price, e.discount or Decimal(0)) for e in entries]
    return entered == [(line.good_id, line.quantity, line.price, line.discount) for line in lines]


def sum_amounts(lines: Iterable[OrderLine | DealLine]) -> Decimal:
    """Return the exact net of some lines."""
    return sum((line.amount for line in lines), Decimal(0))


def rows_of(lines: Iterable[OrderLine | DealLine]) -> list[dict[str, Any]]:
    """Return the lines as users read and enter them, the discount in percent."""
    return [
        {
            "good": label(line.good),
            "quantity": line.quantity,
            "price": line.price,
            "discount": line.discount * 100 or None,
        }
        for line in lines
    ]


@overload
def replace_lines(order: Order, lines: list[OrderLine]) -> dict[str, Any]: ...
@overload
def replace_lines(order: Deal, lines: list[DealLine]) -> dict[str, Any]: ...
def replace_lines(order: Any, lines: list[Any]) -> dict[str, Any]:
    """Put new lines in the place of the old ones if they differ; return the change."""
    before, after = plain(rows_of(order.lines)), plain(rows_of(lines))
    if before == after:
        return {}
    order.lines = lines
    return {"lines": [before, after]}


async def _load_goods(session: AsyncSession, ids: set[int | None]) -> Mapping[int | None, Good]:
    wanted = [id_ for id_ in ids if id_ is not None]
    return {good.id: good for good in await session.scalars(_GOODS, {"ids": wanted})}


def _checked(
    entry: LineEntry, good: Good | None, currency: str | None, allowed: Iterable[int]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a line, and its errors by field."""
    wrong: dict[str, str] = {}
    values: dict[str, Any] = {}
    if good is None:
        wrong["good_id"] = _("Choose a good.")
    elif good.is_archived and good.id not in allowed:
        wrong["good_id"] = _("%(name)s is no longer for sale.", name=good.name)
    for name, fit in (("quantity", _quantity), ("price", _price), ("discount", _discount)):
        try:
            values[name] = fit(entry, good, currency)
        except ValueError as error:
            wrong[name] = str(error)
    if not wrong:
        values["amount"] = line_amount(values["quantity"], values["price"], values["discount"])
        if values["amount"] > MAX_AMOUNT:
            wrong["quantity"] = TOO_MUCH.format(_("Quantity times price"))
    return values, wrong


def _quantity(entry: LineEntry, good: Good | None, currency: str | None) -> int:
    if entry.quantity is None:
        raise ValueError(REQUIRED)
    if (quantity := fit_integer(entry.quantity)) < 1:
        raise ValueError(_("Enter at least 1."))
    return quantity


def _price(entry: LineEntry, good: Good | None, currency: str | None) -> Decimal:
    if entry.price is not None:
        return fit_decimal(entry.price, precision=15, scale=3)
    if good is None:
        return Decimal(0)
    if currency is not None and good.currency != currency:
        raise ValueError(
            _(
                "%(name)s is priced in %(currency)s. Enter a price in %(wanted)s.",
                name=good.name,
                currency=good.currency,
                wanted=currency,
            )
        )
    return good.price


def _discount(entry: LineEntry, good: Good | None, currency: str | None) -> Decimal:
    discount = fit_decimal(entry.discount or 0, precision=4, scale=3)
    if discount > 1:
        raise ValueError(_("Enter a discount from 0 to 100 percent."))
    return discount
