"""The conditions of lists of orders, in the forms that the databases answer quickly."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, UnaryExpression, and_, bindparam, or_, select
from sqlalchemy.sql.operators import custom_op

from quarterdeck_crm.extras.values import ValueFilter
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Account, CustomValue, Order, OrderState, RecordTag
from quarterdeck_crm.search.conditions import begins, found_by
from quarterdeck_crm.search.filters import FIRST_DAY, LAST_DAY, Bounds, Range, Ranges

TAGGED = select(RecordTag.record_id).where(RecordTag.kind == Order.__tablename__)
# Conditions of statements that are built once; ``Filter.values`` has their parameters.
PREPARED: dict[str, ColumnElement[bool]] = {
    "account": Order.account_id == bindparam("account_id"),
    "currency": Order.currency == bindparam("currency"),
    "date": Order.ordered_on.between(bindparam("first_day"), bindparam("last_day")),
    "net": Order.net.between(bindparam("least"), bindparam("most_net")),
    "owner": Order.owner_id == bindparam("owner_id"),
    "state": Order.state.in_(bindparam("states", expanding=True)),
    "unowned": Order.owner_id.is_(None),
    **{
        f"field {name}": Order.id.in_(
            select(CustomValue.record_id).where(
                CustomValue.field_id == bindparam("field_id"),
                getattr(CustomValue, name).between(
                    bindparam("first_value"), bindparam("last_value")
                ),
            )
        )
        for name in ("text_key", "number", "day", "flag")
    },
    "tag": Order.id.in_(TAGGED.where(RecordTag.tag_id == bindparam("tag_id"))),
}
RANGES = Ranges(
    (Range("date", Order.ordered_on, _l("Order date")), Range("net", Order.net, _l("Net")))
)
COLUMNS = {
    "account": _l("Account"),
    "date": _l("Date"),
    "state": _l("State"),
    "owner": _l("Owner"),
    "net": _l("Net"),
}
LEAST, MOST = Decimal(0), Decimal("999999999999.999999")  # those of the column


@dataclass(frozen=True, slots=True)
class Filter:
    """The conditions of a list of orders; empty ones do not apply."""

    states: tuple[OrderState, ...] = ()
    account_id: int | None = None
    currency: str | None = None
    owner_id: int | None = None
    is_unowned: bool = False
    days: Bounds | None = None
    nets: Bounds | None = None
    tag_id: int | None = None
    field: ValueFilter | None = None
    words: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The filters in use."""
        used = {
            "account": self.account_id,
            "currency": self.currency,
            "date": self.days,
            "net": self.nets,
            "owner": self.owner_id,
            "state": self.states,
            "unowned": self.is_unowned or None,
            f"field {self.field.column}" if self.field else "field": self.field,
            "tag": self.tag_id,
            "words": self.words,
        }
        return tuple(name for name, value in used.items() if value not in (None, ()))

    @property
    def values(self) -> dict[str, Any]:
        """What the parameters of ``PREPARED`` stand for."""
        days, nets = self.days or Bounds(), self.nets or Bounds()
        return {
            "states": self.states,
            "account_id": self.account_id,
            "currency": self.currency,
            "owner_id": self.owner_id,
            "first_day": days.first or FIRST_DAY,
            "last_day": days.last or LAST_DAY,
            "least": LEAST if nets.first is None else nets.first,
            "most_net": MOST if nets.last is None else nets.last,
            "tag_id": self.tag_id,
            "field_id": self.field and self.field.field_id,
            "first_value": self.field and self.field.first,
            "last_value": self.field and self.field.last,
        }

    def conditions(self, *, indexed: bool = True) -> list[ColumnElement[bool]]:
        """Return the SQL; if not ``indexed``, in a form for which SQLite takes no index."""
        column = _same if indexed else unindexed
        conditions = []
        if self.states:
            conditions.append(column(Order.state).in_(self.states))
        if self.account_id is not None:
            conditions.append(column(Order.account_id) == self.account_id)
        if self.currency is not None:
            conditions.append(column(Order.currency) == self.currency)
        if self.owner_id is not None:
            conditions.append(column(Order.owner_id) == self.owner_id)
        if self.is_unowned:
            conditions.append(column(Order.owner_id).is_(None))
        values = self.values
        if self.days:
            days = values["first_day"], values["last_day"]
            conditions.append(column(Order.ordered_on).between(*days))
        if self.nets:
            conditions.append(column(Order.net).between(values["least"], values["most_net"]))
        if self.tag_id is not None:
            tagged = TAGGED.where(RecordTag.tag_id == self.tag_id)
            conditions.append(column(Order.id).in_(tagged))
        if self.field is not None:
            having = select(CustomValue.record_id).where(
                CustomValue.field_id == self.field.field_id,
                getattr(CustomValue, self.field.column).between(self.field.first, self.field.last),
            )
            conditions.append(column(Order.id).in_(having))
        if self.words and not indexed:
            ways = self.searches(unindexed(Order.number_key), unindexed(Order.account_id))
            conditions.append(or_(*(and_(*way) for way in ways)))
        return conditions

    def searches(
        self, number: Any = Order.number_key, account_id: Any = Order.account_id
    ) -> list[list[ColumnElement[bool]]]:
        """Return the ways in which the words may be found, each in ANDs that an index serves.

        All are words of the account, or one of them begins the number and the others are.
        """
        named = {word: found_by(word, Account) for word in self.words}
        ways = [[account_id.in_(ids) for ids in named.values()]]
        for word in self.words:
            others = [ids for other, ids in named.items() if other != word]
            begun = [unindexed(Order.account_id).in_(ids) for ids in others]
            ways.append([begins(number, word), *begun])
        return ways


def _same(column: Any) -> Any:
    return column


def unindexed(column: Any) -> Any:
    """Return ``+column``, the same value to which SQLite applies no index; MySQL drops it."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)
