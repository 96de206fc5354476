"""Tasks for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta
from quart import url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Priority
from quarterdeck_crm.search.record_filters import follow_merged
from quarterdeck_crm.tasks import queries, services
from quarterdeck_crm.validation.numbers import MAX_INTEGER

from . import bp
from .answers import NOTHING, Answer
from .bodies import Needs
from .etags import etag_of, expected_version
from .idempotency import once
from .operations import operation
from .pagination import (
    Account,
    FromDay,
    ListQuery,
    Owner,
    Person,
    ToDay,
    listing_of,
    page_fields,
    sort,
)
from .task_schemas import Task, TaskBody, TaskPage, Urgency

GROUP = "Tasks"


class TaskQuery(ListQuery):
    sort: Annotated[str, sort(queries.SORTS)] = "due"
    state: Annotated[Literal["open", "done"], Meta(description="Open if not given.")] | None = None
    assignee: Owner | None = None
    priority: Urgency | None = None
    due: (
        Annotated[
            Literal["overdue", "today", "week", "none"],
            Meta(description="By your days; `week` is the seven days behind today."),
        ]
        | None
    ) = None
    account: Account | None = None
    person: Person | None = None
    contact: (
        Annotated[int, Meta(ge=1, le=MAX_INTEGER, description="Of the contact with this id.")]
        | None
    ) = None
    order: (
        Annotated[int, Meta(ge=1, le=MAX_INTEGER, description="Of the order with this id.")] | None
    ) = None
    deal: (
        Annotated[int, Meta(ge=1, le=MAX_INTEGER, description="Of the deal with this id.")] | None
    ) = None
    day_from: FromDay | None = None
    day_to: ToDay | None = None


@bp.get("/tasks")
@operation(GROUP, query=TaskQuery, answers=TaskPage)
async def list_tasks(query_args: TaskQuery) -> Answer:
    """List tasks.

    Words are looked for in the title. The tasks of an account include those of its orders,
    deals and contacts.
    """
    listing = listing_of(query_args, filters=queries.FILTERS, ranges=queries.RANGES)
    await follow_merged(db.session, listing)
    page = await queries.list_tasks(
        db.session,
        listing=listing,
        actor=current_user,
    )
    items = [Task.of(task) for task in page]
    return Answer(TaskPage(items=items, **page_fields(page)))


@bp.post("/tasks")
@operation(GROUP, body=TaskBody, answers=Task, status=201, repeatable=True)
async def create_task(data: TaskBody) -> Answer:
    """Add a task.

    Without an `assignee_id` it is for you, and without a `zone` its times are in your time zone.
    """

    async def work(session: AsyncSession) -> Answer:
        task = await services.create_task(session, actor=current_user, values=_values(data))
        url = url_for("api.read_task", task_id=task.id)
        return await _answer(session, task.id, status=201, location=url)

    return await once(data, work)


@bp.get("/tasks/<int:task_id>")
@operation(GROUP, answers=Task)
async def read_task(task_id: int) -> Answer:
    """Read a task."""
    return await _answer(db.session, task_id)


@bp.put("/tasks/<int:task_id>")
@operation(GROUP, body=TaskBody, needs=Needs.ALL, answers=Task, locks=True)
async def replace_task(task_id: int, data: TaskBody) -> Answer:
    """Replace all fields of a task.

    All must be there, so that none is emptied by mistake.
    """
    return await _update(task_id, data)


@bp.patch("/tasks/<int:task_id>")
@operation(GROUP, body=TaskBody, needs=Needs.NONE, answers=Task, locks=True)
async def change_task(task_id: int, data: TaskBody) -> Answer:
    """Change some fields of a task; null empties one."""
    return await _update(task_id, data)


@bp.delete("/tasks/<int:task_id>")
@operation(GROUP, status=204, locks=True)
async def delete_task(task_id: int) -> Answer:
    """Delete a task with its history."""
    async with db.transaction() as session:
        task = await services.get_task(session, task_id=task_id)
        expected_version(task)
        await services.delete_task(session, actor=current_user, task=task)
    return NOTHING


@bp.post("/tasks/<int:task_id>/complete")
@operation(GROUP, answers=Task, conflicts=True)
async def complete_task(task_id: int) -> Answer:
    """Mark a task as done.

    The next one of a series is made once, however often this is called.
    """
    async with db.transaction() as session:
        await services.complete_task(session, actor=current_user, task_id=task_id)
        return await _answer(session, task_id)


@bp.post("/tasks/<int:task_id>/reopen")
@operation(GROUP, answers=Task, conflicts=True)
async def reopen_task(task_id: int) -> Answer:
    """Take up a task again that was done."""
    async with db.transaction() as session:
        await services.reopen_task(session, actor=current_user, task_id=task_id)
        return await _answer(session, task_id)


def _values(data: TaskBody) -> dict[str, Any]:
    """Return the fields as the services take them."""
    values = data.given()
    if values.get("priority"):
        values["priority"] = int(Priority[values["priority"].upper()])
    return values


async def _update(task_id: int, data: TaskBody) -> Answer:
    async with db.transaction() as session:
        task = await services.get_task(session, task_id=task_id)
        await services.update_task(
            session,
            actor=current_user,
            task=task,
            values=_values(data),
            version=expected_version(task),
        )
        return await _answer(session, task_id)


async def _answer(
    session: AsyncSession, task_id: int, *, status: int = 200, location: str | None = None
) -> Answer:
    """Return the task as it is stored, so that every answer equals that of a read."""
    task = await services.get_task(session, task_id=task_id)
    return Answer(Task.of(task), status, etag_of(task), location=location)
