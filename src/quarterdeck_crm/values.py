"""Entered values made fit for a table, by the rules that its columns state.

Forms, the API and imports all end in the same services, and those in ``clean``: so a limit is
written once, at the column, and every way in tells of all wrong fields at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Column, Date, Integer, String, inspect

from quarterdeck.sqlalchemy import ExactDecimal

from .errors import ValidationError

REQUIRED = "This is required."
LONGEST_TEXT = 20_000  # characters of a column without a length of its own
LARGEST_INTEGER = 2**31 - 1

Errors = dict[str, list[str]]


class Problems:
    """All that is wrong with an entry of several parts, told at once."""

    def __init__(self) -> None:
        self.errors: Errors = {}

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Keep a ValidationError of the block for later."""
        try:
            yield
        except ValidationError as error:
            for name, texts in error.errors.items():
                self.errors.setdefault(name, texts)

    def raise_if_any(self) -> None:
        """Raise everything that was kept.

        Raises:
            ValidationError: If anything was.
        """
        if self.errors:
            raise ValidationError(self.errors)


def clean(
    model: type[Any], values: Mapping[str, Any], *, fields: Collection[str], complete: bool = False
) -> dict[str, Any]:
    """Return those of ``values`` that are in ``fields``, trimmed, converted and checked.

    Empty text becomes None. Numbers must not be negative.

    Args:
        model: The mapped class whose columns state the rules.
        values: What was entered; names that are not in ``fields`` are left out.
        fields: The attributes that may be set.
        complete: Whether a required field may not be missing (a new row) or may (an edit).

    Raises:
        ValidationError: If a value cannot be stored as it is.
    """
    columns = inspect(model).columns
    cleaned: dict[str, Any] = {}
    errors: Errors = {}
    for name in fields:
        if name not in values and not complete:
            continue
        try:
            value = _fit(columns[name], values.get(name))
        except ValueError as error:
            errors[name] = [str(error)]
        else:
            if value is not None or columns[name].default is None:
                cleaned[name] = value
    if errors:
        raise ValidationError(errors)
    return cleaned


def longest(attribute: Any) -> int:
    """Return how many characters a text column holds, for the form field over it."""
    return getattr(attribute.type, "length", None) or LONGEST_TEXT


def _fit(column: Column[Any], value: Any) -> Any:
    if isinstance(value, str):
        value = value.replace("\0", "").strip() or None
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
            return _fit_date(value)
        case String():
            text = _fit_text(str(value), longest(column))
            return fit_email(text) if column.info.get("email") else text
        case _:
            return value


def fit_email(value: str) -> str:
    """Return the text if it has the form of an e-mail address."""
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        raise ValueError("Enter an e-mail address, such as name@example.com.") from None
    return value


def fit_decimal(value: Any, *, precision: int, scale: int) -> Decimal:
    """Return an exact decimal that the column holds without rounding."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("Enter a number.") from None
    if not number.is_finite():
        raise ValueError("Enter a number.")
    if number < 0:
        raise ValueError("Enter a number that is not negative.")
    if number >= Decimal(10) ** (precision - scale):
        raise ValueError("That number is too large.")
    if number != round(number, scale):
        raise ValueError(f"At most {scale} decimals are allowed.")
    return number


def fit_integer(value: Any) -> int:
    """Return a whole number that an INTEGER column holds."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ValueError("Enter a whole number.") from None
    if not 0 <= number <= LARGEST_INTEGER:
        raise ValueError("Enter a whole number from 0 to 2147483647.")
    return number


def _fit_date(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("Enter a date as YYYY-MM-DD.") from None


def _fit_text(value: str, length: int) -> str:
    if len(value) > length:
        raise ValueError(f"At most {length} characters are allowed.")
    return value
