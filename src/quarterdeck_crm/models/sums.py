"""Sums of amounts that may have more digits than one amount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

HALF = 10**9  # halves of 18 digits, whose sums do not overflow


class large_sum(FunctionElement[Decimal]):
    """SUM of an ``ExactDecimal`` column whose result may have more digits than the column.

    On SQLite, where ``func.sum`` ends with "integer overflow" beyond 63 bits, such a result is a
    float of 15 digits. Smaller results are exact, and so are all results elsewhere.
    """

    inherit_cache = True

    def __init__(self, column: Any) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(large_sum)
def _sum(element: large_sum, compiler: Any, **options: Any) -> str:
    return f"sum({compiler.process(element.clauses, **options)})"


@compiles(large_sum, "sqlite")
def _sum_of_halves(element: large_sum, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"(sum({column} / {HALF}) * {HALF} + sum({column} % {HALF}))"
