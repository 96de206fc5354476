"""The days on which a task comes back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from dateutil.rrule import DAILY, FR, MO, MONTHLY, TH, TU, WE, WEEKLY, YEARLY, rrule

from quarterdeck_crm.models import Repeat

MAX_EVERY = 1_000
SHORTEST_MONTH = 28

_OPTIONS: Mapping[Repeat, dict[str, Any]] = {
    Repeat.DAILY: {"freq": DAILY},
    Repeat.WEEKDAYS: {"freq": WEEKLY, "byweekday": (MO, TU, WE, TH, FR)},
    Repeat.WEEKLY: {"freq": WEEKLY},
    Repeat.MONTHLY: {"freq": MONTHLY},
    Repeat.YEARLY: {"freq": YEARLY},
}


def next_day(
    repeat: Repeat, *, every: int, first: date, after: date, until: date | None = None
) -> date | None:
    """Return the first day of a series behind ``after``; None if the series has ended.

    A series that begins on the 31st comes on the last day of shorter months, and then on the 31st
    again.

    Args:
        repeat: The unit of the interval.
        every: The interval; that of weekdays counts weeks.
        first: The first day of the series.
        after: A day.
        until: The last day on which the task may come.
    """
    options = dict(_OPTIONS[repeat])
    if first.day > SHORTEST_MONTH and repeat in (Repeat.MONTHLY, Repeat.YEARLY):
        # The last of these days that the month has.
        options |= {"bymonthday": range(SHORTEST_MONTH, first.day + 1), "bysetpos": -1}
        if repeat is Repeat.YEARLY:
            options["bymonth"] = first.month
    try:
        end = datetime.combine(until or date.max - timedelta(days=1), time())
        series = rrule(dtstart=datetime.combine(first, time()), interval=every, **options)
        found = series.after(datetime.combine(after, time()))
    except (OverflowError, ValueError):  # beyond the year 9999
        return None
    return found.date() if found is not None and found <= end else None
