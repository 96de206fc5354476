"""Numbers that people and programs send: one grammar, with bounds.

Python's ``int()`` and ``Decimal()`` also read ``1_0``, ``٣``, ``1e2`` and ``sNaN``, so no text of
a form, file, query argument or request is given to them. A comma and a point are both read as a
decimal separator. A number that is then ambiguous, such as ``1,234``, is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages import lazy as _l

MAX_INTEGER = 2**31 - 1  # the largest value of an INTEGER column
MAX_LENGTH = 60  # characters, separators included
MAX_DIGITS = 18  # before the decimal separator; no column holds more

WHOLE_RANGE = _l("Enter a whole number from {} to %(max_integer)s.", max_integer=MAX_INTEGER)
NO_NUMBER = _l("Enter a number, such as 12.50.")
NO_WHOLE_NUMBER = _l("Enter a whole number.")
TOO_LARGE = _l("That number is too large.")

_SIMPLE = re.compile(r"(-?)([0-9]+)(?:([.,])([0-9]*))?|(-?)([.,])([0-9]+)")
_GROUPED = re.compile(
    r"(?P<sign>-?)(?P<whole>[1-9][0-9]{0,2}(?P<group>[ \u00a0\u202f'\u2019.,])[0-9]{3}"
    r"(?:(?P=group)[0-9]{3})*)(?:(?P<point>[.,])(?P<fraction>[0-9]*))?"
)
_AMBIGUOUS = re.compile(r"-?[1-9][0-9]{0,2}([.,])[0-9]{3}")
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_ID = re.compile(r"[0-9]+")


class AmbiguousNumberError(ValueError):
    """A number such as ``1,234``, which means 1234 to some readers and 1.234 to others."""

    def __init__(self, text: str, *, whole: bool) -> None:
        self.large = text.replace(",", "").replace(".", "")
        self.small = f"{text}0"
        self.remedy = (
            _("Write %(large)s", large=self.large)
            if whole
            else _("Write %(large)s or %(small)s", large=self.large, small=self.small)
        )
        problem = _(
            "'%(text)s' can be read in two ways. %(remedy)s.", text=text, remedy=self.remedy
        )
        super().__init__(problem)


def read_number(text: str, *, point: bool = False, whole: bool = False) -> Decimal:
    """Return the number that a person typed.

    Args:
        text: Digits with a decimal comma or point; thousands may be grouped.
        point: Whether the format of the file fixes the point as the decimal separator.
        whole: Whether a whole number is expected, for the words of the error.

    Raises:
        AmbiguousNumberError: If the text can mean two numbers.
        ValueError: If it is not a number, or has more digits than any column.
    """
    typed = text.strip()
    if len(typed) > MAX_LENGTH:
        raise ValueError(TOO_LARGE if typed.isdigit() else NO_NUMBER)
    ambiguous = _AMBIGUOUS.fullmatch(typed)
    if ambiguous and not (point and ambiguous[1] == "."):
        raise AmbiguousNumberError(typed, whole=whole)
    number = _digits(typed)
    if number is None or (whole and "." in number):
        raise ValueError(NO_WHOLE_NUMBER if whole else NO_NUMBER)
    return _bounded(number)


def read_plain_number(text: str) -> Decimal:
    """Return the number that a program wrote: digits, with a point before the decimals.

    Raises:
        ValueError: If it is not such a number, or has more digits than any column.
    """
    if len(text) > MAX_LENGTH or not _PLAIN.fullmatch(text):
        raise ValueError(NO_NUMBER)
    return _bounded(text)


def read_whole_number(text: str, *, least: int = 0, most: int = MAX_INTEGER) -> int:
    """Return the whole number that a person typed.

    Raises:
        ValueError: If it is not a whole number from ``least`` to ``most``.
    """
    number = read_number(text, whole=True)
    if not least <= number <= most:
        raise ValueError(WHOLE_RANGE.format(least) if most == MAX_INTEGER else NO_WHOLE_NUMBER)
    return int(number)


def row_id(text: str) -> int | None:
    """Return the id in a query argument or a form; None if the text is not an id.

    A number beyond every id is 0, which no row has.
    """
    if not _ID.fullmatch(text):
        return None
    digits = text.lstrip("0")
    return int(digits or 0) if len(digits) <= 10 and int(digits or 0) <= MAX_INTEGER else 0


def fit_decimal(value: Any, *, precision: int, scale: int, least: Decimal | int = 0) -> Decimal:
    """Return an exact decimal that the column holds without rounding.

    Raises:
        ValueError: If there is no such decimal.
    """
    number = read_plain_number(value.strip()) if isinstance(value, str) else Decimal(value)
    if not number.is_finite():
        raise ValueError(NO_NUMBER)
    if number < least:
        raise ValueError(_("Enter a number that is not negative.") if not least else TOO_LARGE)
    if number.copy_abs() >= Decimal(10) ** (precision - scale):
        raise ValueError(TOO_LARGE)
    if number != round(number, scale):
        raise ValueError(_("At most %(scale)s decimals are allowed.", scale=scale))
    return number


def fit_integer(value: Any) -> int:
    """Return a whole number that an INTEGER column holds.

    Raises:
        ValueError: If there is no such number.
    """
    if isinstance(value, str):
        return read_whole_number(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(NO_WHOLE_NUMBER)
    if not 0 <= value <= MAX_INTEGER:
        raise ValueError(WHOLE_RANGE.format(0))
    return value


def typed_form(number: Decimal) -> str:
    """Return the text of a number for a field; ``read_number`` reads it as the same number."""
    text = format(number.normalize(), "f")
    return f"{text}0" if _AMBIGUOUS.fullmatch(text) else text


def _digits(typed: str) -> str | None:
    """Return the number as Python writes it, None if it is not one."""
    if match := _SIMPLE.fullmatch(typed):
        sign, whole, _separator, fraction = match.groups()[:4]
        if whole is None:
            sign, whole, fraction = match[5], "0", match[7]
    elif (match := _GROUPED.fullmatch(typed)) and match["point"] != match["group"]:
        sign, fraction = match["sign"], match["fraction"]
        whole = match["whole"].replace(match["group"], "")
    else:
        return None
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _bounded(number: str) -> Decimal:
    if len(number.lstrip("-").partition(".")[0].lstrip("0")) > MAX_DIGITS:
        raise ValueError(TOO_LARGE)
    return Decimal(number)
