"""The day of a user: what is overdue, due today, and due in the next seven days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import Task, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.task import NEVER
from quarterdeck_crm.validation.times import load_zone

from .bounds import Bounds, zone_name
from .queries import with_names

MAX_TASKS = 200  # with a date, of a day
MAX_UNDATED = 20


@dataclass(frozen=True, slots=True)
class Day:
    """The open tasks of a user.

    Attributes:
        overdue: The late ones, the oldest first.
        today: Those of today.
        week: Those of the seven days behind today.
        undated: Some of those without a date.
        is_cut: Whether there are more with a date than were read.
    """

    overdue: Sequence[Task]
    today: Sequence[Task]
    week: Sequence[Task]
    undated: Sequence[Task]
    is_cut: bool

    @property
    def is_empty(self) -> bool:
        return not (self.overdue or self.today or self.week or self.undated)


async def read_day(
    session: AsyncSession, *, user: User, now: datetime | None = None, undated: bool = True
) -> Day:
    """Return the open tasks of a user for the next days, in one statement or two.

    Args:
        session: The db session.
        user: The assignee. The days are those of the time zone of this user.
        now: The present instant if not given.
        undated: Whether to read tasks without a date as well.
    """
    bounds = Bounds.of(now or utc_now(), await load_zone(zone_name(user)))
    own = (
        select(Task)
        .where(Task.assignee_id == user.id, Task.is_done.is_(False))
        .options(*with_names())
    )
    dated = own.where(Task.due_at < bounds.end).order_by(Task.due_at, Task.id)
    tasks = (await session.scalars(dated.limit(MAX_TASKS + 1))).all()
    parts: dict[str, list[Task]] = {"overdue": [], "today": [], "week": [], "later": []}
    for task in tasks[:MAX_TASKS]:
        parts[bounds.part(task)].append(task)
    others: Sequence[Task] = ()
    if undated:
        without = own.where(Task.due_at == NEVER).order_by(Task.id.desc()).limit(MAX_UNDATED)
        others = (await session.scalars(without)).all()
    return Day(
        parts["overdue"], parts["today"], parts["week"], others, is_cut=len(tasks) > MAX_TASKS
    )
