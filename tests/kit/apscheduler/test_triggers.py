"""Triggers as JSON, and on the days on which the clocks change."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from quarterdeck.apscheduler.triggers import describe_trigger, make_trigger, spec_of, trigger_of

pytestmark = pytest.mark.feature("SC2")

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 26, 12, tzinfo=BERLIN)

TRIGGERS = [
    DateTrigger(datetime(2027, 1, 1, 8, tzinfo=BERLIN)),
    IntervalTrigger(weeks=1, hours=2, start_date=NOON, jitter=3),
    IntervalTrigger(seconds=5, start_date=NOON.astimezone(timezone(timedelta(hours=-3)))),
    CronTrigger(month="1-3", day="last", hour="*/2", timezone=BERLIN, end_date=NOON),
    CronTrigger(second="*", timezone=UTC),
    CalendarIntervalTrigger(months=1, hour=8, start_date=date(2026, 12, 1), timezone=BERLIN),
    OrTrigger([CronTrigger(hour=2, timezone=BERLIN), DateTrigger(NOON)], jitter=1),
]


def fires(trigger: BaseTrigger, start: datetime, count: int = 3) -> list[str]:
    """Return the next times, as UTC and as the clock shows them."""
    found, previous = [], None
    for _ in range(count):
        previous = trigger.get_next_fire_time(previous, previous or start)
        if previous is None:
            break
        found.append(f"{previous.astimezone(UTC):%d %H:%M} {previous:%H:%M}")
    return found


@pytest.mark.parametrize("trigger", TRIGGERS, ids=str)
def test_a_trigger_is_the_same_after_it_was_written(trigger: BaseTrigger) -> None:
    written = json.loads(json.dumps(spec_of(trigger)))
    again = trigger_of(written)

    assert spec_of(again) == written
    if not getattr(trigger, "jitter", None):
        assert fires(again, NOON) == fires(trigger, NOON)


def test_a_trigger_of_another_class_is_refused() -> None:
    with pytest.raises(TypeError, match="AndTrigger is not supported"):
        spec_of(AndTrigger([CronTrigger(hour=2), CronTrigger(minute=0)]))


SPRING = datetime(2026, 3, 28, 12, tzinfo=BERLIN)  # at 02:00 of the 29th it becomes 03:00
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=BERLIN)  # at 03:00 of the 25th it becomes 02:00


@pytest.mark.parametrize(
    ("kind", "options", "start", "expected"),
    [
        ("cron", {"hour": 2, "minute": 30}, SPRING, ["29 01:30 03:30", "30 00:30 02:30"]),
        ("cron", {"hour": 2, "minute": 30}, AUTUMN, ["25 00:30 02:30", "26 01:30 02:30"]),
        (
            "cron",
            {"minute": 30},
            AUTUMN.replace(day=25, hour=1, minute=45),
            ["25 00:30 02:30", "25 01:30 02:30", "25 02:30 03:30"],
        ),
        (
            "cron",
            {"minute": 30},
            SPRING.replace(day=29, hour=0, minute=45),
            ["29 00:30 01:30", "29 01:30 03:30"],
        ),
        (
            "calendarinterval",
            {"days": 1, "hour": 2, "minute": 30, "start_date": "2026-03-28"},
            SPRING,
            ["30 00:30 02:30", "31 00:30 02:30"],
        ),
        (
            "calendarinterval",
            {"days": 1, "hour": 2, "minute": 30, "start_date": "2026-10-25"},
            AUTUMN,
            ["25 00:30 02:30", "26 01:30 02:30"],
        ),
        (
            "interval",
            {"days": 1, "start_date": "2026-03-28T02:30"},
            SPRING,
            ["29 01:30 03:30", "30 01:30 03:30"],
        ),
        (
            "interval",
            {"days": 1, "start_date": "2026-10-24T02:30"},
            AUTUMN,
            ["25 00:30 02:30", "26 00:30 01:30"],
        ),
    ],
)
def test_a_job_at_half_past_two_when_the_clocks_change(
    kind: str, options: dict[str, Any], start: datetime, expected: list[str]
) -> None:
    trigger = make_trigger(kind, options, BERLIN)
    assert fires(trigger, start, len(expected)) == expected
    assert fires(trigger_of(spec_of(trigger)), start, len(expected)) == expected


def test_triggers_in_words() -> None:
    assert describe_trigger(make_trigger("cron", {"hour": 2}, UTC)) == "cron: hour=2"
    assert (
        describe_trigger(make_trigger("interval", {"hours": 1}, UTC)) == "interval: seconds=3600.0"
    )
    both = OrTrigger([CronTrigger(hour=2), CronTrigger(hour=4)])
    assert describe_trigger(both) == "cron: hour=2 or cron: hour=4"
