"""The triggers of APScheduler: made from options, and written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from apscheduler.util import astimezone

Spec = dict[str, Any]

_SPAN = ("start_date", "end_date", "timezone", "jitter")
_CRON = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second")
_UNITS = ("weeks", "days", "hours", "minutes", "seconds")
_CALENDAR = ("years", "months", "weeks", "days", "hour", "minute", "second")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "date": ("run_date", "timezone"),
    "interval": (*_UNITS, *_SPAN),
    "cron": (*_CRON, *_SPAN),
    "calendarinterval": (*_CALENDAR, *_SPAN),
}
ALL_OPTIONS = frozenset(name for names in OPTIONS.values() for name in names)


class DaylightCronTrigger(CronTrigger):
    """A cron trigger that fires once per day on the days on which the clocks change.

    When they are set back, the times of one hour come twice. APScheduler fires at both. Here a
    trigger with a fixed ``hour`` fires at the first, as cron does; one for every hour at both.
    A time that is left out, when they are set forward, comes an hour later on the clock.
    """

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return the next time after ``previous`` as a time that the clock shows."""
        found = _as_shown(super().get_next_fire_time(previous, now), self.timezone)
        while found is not None and found.fold and self._has_fixed_hour():
            found = _as_shown(super().get_next_fire_time(found, found), self.timezone)
        return found

    def _has_fixed_hour(self) -> bool:
        (hour,) = (field for field in self.fields if field.name == "hour")
        return not str(hour).startswith("*")


class FutureCalendarTrigger(CalendarIntervalTrigger):
    """A calendar trigger whose first time is not before now, as with the other triggers."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return the next time after ``previous``, or the first from now on."""
        found: datetime | None = super().get_next_fire_time(previous, now)
        while found is not None and previous is None and found < now:
            found = super().get_next_fire_time(found, now)
        return found


def make_trigger(kind: str, options: Mapping[str, Any], default_zone: tzinfo) -> BaseTrigger:
    """Return a trigger.

    Args:
        kind: A key of ``OPTIONS``.
        options: Those of APScheduler; dates also as text in ISO 8601.
        default_zone: The time zone, if the options name none.

    Raises:
        ValueError: If an option cannot work; APScheduler's own text.
        TypeError: Likewise.
    """
    given = {"timezone": default_zone} | dict(options)
    given["timezone"] = zone_of(given["timezone"])
    as_date = date.fromisoformat if kind == "calendarinterval" else datetime.fromisoformat
    for name in ("run_date", "start_date", "end_date"):
        if isinstance(given.get(name), str):
            given[name] = as_date(given[name])
    return _CLASSES[kind](**given)


_CLASSES: Mapping[str, type[BaseTrigger]] = {
    "date": DateTrigger,
    "interval": IntervalTrigger,
    "cron": DaylightCronTrigger,
    "calendarinterval": FutureCalendarTrigger,
}


def spec_of(trigger: BaseTrigger) -> Spec:
    """Return a trigger as JSON: its kind as ``type``, and its options.

    Raises:
        TypeError: If it is of another class. APScheduler's ``AndTrigger`` is one: it searches
            without end for the second time.
    """
    if isinstance(trigger, OrTrigger):
        inner = [spec_of(each) for each in trigger.triggers]
        return {"type": "or", "triggers": inner, "jitter": trigger.jitter}
    if isinstance(trigger, DateTrigger):
        return {"type": "date", "run_date": trigger.run_date.isoformat()}
    if isinstance(trigger, IntervalTrigger):
        own: Spec = {"seconds": trigger.interval.total_seconds()}
        kind = "interval"
    elif isinstance(trigger, CronTrigger):
        own = {each.name: str(each) for each in trigger.fields if not each.is_default}
        kind = "cron"
    elif isinstance(trigger, CalendarIntervalTrigger):
        state = trigger.__getstate__()
        own = dict(zip(_CALENDAR, (*state["interval"], *state["time"]), strict=True))
        kind = "calendarinterval"
    else:
        raise TypeError(f"{type(trigger).__name__} is not supported")
    span = {name: _plain(getattr(trigger, name)) for name in _SPAN}
    return {"type": kind, **own, **{name: each for name, each in span.items() if each is not None}}


def trigger_of(spec: Spec) -> BaseTrigger:
    """Return the trigger that :func:`spec_of` has written."""
    options = dict(spec)
    kind = options.pop("type")
    if kind == "or":
        inner = [trigger_of(each) for each in options["triggers"]]
        return OrTrigger(inner, jitter=options["jitter"])
    return make_trigger(kind, options, UTC)


def describe_trigger(trigger: BaseTrigger) -> str:
    """Return a trigger in a few words, such as ``cron: hour=2, minute=30``."""
    spec = spec_of(trigger)
    if "triggers" in spec:
        return " or ".join(describe_trigger(each) for each in trigger.triggers)
    own = [f"{name}={spec[name]}" for name in spec if name not in {"type", *_SPAN}]
    return f"{spec['type']}: {', '.join(own) or 'every second'}"


def zone_of(value: Any) -> tzinfo:
    """Return a time zone by its name or offset; zones of pytz become those of zoneinfo."""
    if isinstance(value, str):
        return _named_zone(value)
    zone: tzinfo = astimezone(value)
    return zone


@cache
def _named_zone(name: str) -> tzinfo:
    """Read the rules of a time zone from disk, once."""
    if name[:1] in {"+", "-"}:
        hours, minutes = name[1:].split(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-offset if name[0] == "-" else offset)
    zone: tzinfo = astimezone(name)
    return zone


def _plain(value: Any) -> Any:
    """Return an option as JSON has it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tzinfo):
        name = getattr(value, "key", None)
        return name or ("UTC" if value is UTC else datetime.now(value).isoformat()[-6:])
    return value


def _as_shown(moment: datetime | None, zone: tzinfo) -> datetime | None:
    """Return a moment with the time that the clock of the zone shows then."""
    return None if moment is None else moment.astimezone(UTC).astimezone(zone)
