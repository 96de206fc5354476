"""Dates, times and numbers as the reader writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

from babel import dates, numbers

from .config import STATE
from .selection import get_locale, get_timezone

Number = float | Decimal | str
NAMED_FORMATS = ("short", "medium", "long", "full")

#: What a format stands for: "medium" for none, and the pattern of the language for each name.
DATE_FORMATS: dict[str, str | None] = {
    "time": "medium",
    "date": "medium",
    "datetime": "medium",
    **{f"{kind}.{name}": None for kind in ("time", "date", "datetime") for name in NAMED_FORMATS},
}


def to_user_timezone(datetime: datetime) -> datetime:
    """Return the same time in the reader's zone; without a zone it is taken as UTC."""
    if datetime.tzinfo is None:
        datetime = datetime.replace(tzinfo=UTC)
    return datetime.astimezone(get_timezone())


def to_utc(datetime: datetime) -> datetime:
    """Return a time in UTC without ``tzinfo``; without a zone it is taken as the reader's."""
    if datetime.tzinfo is None:
        datetime = datetime.replace(tzinfo=get_timezone())
    return datetime.astimezone(UTC).replace(tzinfo=None)


def format_datetime(
    datetime: datetime | None = None, format: str | None = None, rebase: bool = True
) -> str:
    """Write a date and time in the reader's language and zone; now without an argument.

    Args:
        datetime: In UTC if it names no zone.
        format: ``short``, ``medium`` (the default), ``long``, ``full``, or a pattern of Babel.
        rebase: Whether it is converted to the reader's zone.
    """
    return _write(dates.format_datetime, datetime, _pattern("datetime", format), rebase)


def format_date(
    date: date | datetime | None = None, format: str | None = None, rebase: bool = True
) -> str:
    """Write the date alone, in the reader's zone if a datetime is given; as format_datetime."""
    if rebase and isinstance(date, datetime):
        date = to_user_timezone(date)
    return dates.format_date(date, _pattern("date", format), locale=get_locale())


def format_time(
    time: time | datetime | None = None, format: str | None = None, rebase: bool = True
) -> str:
    """Write the time of day alone; as :func:`format_datetime`."""
    return _write(dates.format_time, time, _pattern("time", format), rebase)


def format_timedelta(
    datetime_or_timedelta: datetime | timedelta,
    granularity: Literal["year", "month", "week", "day", "hour", "minute", "second"] = "second",
    add_direction: bool = False,
    threshold: float = 0.85,
) -> str:
    """Write a length of time, or the time since a datetime, such as "3 hours".

    Args:
        granularity: The smallest unit.
        add_direction: Whether it is written as "3 hours ago" or "in 3 hours". A datetime of the
            past counts as the time since then, so it is "in" here, as in Flask-Babel.
        threshold: From which part of the next larger unit on that unit is used.
    """
    length = datetime_or_timedelta
    if isinstance(length, datetime):
        length = length.replace(tzinfo=UTC) if length.tzinfo is None else length
        length = datetime.now(UTC) - length
    return dates.format_timedelta(
        length, granularity, threshold=threshold, add_direction=add_direction, locale=get_locale()
    )


def format_number(number: Number) -> str:
    """Write a number with the reader's separators."""
    return numbers.format_decimal(number, locale=get_locale())


def format_decimal(number: Number, format: str | None = None) -> str:
    """Write a number with the reader's separators, or by a pattern such as ``#,##0.00``."""
    return numbers.format_decimal(number, format=format, locale=get_locale())


def format_currency(
    number: Number,
    currency: str,
    format: str | None = None,
    currency_digits: bool = True,
    format_type: Literal["name", "standard", "accounting"] = "standard",
) -> str:
    """Write an amount with its currency, such as "$1,099.00".

    Args:
        currency: Its code, such as ``EUR``.
        currency_digits: Whether it has the usual number of decimals of the currency.
    """
    return numbers.format_currency(
        number,
        currency,
        format=format,
        locale=get_locale(),
        currency_digits=currency_digits,
        format_type=format_type,
    )


def format_percent(number: Number, format: str | None = None) -> str:
    """Write a part of one in percent: 0.19 as "19%"."""
    return numbers.format_percent(number, format=format, locale=get_locale())


def format_scientific(number: Number, format: str | None = None) -> str:
    """Write a number with an exponent: 10000 as "1E4"."""
    return numbers.format_scientific(number, format=format, locale=get_locale())


def _pattern(kind: str, format: str | None) -> str:
    formats = STATE.get().instance.date_formats
    name = format or formats[kind] or "medium"
    if name in NAMED_FORMATS:
        return formats[f"{kind}.{name}"] or name
    return name


def _write(formatter: Callable[..., str], value: Any, pattern: str, rebase: bool) -> str:
    zone = {"tzinfo": get_timezone()} if rebase else {}
    return formatter(value, pattern, locale=get_locale(), **zone)
