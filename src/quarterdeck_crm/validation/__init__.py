"""Entered values made fit for a table, by the rules that its columns state.

Forms, the API and imports all end in the same services, and those in ``clean``: so a limit is
written once, at the column, and every way in tells of all wrong fields at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Column, Date, Integer, String, inspect

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import ExactDecimal
from quarterdeck_crm.errors import Errors, ValidationError
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.money import is_currency

from .numbers import fit_decimal, fit_integer
from .times import fit_time, fit_zone

REQUIRED = _l("This is required.")
NO_CONTROL = _l("Remove the control characters: only tabs and line breaks are allowed.")
NO_OVERRIDE = _l("Remove the characters that turn the direction of writing: they can hide a text.")
MAX_TEXT_LENGTH = 20_000  # characters of a column without a length of its own

# Control characters other than tab and line breaks, and halves of surrogate pairs.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Letters have a direction of their own. Overrides show others in the wrong order; the rest comes
# along with names and numbers that are copied from a phone.
_OVERRIDE = re.compile(r"[\u202d\u202e]")
_DIRECTIONS = re.compile(r"[\u202a-\u202c\u2066-\u2069]")
# Characters that show nothing: a name of these alone could not be seen or clicked.
_BLANK = re.compile(
    r"[\s\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]*"
)
_LINE_BREAKS = re.compile(r"\s*[\n\r\u2028\u2029]\s*")
_DIGIT = re.compile(r"\d")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::[0-9]{1,5})?(?:[/?#]\S*)?")
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#][^\s]*", re.IGNORECASE)


class TooLongError(ValueError):
    """A text of more characters than ``limit``."""

    def __init__(self, limit: int) -> None:
        super().__init__(_("At most %(column)s characters are allowed.", column=limit))
        self.limit = limit


class Problems:
    """All problems of an entry of several parts, told at once."""

    def __init__(self) -> None:
        self.errors: Errors = {}

    def add(self, name: str, text: str) -> None:
        """Keep the problem of a field, unless the field has one."""
        self.errors.setdefault(name, [text])

    @contextmanager
    def collected(self, name: str | None = None) -> Iterator[None]:
        """Keep a ValidationError of the block for later.

        Args:
            name: The field to which a ValueError of the block belongs.
        """
        try:
            yield
        except ValidationError as error:
            for field, texts in error.errors.items():
                self.errors.setdefault(field, texts)
        except ValueError as error:
            if name is None:
                raise
            self.add(name, str(error))

    def clean(
        self,
        model: type[Any],
        values: Mapping[str, Any],
        *,
        fields: Collection[str],
        complete: bool = False,
        row: Any = None,
    ) -> dict[str, Any]:
        """Return the values that can be stored, and keep the problems; see the function."""
        columns = inspect(model).columns
        cleaned: dict[str, Any] = {}
        for name in fields:
            if name not in values and not complete:
                continue
            if row is not None and _is_unchanged(values.get(name), getattr(row, name)):
                cleaned[name] = getattr(row, name)
                continue
            with self.collected(name):
                value = _fit(columns[name], values.get(name))
                if value is not None or columns[name].default is None:
                    cleaned[name] = value
        return cleaned

    def raise_if_any(self) -> None:
        """Raise everything that was kept.

        Raises:
            ValidationError: If anything was.
        """
        if self.errors:
            raise ValidationError(self.errors)


def clean(
    model: type[Any],
    values: Mapping[str, Any],
    *,
    fields: Collection[str],
    complete: bool = False,
    row: Any = None,
) -> dict[str, Any]:
    """Return those of ``values`` that are in ``fields``, trimmed, converted and checked.

    Empty text becomes None. Numbers must not be negative.

    Args:
        model: The mapped class. Its columns state the rules.
        values: The entries; names that are not in ``fields`` are left out.
        fields: The attributes that may be set.
        complete: Whether a required field may not be missing (a new row) or may (an edit).
        row: The row that is edited. Its present values are accepted again, also if a rule is
            stricter now: nobody has to correct what they did not touch.

    Raises:
        ValidationError: If a value cannot be stored as it is.
    """
    problems = Problems()
    cleaned = problems.clean(model, values, fields=fields, complete=complete, row=row)
    problems.raise_if_any()
    return cleaned


def _is_unchanged(value: Any, present: Any) -> bool:
    """Whether an entered text is the one that is stored."""
    return isinstance(value, str) and isinstance(present, str) and value.strip() == present


def longest(attribute: Any) -> int:
    """Return how many characters a text column holds, for the form field over it."""
    return getattr(attribute.type, "length", None) or MAX_TEXT_LENGTH


def _fit(column: Column[Any], value: Any) -> Any:
    if isinstance(value, str):
        value = value.strip() or None
    if value is None:
        if not column.nullable and column.default is None:
            raise ValueError(REQUIRED)
        return None
    match column.type:
        case ExactDecimal():
            return fit_decimal(value, precision=column.type.precision, scale=column.type.scale)
        case Integer():
            return fit_integer(value)
        case Date():
            return fit_day(value)
        case String():
            return fit_text(column, str(value))
        case _:
            return value


def fit_email(value: str) -> str:
    """Return the text if it has the form of an e-mail address."""
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        raise ValueError(_("Enter an e-mail address, such as name@example.com.")) from None
    return value


def fit_day(value: Any) -> date:
    """Return a day, given as ``YYYY-MM-DD`` or as one.

    Raises:
        ValueError: If there is no such day.
    """
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(_("Enter a date as YYYY-MM-DD.")) from None


def fit_text(column: Any, value: str) -> str:
    """Return a text that a column holds, by the rules in its ``info``.

    A column with a length holds one line, unless its ``info`` has ``lines``: line breaks become
    spaces. Marks of the direction of writing are dropped there, so that no text changes the order
    of what stands beside it.

    Raises:
        ValueError: If it is too long, has control characters, shows nothing, or is not of the
            kind.
    """
    if _CONTROL.search(value):
        raise ValueError(NO_CONTROL)
    if _OVERRIDE.search(value):
        raise ValueError(NO_OVERRIDE)
    if column.type.length is not None:
        value = _DIRECTIONS.sub("", value).strip()
        value = plain_breaks(value) if "lines" in column.info else one_line(value)
    if shows_nothing(value):
        raise ValueError(REQUIRED)
    if (rule := column.info.get("rule")) and len(value) <= longest(column):
        value = RULES[rule](value)
    if len(value) > longest(column):
        raise TooLongError(longest(column))
    return value


def one_line(text: str) -> str:
    """Return a text with spaces in the place of its line breaks."""
    return _LINE_BREAKS.sub(" ", text).strip()


def plain_breaks(text: str) -> str:
    r"""Return a text whose lines end with ``\n``; browsers send ``\r\n``."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shows_nothing(text: str) -> bool:
    """Whether a text has no character that can be seen."""
    return _BLANK.fullmatch(text) is not None


