"""Rules of tasks. ``actor`` is the user that acts; None is the system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ForbiddenError, NotFoundError
from quarterdeck_crm.events.announcements import announce_task_deleted
from quarterdeck_crm.history.recording import flush, forget, record, require_version, store
from quarterdeck_crm.models import (
    AuditAction,
    Role,
    Task,
    User,
)
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.notifications.services import notify_assigned
from quarterdeck_crm.validation.times import load_zone

from .bounds import zone_name
from .queries import with_names
from .recurrence import next_day
from .rules import LAST_YEAR, check_task, shifted


async def get_task(session: AsyncSession, *, task_id: int) -> Task:
    """Return a task as it is now, with the names of its users and records.

    Raises:
        NotFoundError: If there is none of that id.
    """
    statement = select(Task).where(Task.id == task_id).options(*with_names())
    task = await session.scalar(statement.execution_options(populate_existing=True))
    if task is None:
        raise NotFoundError(_("There is no such task. It may have been deleted."))
    return task


async def create_task(
    session: AsyncSession, *, actor: User | None, values: Mapping[str, Any]
) -> Task:
    """Add a task; without an ``assignee_id`` in ``values`` it is for the actor.

    Without a ``zone``, date and time are in the time zone of the actor.

    Raises:
        ValidationError: If a value cannot be accepted.
    """
    own = {"assignee_id": actor.id if actor else None, "zone": zone_name(actor)}
    given = own | {name: value for name, value in values.items() if (name, value) != ("zone", None)}
    cleaned = await check_task(session, values=given)
    task = Task(**cleaned, creator_id=actor.id if actor else None, is_done=False)
    session.add(task)
    await flush(session, task)
    record(session, actor=actor, subject=task, action="created")
    await notify_assigned(session, actor=actor, record=task)
    return task


async def update_task(
    session: AsyncSession,
    *,
    actor: User | None,
    task: Task,
    values: Mapping[str, Any],
    version: int,
) -> Task:
    """Change a task that was read at ``version``; names not in ``values`` stay.

    Raises:
        ConflictError: If another save came after that version.
        ForbiddenError: If the actor may not change it.
        ValidationError: If a value cannot be accepted.
    """
    require_change(actor, task)
    require_version(task, version)
    cleaned = await check_task(session, values=values, task=task)
    before = task.assignee_id
    await store(session, actor=actor, row=task, values=cleaned)
    await notify_assigned(session, actor=actor, record=task, before=before)
    return task


async def complete_task(session: AsyncSession, *, actor: User | None, task_id: int) -> Task | None:
    """Mark a task as done; doing it twice changes nothing.

    Returns:
        The next task of the series, if this call made one.

    Raises:
        ForbiddenError: If the actor may not change it.
        NotFoundError: If there is no such task.
    """
    task = await _lock(session, task_id)
    require_change(actor, task)
    if task.is_done:
        return None
    now = utc_now()
    await store(
        session, actor=actor, row=task, values={"is_done": True, "done_at": now}, action="done"
    )
    return await _make_next(session, actor, task, now)


async def reopen_task(session: AsyncSession, *, actor: User | None, task_id: int) -> None:
    """Take up a task again that was done; the next one of a series stays.

    Raises:
        ForbiddenError: If the actor may not change it.
        NotFoundError: If there is no such task.
    """
    task = await _lock(session, task_id)
    require_change(actor, task)
    if task.is_done:
        values = {"is_done": False, "done_at": None}
        await store(session, actor=actor, row=task, values=values, action="reopened")


async def delete_task(session: AsyncSession, *, actor: User | None, task: Task) -> None:
    """Delete a task with its history.

    Raises:
        ForbiddenError: If the actor may not change it.
    """
    require_change(actor, task)
    await forget(session, task)
    await session.delete(task)
    await flush(session, task)
    subject = f"task {task.title}"[:254]
    await record_audit(session, AuditAction.DELETED, actor=actor, subject=subject)
    announce_task_deleted(session, task, actor=actor)


async def follow(session: AsyncSession, *, account_id: int, **record: int) -> None:
    """Let the tasks of a record follow it to another account.

    Args:
        session: The db session.
        account_id: The new account.
        record: ``order_id`` or ``deal_id``.
    """
    ((name, id_),) = record.items()
    values = {"account_id": account_id, "version": Task.version + 1, "updated_at": utc_now()}
    moved = update(Task).where(getattr(Task, name) == id_).values(values)
    await session.execute(moved.execution_options(synchronize_session=False))


def may_change(actor: User | None, task: Task) -> bool:
    """Whether ``actor`` may change a task: its assignee, its creator and every moderator may.

    A task without an assignee is open to all.
    """
    if actor is None or actor.role.includes(Role.MODERATOR) or task.assignee_id is None:
        return True
    return actor.id in (task.assignee_id, task.creator_id)


def require_change(actor: User | None, task: Task) -> None:
    """Refuse changes that ``may_change`` does not allow.

    Raises:
        ForbiddenError: If the task is for another user.
    """
    if not may_change(actor, task):
        raise ForbiddenError(
            _("This task is for another user. Ask its assignee or a moderator to change it.")
        )


async def _lock(session: AsyncSession, task_id: int) -> Task:
    """Return a task that no other transaction changes before the end of this one."""
    statement = select(Task).where(Task.id == task_id).with_for_update()
    task = await session.scalar(statement.execution_options(populate_existing=True))
    if task is None:
        raise NotFoundError(_("There is no such task. It may have been deleted."))
    return task


async def _make_next(
    session: AsyncSession, actor: User | None, task: Task, now: datetime
) -> Task | None:
    """Make the next task of a series, unless there is one."""
    if task.repeat is None or task.due_on is None:
        return None
    if await session.scalar(select(Task.id).where(Task.follows_id == task.id)) is not None:
        return None
    today = now.astimezone(await load_zone(task.zone)).date()
    due_on = next_day(
        task.repeat,
        every=task.repeat_every,
        first=task.repeat_from or task.due_on,
        # Missed days are not made up for, but today is not left out.
        after=max(task.due_on, today - timedelta(days=1)),
        until=task.repeat_until,
    )
    if due_on is None:
        return None
    values = shifted(task, due_on)
    days = (values["due_on"], values["remind_on"])
    if any(day and day.year > LAST_YEAR for day in days):
        return None
    if not await _may_be_assigned(session, task.assignee_id):
        values["assignee_id"] = None
    cleaned = await check_task(session, values=values)
    cleaned["repeat_from"] = task.repeat_from or task.due_on
    follower = Task(**cleaned, creator_id=task.creator_id, follows_id=task.id, is_done=False)
    session.add(follower)
    await flush(session, follower)
    record(session, actor=actor, subject=follower, action="created")
    return follower


async def _may_be_assigned(session: AsyncSession, user_id: int | None) -> bool:
    if user_id is None:
        return True
    return bool(await session.scalar(select(User.is_active).where(User.id == user_id)))
