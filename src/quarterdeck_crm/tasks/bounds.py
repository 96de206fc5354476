"""The ends of the parts of a user's day: overdue, today, and the next seven days.

The days are those of the user's time zone. A task for a whole day is overdue when the day has
passed, one with a time as soon as the time has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_

from quarterdeck_crm.models import Task, User
from quarterdeck_crm.validation.times import instant

WEEK = timedelta(days=7)
EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)  # of MySQL


@dataclass(frozen=True, slots=True)
class Bounds:
    """The ends of the parts of a day: instants for tasks with a time, days for the others.

    A day stands for its midnight in UTC, as ``Task.due_at`` of a whole day does.
    """

    now: datetime
    today: datetime
    tomorrow: datetime
    tomorrow_at: datetime
    week_end: datetime
    week_end_at: datetime

    @classmethod
    def of(cls, now: datetime, zone: ZoneInfo) -> Bounds:
        day = now.astimezone(zone).date()
        tomorrow, end = day + timedelta(days=1), day + timedelta(days=1) + WEEK
        return cls(
            now,
            datetime.combine(day, time(), UTC),
            datetime.combine(tomorrow, time(), UTC),
            instant(tomorrow, None, zone),
            datetime.combine(end, time(), UTC),
            instant(end, None, zone),
        )

    @property
    def end(self) -> datetime:
        """An instant behind everything that is due within the week."""
        return max(self.week_end, self.week_end_at)

    def part(self, task: Task) -> str:
        """Return ``overdue``, ``today``, ``week`` or ``later``."""
        at, is_whole = task.due_at, task.due_time is None
        if at < (self.today if is_whole else self.now):
            return "overdue"
        if at < (self.tomorrow if is_whole else self.tomorrow_at):
            return "today"
        return "week" if at < (self.week_end if is_whole else self.week_end_at) else "later"

    def span(self, part: str) -> Span:
        """Return the ends of a part."""
        begin_day, begin, end_day, end = {
            "overdue": (EARLIEST, EARLIEST, self.today, self.now),
            "today": (self.today, self.now, self.tomorrow, self.tomorrow_at),
            "week": (self.tomorrow, self.tomorrow_at, self.week_end, self.week_end_at),
        }[part]
        ends = (begin_day, begin, end_day, end)
        return Span(*ends, first=min(begin_day, begin), last=max(end_day, end))


class Span(NamedTuple):
    """The ends of a part, or parameters for them; ``first`` and ``last`` hold for all tasks."""

    begin_day: Any
    begin: Any
    end_day: Any
    end: Any
    first: Any
    last: Any

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions for the tasks of the part; the first two use an index."""
        is_whole = Task.due_time.is_(None)
        of_day = (is_whole, Task.due_at >= self.begin_day, Task.due_at < self.end_day)
        timed = (~is_whole, Task.due_at >= self.begin, Task.due_at < self.end)
        return [
            Task.due_at >= self.first,
            Task.due_at < self.last,
            or_(and_(*of_day), and_(*timed)),
        ]


def zone_name(user: User | None) -> str:
    """Return the time zone of a user; UTC if the user has not chosen one."""
    return (user.zone if user is not None else None) or "UTC"
