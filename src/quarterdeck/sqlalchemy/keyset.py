"""Pages that begin where another one ended, however deep: no rows are skipped one by one."""

from __future__ import annotations

import base64
import binascii
import enum
import json
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ColumnElement, Enum, UnaryExpression, and_, false, literal, or_, tuple_
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

MAX_INTEGER = 2**63 - 1


class BadCursorError(ValueError):
    """What a visitor sent is no cursor of this list."""


class Keys:
    """The columns that a list is ordered by: all one way round, the last of them unique."""

    def __init__(self, by: Sequence[ColumnElement[Any]]) -> None:
        self.by = tuple(by)
        self.columns = [_bare(key) for key in by]
        downs = {_is_descending(key) for key in by}
        if len(downs) != 1:
            raise ValueError(
                "'by' - needs at least one column, and all in one direction - "
                "write for example 'by=[Order.day.desc(), Order.id.desc()]'"
            )
        self.descending = downs.pop()
        for column in self.columns:
            if isinstance(column.type, Enum) and column.type.native_enum:
                raise ValueError(
                    f"'{column.key}' - MySQL orders an ENUM by number and compares it as text - "
                    "declare it with 'Enum(..., native_enum=False)' to order by it"
                )

    def turned(self) -> Keys:
        """Return the same the other way round."""
        return Keys([c.asc() if self.descending else c.desc() for c in self.columns])

    def cursor(self, item: Any) -> str:
        """Return where an item stands, as text for a URL."""
        values = [_plain(getattr(item, column.key)) for column in self.columns]
        raw = json.dumps(values, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def values(self, cursor: str) -> list[Any]:
        """Return what a cursor says.

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
        """Return the condition for what comes after these values.

        Args:
            values: One for each column.
            rows: Whether to compare row values, ``(a, b) > (1, 2)``, for which SQLite uses an
                index; MySQL does so for the same in ANDs and ORs.
        """
        typed = [literal(v, c.type) for c, v in zip(self.columns, values, strict=True)]
        if rows and not any(map(_is_nullable, self.columns)):
            here, there = tuple_(*self.columns), tuple_(*typed)
            beyond: ColumnElement[bool] = here < there if self.descending else here > there
            return beyond
        alternatives = []
        same: list[ColumnElement[bool]] = []
        for column, value, bound in zip(self.columns, values, typed, strict=True):
            alternatives.append(and_(*same, self._past(column, value, bound)))
            same.append(column.is_(None) if value is None else column == bound)
        return or_(*alternatives)

    def _past(self, column: ColumnElement[Any], value: Any, bound: Any) -> ColumnElement[bool]:
        """Return the condition for one column; NULL stands before everything else."""
        beyond: ColumnElement[bool]
        if value is None:
            beyond = false() if self.descending else column.is_not(None)
        elif not self.descending:
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
    """Return the value of a column; what the column could not hold is an error."""
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
    if isinstance(type_, TypeDecorator):
        type_.process_bind_param(value, DefaultDialect())
    return value
