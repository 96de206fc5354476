"""How far two times are apart, in words and in numbers."""

from __future__ import annotations

from datetime import datetime, timedelta

from quarterdeck.exceptions import MomentArgumentError

# Up to which number of a unit it is used before the next larger one: moment.js's thresholds.
_STEPS = (
    ("minute", 60, 45),
    ("hour", 3600, 22),
    ("day", 86_400, 26),
    ("month", 86_400 * 30.4375, 11),
    ("year", 86_400 * 365.25, float("inf")),
)
_MILLISECONDS = {
    "milliseconds": 1,
    "seconds": 1000,
    "minutes": 60_000,
    "hours": 3_600_000,
    "days": 86_400_000,
    "weeks": 604_800_000,
}
_MONTHS = {"months": 1, "quarters": 3, "years": 12}


def in_words(distance: timedelta, *, plain: bool) -> str:
    """Return "in 2 hours", "2 hours ago" or "now"; ``plain`` leaves the direction out."""
    seconds = distance.total_seconds()
    count, unit = _measure(abs(seconds))
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    if plain:
        return words
    if not count:
        return "now"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def _measure(seconds: float) -> tuple[int, str]:
    if seconds < 45:
        return 0, "second"
    count, unit = 0, ""
    for unit, size, limit in _STEPS:  # noqa: B007  # the last one looked at is the answer
        count = max(1, round(seconds / size))
        if count < limit:
            break
    return count, unit


def difference(a: datetime, b: datetime, unit: str) -> int:
    """Return ``a - b`` in whole units, cut off towards zero as moment.js does.

    Raises:
        MomentArgumentError: If there is no such unit.
    """
    unit = unit if unit.endswith("s") else f"{unit}s"
    if unit in _MILLISECONDS:
        milliseconds = (a - b) // timedelta(milliseconds=1)
        return _divide(milliseconds, _MILLISECONDS[unit])
    if unit in _MONTHS:
        return _divide(_whole_months(a, b), _MONTHS[unit])
    units = ", ".join([*_MILLISECONDS, *_MONTHS])
    raise MomentArgumentError(unit, "is not a unit of time", f"Choose one of {units}.")


def _divide(number: int, by: int) -> int:
    return number // by if number >= 0 else -(-number // by)


def _whole_months(a: datetime, b: datetime) -> int:
    if a < b:
        return -_whole_months(b, a)
    months = (a.year - b.year) * 12 + a.month - b.month
    # A month is full when its day and clock come round; the last day of a short month counts.
    last = min(b.day, _days_in_month(a))
    return months - ((a.day, a.timetz()) < (last, b.timetz()))


def _days_in_month(moment: datetime) -> int:
    first = moment.replace(day=1)
    return ((first + timedelta(days=32)).replace(day=1) - timedelta(days=1)).day
