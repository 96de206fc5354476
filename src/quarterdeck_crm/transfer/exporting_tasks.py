"""Export of tasks."""

from __future__ import annotations

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.lists.selection import Selection
from quarterdeck_crm.models import Account, Contact, Deal, Order, Person, Priority, Task, User

from .exporting import Chunks, Progress, stream
from .tables import TASKS


def export_tasks(
    session: AsyncSession, progress: Progress | None = None, chosen: Selection | None = None
) -> Chunks:
    """Return the tasks as CSV."""
    words = {int(each): each.name.lower() for each in Priority}
    statement = (
        select(
            Task.reference, Task.title, Task.details, Task.due_on, Task.due_time, Task.zone,
            case(words, value=Task.priority), User.email,
            func.coalesce(Account.code, Account.reference), Order.number, Deal.reference,
            Person.reference,
            Task.repeat, Task.repeat_every, Task.repeat_until, Task.remind_on, Task.remind_time,
            Task.done_at,
        )
        .outerjoin(Task.assignee)
        .outerjoin(Task.account)
        .outerjoin(Task.order)
        .outerjoin(Task.deal)
        .outerjoin(Task.contact)
        .outerjoin(Contact.person)
        .order_by(Task.id)
    )  # fmt: skip
    done = TASKS.names.index("done")
    return stream(session, TASKS, statement, Task.id, progress, chosen, flag=done)
