"""Pages by cursor: a page begins where another ended, without skipping rows one by one."""

from __future__ import annotations

import base64
import binascii
import enum
import json
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Enum,
    Select,
    UnaryExpression,
    and_,
    false,
    literal,
    or_,
    tuple_,
)
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

from quarterdeck.exceptions import BadCursorError

T = TypeVar("T", bound=tuple[Any, ...])

MAX_INTEGER = 2**63 - 1


class Keys:
    """The columns that a list is ordered by, the last of them unique.

    Columns in both directions are possible, but only an index declared so serves them.
    """

    def __init__(self, by: Sequence[ColumnElement[Any]]) -> None:
        if not by:
            raise ValueError(
                "'by' - needs at least one column - "
                "write for example 'by=[Order.day.desc(), Order.id.desc()]'"
            )
        self.by = tuple(by)
        self.columns = [_bare(key) for key in by]
        self.descending = [_is_descending(key) for key in by]
        for column in self.columns:
            if isinstance(column, UnaryExpression):
                raise ValueError(
                    f"'{column.element.key}' - NULL sorts before all values here - "
                    "leave out 'nulls_first' and 'nulls_last'"
                )
            if isinstance(column.type, Enum) and column.type.native_enum:
                raise ValueError(
                    f"'{column.key}' - MySQL orders an ENUM by number and compares it as text - "
                    "declare it with 'Enum(..., native_enum=False)' to order by it"
                )

    def turned(self) -> Keys:
        """Return the same columns in the opposite direction."""
        pairs = zip(self.columns, self.descending, strict=True)
        return Keys([column.asc() if down else column.desc() for column, down in pairs])

    def order(self, *, names_nulls: bool = False) -> list[ColumnElement[Any]]:
        """Return the columns for ORDER BY.

        Args:
            names_nulls: Whether to say that NULL sorts before all values, as PostgreSQL needs it.
                Only an index declared so serves the order then.
        """
        if not names_nulls:
            return list(self.by)
        return [
            key if not _is_nullable(column) else key.nulls_last() if down else key.nulls_first()
            for key, column, down in zip(self.by, self.columns, self.descending, strict=True)
        ]

    def position(self, item: Any) -> list[Any]:
        """Return the values of the attributes of an item that are named like the columns."""
        return [getattr(item, column.key) for column in self.columns]

    def cursor(self, values: Sequence[Any]) -> str:
        """Return the position of an item as text for a URL.

        Args:
            values: Those of the item, one for each column.
        """
        plain = [_plain(value) for value in values]
        raw = json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def values(self, cursor: str) -> list[Any]:
        """Return the values of a cursor.

        Raises:
            BadCursorError: If it does not come from ``cursor`` of the same columns.
        """
        try:
            raw = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            pairs = zip(self.columns, raw, strict=True)
            return [_value(column.type, plain) for column, plain in pairs]
        except (ValueError, TypeError, binascii.Error, InvalidOperation) as error:
            raise BadCursorError(cursor) from error

    def beyond(self, values: Sequence[Any], *, rows: bool) -> ColumnElement[bool]:
        """Return the condition for the rows after these values.

        Args:
            values: One for each column.
            rows: Whether to compare row values, ``(a, b) > (1, 2)``, for which SQLite and
                PostgreSQL use an index; MySQL does so for the same in ANDs and ORs.
        """
        typed = [literal(v, c.type) for c, v in zip(self.columns, values, strict=True)]
        is_one_way = len(set(self.descending)) == 1
        if rows and is_one_way and not any(map(_is_nullable, self.columns)):
            here, there = tuple_(*self.columns), tuple_(*typed)
            beyond: ColumnElement[bool] = here < there if self.descending[0] else here > there
            return beyond
        alternatives = []
        same: list[ColumnElement[bool]] = []
        directed = zip(self.columns, self.descending, values, typed, strict=True)
        for column, down, value, bound in directed:
            past = _past(column, value, bound, descending=down)
            if past is not None:
                alternatives.append(and_(*same, past))
            same.append(column.is_(None) if value is None else column == bound)
        return or_(*alternatives) if alternatives else false()

    def beside(
        self,
        statement: Select[T],
        *,
        after: str | None,
        before: str | None,
        rows: bool,
        names_nulls: bool = False,
    ) -> Select[T]:
        """Return a statement in the order of the columns, from or up to a cursor if there is one.

        Up to a cursor the rows come in the opposite order. ``rows`` is as in ``beyond``,
        ``names_nulls`` as in ``order``.

        Raises:
            BadCursorError: If the cursor does not come from ``cursor`` of the same columns.
        """
        cursor = after or before
        way = self.turned() if before and not after else self
        if cursor:
            statement = statement.where(way.beyond(self.values(cursor), rows=rows))
        return statement.order_by(*way.order(names_nulls=names_nulls))


def _past(
    column: ColumnElement[Any], value: Any, bound: Any, *, descending: bool
) -> ColumnElement[bool] | None:
    """Return the condition for one column, None if no value is past this one.

    NULL sorts before all values.
    """
    beyond: ColumnElement[bool] | None
    if value is None:
        beyond = None if descending else column.is_not(None)
    elif not descending:
        beyond = column > bound
    elif _is_nullable(column):
        beyond = or_(column < bound, column.is_(None))
    else:
        beyond = column < bound
    return beyond


def _bare(key: ColumnElement[Any]) -> Any:
    return key.element if isinstance(key, UnaryExpression) else key


def _is_descending(key: ColumnElement[Any]) -> bool:
    return isinstance(key, UnaryExpression) and key.modifier is operators.desc_op


def _is_nullable(column: Any) -> bool:
    return bool(getattr(column, "nullable", True))


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _kind(type_: TypeEngine[Any]) -> type[Any]:
    return _kind(type_.impl_instance) if isinstance(type_, TypeDecorator) else type_.python_type


def _value(type_: TypeEngine[Any], plain: Any) -> Any:
    """Return the value of a column.

    Raises:
        ValueError: If the column cannot hold it.
    """
    kind = _kind(type_)
    value: Any = plain
    if plain is None:
        return None
    if issubclass(kind, datetime | date | time):
        value = kind.fromisoformat(plain)
    elif issubclass(kind, Decimal | enum.Enum):
        value = kind(plain)
    elif not isinstance(plain, kind) or (isinstance(plain, int) and abs(plain) > MAX_INTEGER):
        raise TypeError(plain)
    if isinstance(value, str):
        value.encode()
        if "\0" in value:  # PostgreSQL has no such text
            raise ValueError(plain)
    if isinstance(type_, TypeDecorator):
        type_.process_bind_param(value, DefaultDialect())
    return value
