"""The calendar feed: the open tasks of a user as iCalendar (RFC 5545), at a secret address.

The address is shown once, when it is made; the database has only its hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.languages import language_of
from quarterdeck_crm.mail.links import shown_url
from quarterdeck_crm.models import AuditAction, Task, User
from quarterdeck_crm.models.task import NEVER

from .queries import with_names

MAX_TASKS = 1_000
DURATION = timedelta(minutes=30)  # of a task with a time, so that calendars draw it
REFRESH = timedelta(minutes=15)
PRIORITIES = {1: 1, 2: 5, 3: 9}  # ours, and those of the standard


@dataclass(frozen=True, slots=True)
class Feed:
    """The contents of a feed.

    Attributes:
        user: The assignee of the tasks.
        tasks: Those with a date, the next first.
        as_todos: Whether to write them as to-dos instead of events.
        etag: Changes with every task, and with the names in the file.
    """

    user: User
    tasks: Sequence[Task]
    as_todos: bool
    etag: str


async def make_feed(session: AsyncSession, *, user: User) -> str:
    """Return a new secret for the address of a user's feed; a former one ends.

    Raises:
        ConflictError: If the user was disabled at the same moment, which ended the feed.
    """
    secret = secrets.token_urlsafe(32)
    row = await _hold(session, user)
    if not row.is_active:
        raise ConflictError(_("%(name)s is disabled. Enable this user first.", name=row.name))
    row.calendar_digest = _digest(secret)
    await session.flush()
    await record_audit(session, AuditAction.CALENDAR_CREATED, user=row)
    return secret


async def end_feed(session: AsyncSession, *, user: User) -> None:
    """End the feed of a user; without one nothing happens."""
    row = await _hold(session, user)
    if row.calendar_digest is not None:
        row.calendar_digest = None
        await session.flush()
        await record_audit(session, AuditAction.CALENDAR_REVOKED, user=row)


async def _hold(session: AsyncSession, user: User) -> User:
    """Return a user as it is until the end of the transaction."""
    return await session.get_one(User, user.id, populate_existing=True, with_for_update=True)


async def read_feed(session: AsyncSession, *, secret: str, as_todos: bool) -> Feed:
    """Return the feed of an address.

    Raises:
        NotFoundError: If there is none: it was renewed or ended, or its user is disabled.
    """
    user = await session.scalar(
        select(User).where(User.calendar_digest == _digest(secret), User.is_active)
    )
    if user is None:
        raise NotFoundError(_("There is no such calendar. It may have a new address."))
    statement = (
        select(Task)
        .where(Task.assignee_id == user.id, ~Task.is_done, Task.due_at < NEVER)
        .order_by(Task.due_at, Task.id)
        .limit(MAX_TASKS)
        .options(*with_names())
    )
    tasks = (await session.scalars(statement)).all()
    state: list[Any] = [user.id, user.name, user.language, as_todos]
    state += [(task.id, task.version, task.account and task.account.name) for task in tasks]
    return Feed(user, tasks, as_todos, hashlib.sha256(repr(state).encode()).hexdigest()[:32])


async def write_feed(feed: Feed) -> bytes:
    """Return a feed as a file; writing takes long, so it is done in a thread."""
    links = {task.id: shown_url("tasks.show", task_id=task.id) for task in feed.tasks}
    with language_of(feed.user):
        return await asyncio.to_thread(_write, feed, links)


def _write(feed: Feed, links: dict[int, str]) -> bytes:
    from icalendar import Calendar  # it takes half a second to import

    calendar = Calendar()
    calendar.add("prodid", "-//Quarterdeck//CRM//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", _("Tasks of %(name)s", name=feed.user.name))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for task in feed.tasks:
        calendar.add_component(_component(task, links[task.id], as_todo=feed.as_todos))
    return bytes(calendar.to_ical())


def _component(task: Task, url: str, *, as_todo: bool) -> Any:
    from icalendar import Event, Todo

    due = task.due or task.due_on
    entry: Any = Todo() if as_todo else Event()
    entry.add("uid", f"{task.reference}@quarterdeck")
    entry.add("dtstamp", task.updated_at)
    entry.add("last-modified", task.updated_at)
    entry.add("created", task.created_at)
    entry.add("sequence", task.version - 1)
    entry.add("summary", task.title)
    entry.add("priority", PRIORITIES[task.priority])
    entry.add("url", url)
    words = [task.details, task.account.name if task.account else None, url]
    entry.add("description", "\n\n".join(text for text in words if text))
    if as_todo:
        entry.add("due", due)
        entry.add("status", "NEEDS-ACTION")
    else:
        entry.add("dtstart", due)
        entry.add("duration", DURATION if task.due else timedelta(days=1))
        entry.add("transp", "TRANSPARENT")
    return entry


def _digest(secret: str) -> str:
    """Return the stored hash. A plain one is enough for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
