"""The days on which a task comes back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from quarterdeck_crm.models import Repeat
from quarterdeck_crm.tasks.recurrence import next_day

D = date.fromisoformat


@pytest.mark.parametrize(
    ("repeat", "every", "first", "after", "expected"),
    [
        (Repeat.DAILY, 1, "2026-11-27", "2026-11-27", "2026-11-28"),
        (Repeat.DAILY, 3, "2026-11-27", "2026-11-28", "2026-11-30"),
        (Repeat.WEEKDAYS, 1, "2026-11-27", "2026-11-27", "2026-11-30"),
        (Repeat.WEEKLY, 2, "2026-11-27", "2026-11-27", "2026-12-11"),
        (Repeat.MONTHLY, 1, "2026-01-31", "2026-01-31", "2026-02-28"),
        (Repeat.MONTHLY, 1, "2026-01-31", "2026-02-28", "2026-03-31"),
        (Repeat.MONTHLY, 1, "2026-01-30", "2026-02-28", "2026-03-30"),
        (Repeat.MONTHLY, 3, "2026-01-15", "2026-01-20", "2026-04-15"),
        (Repeat.YEARLY, 1, "2024-02-29", "2024-02-29", "2025-02-28"),
        (Repeat.YEARLY, 1, "2024-02-29", "2027-03-01", "2028-02-29"),
        (Repeat.YEARLY, 1, "9999-06-01", "9999-06-01", None),
    ],
)
def test_the_next_day(
    repeat: Repeat, every: int, first: str, after: str, expected: str | None
) -> None:
    found = next_day(repeat, every=every, first=D(first), after=D(after))

    assert found == (expected and D(expected))


def test_a_series_ends_with_its_last_day() -> None:
    series: dict[str, Any] = {"every": 1, "first": D("2026-11-27"), "after": D("2026-11-27")}

    assert next_day(Repeat.DAILY, **series, until=D("2026-11-28")) == D("2026-11-28")
    assert next_day(Repeat.DAILY, **series, until=D("2026-11-27")) is None
