"""What lists of orders are made of: some columns of each order, instead of whole objects.

A row of a list costs a third of an object of the model, and it cannot be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Generic, TypeVar

from msgspec import Struct

from quarterdeck_crm.models import Account, Order, OrderState, User

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Shape(Generic[T]):
    """The items of a list.

    Attributes:
        columns: Of the order, of its account and of its owner.
        make: Returns an item from their values.
    """

    columns: tuple[Any, ...]
    make: Callable[..., T]


class Named(Struct, frozen=True):
    """An account or a user of whom a list shows the name."""

    name: str


class OrderRow(Struct, frozen=True):
    """An order in a list."""

    id: int
    version: int
    number: str
    account_id: int
    owner_id: int | None
    state: OrderState
    currency: str
    net: Decimal
    ordered_on: date
    account: Named
    owner: Named | None


def _row(*values: Any) -> OrderRow:
    make: Callable[..., OrderRow] = OrderRow
    *own, account, owner = values
    return make(*own, Named(account), None if owner is None else Named(owner))


_NAMES = OrderRow.__struct_fields__[:-2]
ROW = Shape((*(getattr(Order, name) for name in _NAMES), Account.name, User.name), _row)
