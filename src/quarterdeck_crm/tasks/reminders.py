"""Reminders of tasks: a mail through the outbox and a message on open pages, once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.events.announcements import announce_reminder
from quarterdeck_crm.extensions import db
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.mail.links import public_url
from quarterdeck_crm.mail.sending import post_to_user, sends_mail
from quarterdeck_crm.models import Task, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.rows import changes_one

from .services import get_task

BATCH = 100


async def send_reminders(*, now: datetime | None = None) -> int:
    """Send the reminders that are due, and return how many were sent.

    Each has a transaction of its own, which notes it: a second run at the same moment, in
    another process, sends nothing. Reminders that fell due while nothing ran are sent late, and
    those of tasks without an active assignee when the task is given to one.

    Args:
        now: The time of this run; the present one if not given.
    """
    now = now or utc_now()
    sent = 0
    while True:
        due = select(Task.id).where(*_is_due(now)).order_by(Task.remind_at).limit(BATCH)
        async with db.new_session() as session:
            ids = (await session.scalars(due)).all()
        for task_id in ids:
            async with db.transaction() as session:
                sent += await _remind(session, task_id=task_id, now=now)
        if len(ids) < BATCH:
            return sent


async def _remind(session: AsyncSession, *, task_id: int, now: datetime) -> bool:
    """Send a reminder, unless it was sent or put off in between, or its user is gone."""
    noted = (
        update(Task)
        .where(Task.id == task_id, *_is_due(now))
        # It is no edit: the forms of the task stay valid.
        .values(reminded_at=now, updated_at=Task.updated_at)
    )
    if not await changes_one(session, noted.execution_options(synchronize_session=False)):
        return False
    task = await get_task(session, task_id=task_id)
    reader = await session.get_one(User, task.assignee_id, populate_existing=True)
    announce_reminder(session, task)
    if sends_mail():
        await post_to_user(
            session,
            reader,
            subject=_l("Reminder: %(title)s", title=task.title),
            template="task_reminder",
            task=task,
            url=public_url("tasks.show", task_id=task.id),
        )
    return True


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of tasks with a reminder to send."""
    active = select(User.id).where(User.id == Task.assignee_id, User.is_active).exists()
    return ~Task.is_done, Task.reminded_at.is_(None), Task.remind_at <= now, active
