"""Column types that keep what they are given: exact decimals, moments in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Numeric
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeDecorator, TypeEngine

from quarterdeck import exceptions

MAX_PRECISION = 18


class InexactDecimalError(exceptions.InexactDecimalError, DontWrapMixin):
    """As in ``quarterdeck.exceptions``; SQLAlchemy passes it on unwrapped."""


class NaiveDatetimeError(exceptions.NaiveDatetimeError, DontWrapMixin):
    """As in ``quarterdeck.exceptions``; SQLAlchemy passes it on unwrapped."""


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal that is never rounded: NUMERIC, and a scaled integer on SQLite.

    Comparison, order, SUM, MIN, MAX, products, and sums of the same scale are exact in SQL on
    every database. Values with more decimals than ``scale`` are refused, and so are floats.

    Args:
        precision: All digits, at most 18 (a 64-bit integer holds them).
        scale: The digits behind the point.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        if not 0 <= scale <= precision <= MAX_PRECISION:
            raise ValueError(
                f"'ExactDecimal({precision}, {scale})' - needs 0 <= scale <= precision "
                f"<= {MAX_PRECISION} - choose fewer digits"
            )
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        exact = self._exact(value)
        return int(exact.scaleb(self.scale)) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return Decimal(value).scaleb(-self.scale)
        return Decimal(value)

    def _exact(self, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise InexactDecimalError(value, self.precision, self.scale)
        try:
            exact = Decimal(value).quantize(Decimal(1).scaleb(-self.scale))
        except InvalidOperation:
            raise InexactDecimalError(value, self.precision, self.scale) from None
        if exact != value or abs(exact) >= 10 ** (self.precision - self.scale):
            raise InexactDecimalError(value, self.precision, self.scale)
        return exact


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: aware in, aware UTC out, to the microsecond. Naive values are refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise NaiveDatetimeError(value)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)
