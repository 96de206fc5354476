"""The schedules that administrators can choose, and all schedules in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quarterdeck.apscheduler import Job, describe_trigger

UNITS = {"minutes": "minutes", "hours": "hours", "days": "days"}
SINGLE = {"minutes": "Every minute", "hours": "Every hour", "days": "Every 24 hours"}
_SECONDS = {"minutes": 60, "hours": 3600, "days": 86400}
DAYS = {
    "*": "Every day",
    "mon-fri": "Monday to Friday",
    "mon": "Every Monday",
    "tue": "Every Tuesday",
    "wed": "Every Wednesday",
    "thu": "Every Thursday",
    "fri": "Every Friday",
    "sat": "Every Saturday",
    "sun": "Every Sunday",
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A time on some days, or an interval.

    Attributes:
        days: A key of ``DAYS``; None for an interval.
        hour: Of the time; None is every hour.
        minute: Of the time.
        every: The interval.
        unit: Of the interval, a key of ``UNITS``.
    """

    days: str | None = None
    hour: int | None = None
    minute: int = 0
    every: int = 1
    unit: str = "hours"

    def trigger(self) -> dict[str, Any]:
        """Return it for the scheduler."""
        if self.days is None:
            return {"type": "interval", self.unit: self.every}
        hour = "*" if self.hour is None else self.hour
        return {"type": "cron", "day_of_week": self.days, "hour": hour, "minute": self.minute}

    def __str__(self) -> str:
        if self.days is None:
            return f"Every {self.every} {self.unit}" if self.every > 1 else SINGLE[self.unit]
        if self.hour is None:
            words = f"hour at :{self.minute:02}"
            return f"Every {words}" if self.days == "*" else f"{DAYS[self.days]}, each {words}"
        return f"{DAYS[self.days]} at {self.hour:02}:{self.minute:02}"


def schedule_of(job: Job) -> Schedule | None:
    """Return the schedule of a job; None if administrators could not have chosen it."""
    spec = job.trigger_spec()
    kind = spec["type"]
    if kind == "interval" and "jitter" not in spec:
        return _interval(int(spec["seconds"]))
    known = {"type", "day_of_week", "hour", "minute", "timezone"}
    if kind != "cron" or not spec.keys() <= known:
        return None
    return _time(spec)


def in_words(job: Job) -> str:
    """Return the schedule of a job in words."""
    schedule = schedule_of(job)
    return describe_trigger(job.trigger) if schedule is None else str(schedule)


def _interval(seconds: int) -> Schedule | None:
    for unit in ("days", "hours", "minutes"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return Schedule(every=seconds // _SECONDS[unit], unit=unit)
    return None


def _time(spec: Mapping[str, str]) -> Schedule | None:
    days = spec.get("day_of_week", "*")
    hour, minute = spec.get("hour", "*"), spec.get("minute", "0" if "hour" in spec else "*")
    if days not in DAYS or not minute.isdecimal() or not (hour == "*" or hour.isdecimal()):
        return None
    return Schedule(days=days, hour=None if hour == "*" else int(hour), minute=int(minute))
