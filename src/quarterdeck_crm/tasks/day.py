"""The day of a user: what is overdue, due today, and due in the next seven days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import Task, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.task import NEVER
from quarterdeck_crm.validation.times import load_zone

from .bounds import Bounds, Span, zone_name
from .queries import with_names

PARTS = ("overdue", "today", "week")
UNDATED = "undated"
MAX_TASKS = 100  # of each part
MAX_UNDATED = 20


@dataclass(frozen=True, slots=True)
class Day:
    """The open tasks of a user.

    Attributes:
        parts: The first tasks of each part, in the order in which they are due: ``overdue``,
            ``today`` and ``week``, the seven days behind today. Some without a date are
            ``undated``, the newest first.
        cut: The parts that have more tasks than were read.
    """

    parts: Mapping[str, Sequence[Task]]
    cut: frozenset[str]

    @property
    def is_empty(self) -> bool:
        return not any(self.parts.values())


@dataclass(frozen=True, slots=True)
class NextTasks:
    """How many open tasks a user has, and the first of them.

    Attributes:
        counts: The number of tasks of each part, counted up to one more than ``MAX_TASKS``.
        first: The tasks that are due first.
    """

    counts: Mapping[str, int]
    first: Sequence[Task]


async def read_day(session: AsyncSession, *, user: User, now: datetime | None = None) -> Day:
    """Return the open tasks of a user for the next days, and some without a date.

    Args:
        session: The db session.
        user: The assignee. The days are those of the time zone of this user.
        now: The present instant if not given.
    """
    parts = await _find(session, user, now)
    cut = frozenset(part for part in PARTS if len(parts[part]) > MAX_TASKS)
    shown = {part: ids[:MAX_TASKS] for part, ids in parts.items()}
    tasks = await _load(session, [id_ for ids in shown.values() for id_ in ids])
    return Day({part: _in_order(tasks, ids) for part, ids in shown.items()}, cut)


async def read_next(
    session: AsyncSession, *, user: User, limit: int, now: datetime | None = None
) -> NextTasks:
    """Return the numbers of open tasks of a user, and the first ``limit`` of them.

    However many tasks there are, at most ``limit`` are loaded. For the arguments see ``read_day``.
    """
    parts = await _find(session, user, now)
    first = [id_ for part in PARTS for id_ in parts[part]][:limit]
    counts = {part: len(parts[part]) for part in PARTS}
    return NextTasks(counts, _in_order(await _load(session, first), first))


async def _find(session: AsyncSession, user: User, now: datetime | None) -> dict[str, list[int]]:
    """Return the ids of the first tasks of each part in their order, in one statement."""
    bounds = Bounds.of(now or utc_now(), await load_zone(zone_name(user)))
    values: dict[str, Any] = {"user_id": user.id, "limit": MAX_TASKS + 1}
    for part in PARTS:
        values |= {f"{part}_{name}": end for name, end in bounds.span(part)._asdict().items()}
    found: dict[str, list[tuple[datetime, int]]] = {part: [] for part in (*PARTS, UNDATED)}
    for part, due_at, id_ in await session.execute(_statement(), values):
        found[part].append((due_at, id_))
    parts = {part: [id_ for _due_at, id_ in sorted(tasks)] for part, tasks in found.items()}
    parts[UNDATED].reverse()  # the newest first
    return parts


@cache
def _statement() -> CompoundSelect[str, datetime, int]:
    """Return the statement of ``_find``; to build it takes longer than to run it."""

    def ids(part: str, *conditions: ColumnElement[bool]) -> Select[str, datetime, int]:
        own = (Task.assignee_id == bindparam("user_id"), ~Task.is_done)
        return select(literal(part).label("part"), Task.due_at, Task.id).where(*own, *conditions)

    few = []
    for part in PARTS:
        span = Span(*(bindparam(f"{part}_{name}") for name in Span._fields))
        ordered = ids(part, *span.conditions()).order_by(Task.due_at, Task.id)
        few.append(ordered.limit(bindparam("limit", type_=Integer)))
    undated = ids(UNDATED, Task.due_at == NEVER).order_by(Task.id.desc())
    few.append(undated.limit(MAX_UNDATED))
    return union_all(*(select(each.subquery()) for each in few))


async def _load(session: AsyncSession, ids: Sequence[int]) -> dict[int, Task]:
    found = await session.scalars(_by_id(), {"ids": ids})
    return {task.id: task for task in found}


@cache
def _by_id() -> Select[Task]:
    given: BindParameter[int] = bindparam("ids", expanding=True)
    return select(Task).where(Task.id.in_(given)).options(*with_names())


def _in_order(tasks: Mapping[int, Task], ids: Sequence[int]) -> list[Task]:
    return [tasks[id_] for id_ in ids if id_ in tasks]  # one may have been removed meanwhile
