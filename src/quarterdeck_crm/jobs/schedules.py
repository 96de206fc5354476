"""The schedules that administrators can choose, and all schedules in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quarterdeck.apscheduler import Job, describe_trigger
from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages import lazy as _l

UNITS = {"minutes": _l("minutes"), "hours": _l("hours"), "days": _l("days")}
SINGLE = {"minutes": _l("Every minute"), "hours": _l("Every hour"), "days": _l("Every 24 hours")}
_SECONDS = {"minutes": 60, "hours": 3600, "days": 86400}
DAYS = {
    "*": _l("Every day"),
    "mon-fri": _l("Monday to Friday"),
    "mon": _l("Every Monday"),
    "tue": _l("Every Tuesday"),
    "wed": _l("Every Wednesday"),
    "thu": _l("Every Thursday"),
    "fri": _l("Every Friday"),
    "sat": _l("Every Saturday"),
    "sun": _l("Every Sunday"),
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
            if self.every == 1:
                return str(SINGLE[self.unit])
            return _("Every %(count)s %(unit)s", count=self.every, unit=UNITS[self.unit])
        if self.hour is None:
            minute = f"{self.minute:02}"
            if self.days == "*":
                return _("Every hour at :%(minute)s", minute=minute)
            days = DAYS[self.days]
            return _("%(days)s, each hour at :%(minute)s", days=days, minute=minute)
        clock = f"{self.hour:02}:{self.minute:02}"
        return _("%(days)s at %(time)s", days=DAYS[self.days], time=clock)


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
    spec = job.trigger_spec()
    rules = {name: value for name, value in spec.items() if name != "timezone"}
    if rules == {"type": "cron", "minute": "*"}:
        return _("each minute")
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
