"""Exact sums of amounts that may have more digits than one amount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

MILLION = 10**6


class whole_sum(FunctionElement[int]):
    """SUM of the whole units of an ``ExactDecimal`` column of six decimals without negatives.

    ``func.sum`` of the column itself fails on SQLite beyond 63 bits, 9.2 * 10**12 units.
    """

    type = BigInteger()
    inherit_cache = True


class millionths_sum(FunctionElement[int]):
    """SUM of the millionths that ``whole_sum`` leaves out."""

    type = BigInteger()
    inherit_cache = True


def to_parts(amount: Decimal) -> tuple[int, int]:
    """Return the whole units of an amount and the millionths that remain, which are never negative.

    The whole units of a negative amount are rounded down.
    """
    return divmod(int(amount.scaleb(6)), MILLION)


def from_parts(whole: int, millionths: int) -> Decimal:
    """Return the amount of whole units and millionths, with six decimals."""
    return Decimal(int(whole) * MILLION + int(millionths)).scaleb(-6)


@compiles(whole_sum)
def _whole(element: whole_sum, compiler: Any, **options: Any) -> str:
    return f"floor(sum({compiler.process(element.clauses, **options)}))"


@compiles(millionths_sum)
def _millionths(element: millionths_sum, compiler: Any, **options: Any) -> str:
    return f"mod(sum({compiler.process(element.clauses, **options)}), 1) * {MILLION}"


@compiles(whole_sum, "sqlite")
def _whole_scaled(element: whole_sum, compiler: Any, **options: Any) -> str:
    return f"sum({compiler.process(element.clauses, **options)} / {MILLION})"


@compiles(millionths_sum, "sqlite")
def _millionths_scaled(element: millionths_sum, compiler: Any, **options: Any) -> str:
    return f"sum({compiler.process(element.clauses, **options)} % {MILLION})"
