"""Column types: datetimes in UTC, and decimals that are never rounded, also in SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Numeric, literal, type_coerce
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.sql import operators
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from quarterdeck import exceptions

MAX_PRECISION = 18


class InexactDecimalError(exceptions.InexactDecimalError, DontWrapMixin):
    """As in ``quarterdeck.exceptions``; SQLAlchemy passes it on unwrapped."""


class _ExactComparator(TypeDecorator.Comparator[Decimal], Numeric.Comparator[Decimal]):
    """Gives products the right scale, and refuses what scaled integers would get wrong."""

    def operate(self, op: Any, *other: Any, **options: Any) -> Any:
        if op is operators.mul:
            factor, product = self._product(other[0])
            return type_coerce(super().operate(op, factor, **options), product)
        self._check(op, *other)
        return super().operate(op, *other, **options)

    def reverse_operate(self, op: Any, other: Any, **options: Any) -> Any:
        if op is operators.mul:
            factor, product = self._product(other)
            return type_coerce(super().reverse_operate(op, factor, **options), product)
        self._check(op, other)
        return super().reverse_operate(op, other, **options)

    def _check(self, op: Any, *others: Any) -> None:
        """Refuse division, and sums or comparisons with a column of another scale."""
        for other in others:
            type_ = getattr(other, "type", None)
            same = (
                type_ is None or isinstance(type_, NullType) or _scale(type_) == _scale(self.type)
            )
            if op in _DIVISIONS or not same:
                raise exceptions.InexactArithmeticError(self.type, op.__name__, other)

    def _product(self, other: Any) -> tuple[Any, ExactDecimal]:
        """Return the factor with its type, and the type of the product."""
        if isinstance(other, int | Decimal) and not isinstance(other, bool):
            scale = max(0, -int(Decimal(other).as_tuple().exponent))
            other = literal(other, ExactDecimal(MAX_PRECISION, scale) if scale else Integer())
        own, its = _scale(self.type), _scale(getattr(other, "type", None))
        if own is None or its is None or own + its > MAX_PRECISION:
            raise exceptions.InexactArithmeticError(self.type, "mul", other)
        return other, ExactDecimal(MAX_PRECISION, own + its)


_DIVISIONS = {operators.truediv, operators.floordiv, operators.mod}


def _scale(type_: Any) -> int | None:
    """The decimals of a type in an exact expression, None if it is not exact."""
    if isinstance(type_, ExactDecimal):
        return type_.scale
    return 0 if isinstance(type_, Integer) else None


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal that is never rounded: NUMERIC, and a scaled integer on SQLite.

    Comparison, order, SUM, MIN, MAX, products, and sums of the same scale are exact in SQL on
    every database; other arithmetic is refused. Values with more decimals than ``scale`` are
    refused, and so are floats. On SQLite, AVG, ROUND and ABS see the scaled integer: divide a
    SUM by a COUNT in Python.

    Args:
        precision: All digits, at most 18 (a 64-bit integer holds them).
        scale: The digits behind the point.
    """

    impl = Numeric
    cache_ok = True
    comparator_factory = _ExactComparator

    def __init__(self, precision: int, scale: int) -> None:
        if not 0 <= scale <= precision <= MAX_PRECISION:
            raise ValueError(
                f"'ExactDecimal({precision}, {scale})' - needs 0 <= scale <= precision "
                f"<= {MAX_PRECISION} - choose fewer digits"
            )
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale
        self._unit = Decimal(1).scaleb(-scale)
        self._limit = Decimal(10) ** (precision - scale)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        exact = self.exact(value)
        return int(exact.scaleb(self.scale)) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return Decimal(value).scaleb(-self.scale)
        return Decimal(value)

    def exact(self, value: Any) -> Decimal:
        """Return a value with the decimals that it has when it is read from the column.

        Raises:
            InexactDecimalError: If the column cannot hold it.
        """
        if type(value) is not Decimal:
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                raise InexactDecimalError(value, self.precision, self.scale)
            value = Decimal(value)
        try:
            exact: Decimal = value.quantize(self._unit)
        except InvalidOperation:
            raise InexactDecimalError(value, self.precision, self.scale) from None
        if exact != value or abs(exact) >= self._limit:
            raise InexactDecimalError(value, self.precision, self.scale)
        return exact


class NaiveDatetimeError(exceptions.NaiveDatetimeError, DontWrapMixin):
    """As in ``quarterdeck.exceptions``; SQLAlchemy passes it on unwrapped."""


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: aware in, aware UTC out, to the microsecond. Naive values are refused.

    On PostgreSQL it is TIMESTAMP WITH TIME ZONE, elsewhere a plain datetime in UTC.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(DATETIME(fsp=6))
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise NaiveDatetimeError(value)
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
