"""The columns of each file that can be imported or exported, under every name they go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Parser = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a CSV file.

    Attributes:
        name: The name that exports write and the rows of an import use.
        parse: Turns the text of a cell into a value; raises ValueError with what was expected.
        required: Whether the column must be there and its cells not empty.
        aliases: Further header names that are understood.
        default: The value of an empty or absent cell.
    """

    name: str
    parse: Parser
    required: bool = False
    aliases: tuple[str, ...] = ()
    default: Any = None


class Table:
    """The columns of one kind of file."""

    def __init__(self, title: str, columns: Iterable[Column]) -> None:
        self.title = title
        self.columns = tuple(columns)
        self.names = tuple(column.name for column in self.columns)
        self._by_header: Mapping[str, Column] = {
            header: column for column in self.columns for header in (column.name, *column.aliases)
        }

    def column_for(self, header: str) -> Column | None:
        """Return the column that a header cell names, however it is written."""
        return self._by_header.get(header.strip().lower().replace(" ", "_"))


def text(longest: int) -> Parser:
    """Text of at most ``longest`` characters."""

    def parse(cell: str) -> str:
        if len(cell) > longest:
            raise ValueError(f"at most {longest} characters, not {len(cell)}")
        if "\x00" in cell:
            raise ValueError("text without NUL characters")
        return cell

    return parse


# A program that keeps prices in single precision exports 21.35 as 21.3500004.
_NOISE = Decimal("1e-6")


def decimal(*, decimals: int, most: Decimal) -> Parser:
    """A number from 0 to ``most`` with at most ``decimals`` places.

    Further places are dropped when they are the noise of a binary number, which is less than a
    millionth of the value; real decimals are never rounded away.
    """
    expected = f"a number from 0 to {most:f} with at most {decimals} decimals"

    def parse(cell: str) -> Decimal:
        try:
            value = Decimal(cell)
        except InvalidOperation:
            raise ValueError(expected) from None
        if not value.is_finite() or not 0 <= value <= most:
            raise ValueError(expected)
        fitting = round(value, decimals)
        if abs(value - fitting) > value * _NOISE:
            raise ValueError(expected)
        return fitting

    return parse


def whole(*, least: int) -> Parser:
    """A whole number from ``least``, small enough for every database."""

    def parse(cell: str) -> int:
        try:
            value = int(cell)
        except ValueError:
            raise ValueError(f"a whole number of at least {least}") from None
        if not least <= value <= 2**31 - 1:
            raise ValueError(f"a whole number of at least {least} and less than 2,147,483,648")
        return value

    return parse


def day(cell: str) -> date:
    """A date such as 2026-11-21; a time behind it is dropped."""
    try:
        return datetime.fromisoformat(cell).date()
    except ValueError:
        raise ValueError("a date such as 2026-11-21") from None


def yes(cell: str) -> bool:
    """1 or 0, yes or no, true or false."""
    word = cell.lower()
    if word in {"1", "yes", "true", "t", "y"}:
        return True
    if word in {"0", "no", "false", "f", "n"}:
        return False
    raise ValueError("1 or 0, yes or no, true or false")


def currency(cell: str) -> str:
    """The three letters of a currency, for example EUR."""
    if len(cell) == 3 and cell.isascii() and cell.isalpha():
        return cell.upper()
    raise ValueError("three letters such as EUR")


def one_of(words: Iterable[str]) -> Parser:
    """One of a few words."""
    known = tuple(words)

    def parse(cell: str) -> str:
        word = cell.lower()
        if word not in known:
            raise ValueError("one of " + ", ".join(known))
        return word

    return parse
