"""The ends of the parts of a user's day: overdue, today, and the next seven days.

The days are those of the user's time zone. A task for a whole day is overdue when the day has
passed, one with a time as soon as the time has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_

from quarterdeck_crm.models import Task, User
from quarterdeck_crm.validation.times import instant

WEEK = timedelta(days=7)


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

    def conditions(self, part: str) -> list[ColumnElement[bool]]:
        """Return the conditions for the tasks of a part; the first of them uses an index."""
        is_whole = Task.due_time.is_(None)
        begin_day, begin, end_day, end = {
            "overdue": (None, None, self.today, self.now),
            "today": (self.today, self.now, self.tomorrow, self.tomorrow_at),
            "week": (self.tomorrow, self.tomorrow_at, self.week_end, self.week_end_at),
        }[part]
        before = or_(and_(is_whole, Task.due_at < end_day), and_(~is_whole, Task.due_at < end))
        found = [Task.due_at < max(end_day, end), before]
        if begin is not None and begin_day is not None:
            found.append(Task.due_at >= min(begin_day, begin))
            found.append(
                or_(and_(is_whole, Task.due_at >= begin_day), and_(~is_whole, Task.due_at >= begin))
            )
        return found


def zone_name(user: User | None) -> str:
    """Return the time zone of a user; UTC if the user has not chosen one."""
    return (user.zone if user is not None else None) or "UTC"