def fit_optional(attribute: Any, value: str | None, *, present: str | None = None) -> str | None:
    """Return a text that a column holds, or None for an empty one.

    Args:
        attribute: The attribute of the column.
        value: The entry.
        present: The stored text, which is accepted again.

    Raises:
        ValueError: If the column cannot hold the text.
    """
    text = (value or "").strip()
    if not text or text == present:
        return text or None
    return fit_text(attribute.expression, text)


def fit_website(value: str) -> str:
    """Return an address that a page may link to; a bare host name is taken as https."""
    if is_web_address(value):
        return value
    if _HOST.fullmatch(value):
        return f"https://{value}"
    raise ValueError(_("Enter an address that begins with https:// or http://."))


def is_web_address(value: str | None) -> bool:
    """Whether a page may link to an address: it leads to a host over http or https."""
    return value is not None and _WEB_ADDRESS.fullmatch(value) is not None


def fit_phone(value: str) -> str:
    """Return the text if it has digits that can be dialled."""
    if not _DIGIT.search(value):
        raise ValueError(_("Enter a phone number with its digits, such as +49 30 901820."))
    return value


def fit_currency(value: str) -> str:
    """Return the text if it has the form of an ISO 4217 code."""
    if not is_currency(value):
        raise ValueError(_("Enter a currency as three capital letters, such as EUR."))
    return value


RULES: Mapping[str, Callable[[str], str]] = {
    "currency": fit_currency,
    "email": fit_email,
    "phone": fit_phone,
    "time": fit_time,
    "website": fit_website,
    "zone": fit_zone,
}
