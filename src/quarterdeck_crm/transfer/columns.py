"""Columns of CSV files, and the parsers that turn the text of their cells into values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.validation import TooLongError, fit_text
from quarterdeck_crm.validation.numbers import MAX_INTEGER, AmbiguousNumberError, read_number

from .texts import Text

Parser = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class CSVColumn:
    """One column of a CSV file.

    Attributes:
        name: The name that exports write and the rows of an import use.
        parse: Turns the text of a cell into a value; raises ValueError with the expected form.
        required: Whether the column must be there.
        filled: Whether the cells of a required column must not be empty.
        aliases: Further header names that are understood.
        default: The value of an empty or absent cell.
    """

    name: str
    parse: Parser
    required: bool = False
    filled: bool = True
    aliases: tuple[str, ...] = ()
    default: Any = None

    def read(self, cell: str, *, point: bool) -> Any:
        """Return the value of a cell; see ``NumberParser`` for ``point``."""
        if isinstance(self.parse, NumberParser):
            return self.parse(cell, point=point)
        return self.parse(cell)


class Table:
    """The columns of one kind of file."""

    def __init__(self, title: str, columns: Iterable[CSVColumn]) -> None:
        self.title = title
        self.columns = tuple(columns)
        self.names = tuple(column.name for column in self.columns)
        self._by_header: Mapping[str, CSVColumn] = {
            header: column for column in self.columns for header in (column.name, *column.aliases)
        }

    def column_for(self, header: str) -> CSVColumn | None:
        """Return the column that a header cell names, however it is written."""
        return self._by_header.get(header.strip().lower().replace(" ", "_"))


class ExpectedError(ValueError):
    """A cell that is not of the form of its column; the text names the form."""

    def __init__(self, text: str, /, **values: str | int | Text) -> None:
        self.text = Text(text, values)
        super().__init__(self.text)


class RefusedTextError(ExpectedError):
    """A cell that breaks a rule of its column; the text is a sentence."""


def text(attribute: Any) -> Parser:
    """Text that a column of the database holds, by the rules of forms and the API."""

    def parse(cell: str) -> str:
        try:
            return fit_text(attribute.expression, cell)
        except TooLongError as error:
            text = N_("At most %(column)s characters are allowed.")
            raise RefusedTextError(text, column=error.limit) from None
        except ValueError as error:
            raise RefusedTextError(str(error)) from None

    return parse


class NumberParser:
    """Parses the numbers of a file."""

    def __init__(
        self, parse: Callable[[Decimal], Any], expected: str, /, **values: str | int
    ) -> None:
        self._parse = parse
        self._expected = expected, values

    def __call__(self, cell: str, *, point: bool = True) -> Any:
        """Return the value of a cell.

        Args:
            cell: The text.
            point: Whether the point is known to be the decimal separator of the file.
        """
        try:
            number = read_number(cell, point=point)
            return self._parse(number)
        except AmbiguousNumberError as error:
            both = {"large": str(error.large), "small": str(error.small)}
            raise ExpectedError(N_("%(large)s or %(small)s"), **both) from None
        except ValueError:
            expected, values = self._expected
            raise ExpectedError(expected, **values) from None


# A program that keeps prices in single precision exports 21.35 as 21.3500004.
_NOISE = Decimal("1e-6")


def decimal(attribute: Any, *, most: Decimal | None = None) -> Parser:
    """A number from 0 to ``most`` that a column of the database holds.

    Further decimals are dropped when they are the noise of a binary number, which is less than a
    millionth of the value; real decimals are never rounded away.
    """
    scale = attribute.type.scale
    largest: Decimal = Decimal(10) ** (attribute.type.precision - scale) - Decimal(1).scaleb(-scale)
    limit = largest if most is None else most

    def parse(value: Decimal) -> Decimal:
        fitting: Decimal = round(value, scale)
        if not 0 <= value <= limit or abs(value - fitting) > value * _NOISE:
            raise ValueError
        return fitting

    text = N_("a number from 0 to %(most)s with at most %(scale)s decimals")
    return NumberParser(parse, text, most=f"{limit:f}", scale=scale)


def whole(*, least: int, most: int = MAX_INTEGER) -> Parser:
    """A whole number from ``least`` to ``most``, small enough for every database."""

    def parse(value: Decimal) -> int:
        if value != value.to_integral_value() or not least <= value <= most:
            raise ValueError
        return int(value)

    text = N_("a whole number from %(least)s to %(most)s")
    return NumberParser(parse, text, least=least, most=most)


def day(cell: str) -> date:
    """A date such as 2026-11-21; a time behind it is dropped."""
    try:
        return datetime.fromisoformat(cell).date()
    except ValueError:
        raise ExpectedError(N_("a date such as 2026-11-21")) from None


def moment(cell: str) -> datetime:
    """A date with a time, such as 2026-11-21 09:30; without a zone it is in UTC."""
    try:
        found = datetime.fromisoformat(cell)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ExpectedError(N_("a date with a time such as 2026-11-21 09:30")) from None


def yes(cell: str) -> bool:
    """1 or 0, yes or no, true or false."""
    word = cell.lower()
    if word in {"1", "yes", "true", "t", "y"}:
        return True
    if word in {"0", "no", "false", "f", "n"}:
        return False
    raise ExpectedError(N_("1 or 0, yes or no, true or false"))


def one_of(words: Iterable[str]) -> Parser:
    """One of a few words."""
    known = tuple(words)

    def parse(cell: str) -> str:
        word = cell.lower()
        if word not in known:
            raise ExpectedError(N_("one of %(words)s"), words=", ".join(known))
        return word

    return parse
