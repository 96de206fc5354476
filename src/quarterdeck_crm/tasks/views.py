"""The pages of tasks."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any

from quart import flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import format_date
from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, redirect_next
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.conflicts import Conflict, reconcile
from quarterdeck_crm.forms.errors import add_errors_of, errors_on
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.history.asked import asked_timeline
from quarterdeck_crm.history.recording import Changes
from quarterdeck_crm.history.undo import offer_undo
from quarterdeck_crm.models import Account, Task
from quarterdeck_crm.notes.panels import notes_of
from quarterdeck_crm.saved_views.pages import open_list
from quarterdeck_crm.search.autocomplete import label
from quarterdeck_crm.search.filters import open_panel
from quarterdeck_crm.search.merges import find_account
from quarterdeck_crm.search.record_filters import name_of
from quarterdeck_crm.validation.numbers import row_id
from quarterdeck_crm.web.undo import flash_with_undo

from . import bp as bp
from .bounds import zone_name
from .day import read_day
from .forms import REPEATS, QuickForm, TaskForm, form_data
from .panels import read_bounds
from .queries import COLUMNS, FILTERS, RANGES, SORTS, list_tasks
from .rules import check_task
from .services import (
    complete_task,
    create_task,
    delete_task,
    get_task,
    may_change,
    reopen_task,
    require_change,
    update_task,
)


@bp.get("/")
@login_required
async def index() -> str:
    listing, views = await open_list(
        db.session,
        page="tasks",
        sorts=SORTS,
        default="due",
        filters=FILTERS,
        columns=COLUMNS,
    )
    panel = await open_panel(
        db.session,
        listing,
        RANGES,
        users=True,
        records=("account", "person"),
        links=("contact", "order", "deal"),
    )
    page = await list_tasks(db.session, listing=listing, actor=current_user)
    return await render_template(
        "tasks/index.html",
        listing=listing,
        panel=panel,
        views=views,
        page=page,
        bounds=await read_bounds(current_user),
        may_change=may_change,
    )


@bp.get("/today")
@login_required
async def today() -> str:
    day = await read_day(db.session, user=current_user)
    return await render_template(
        "tasks/today.html",
        day=day,
        bounds=await read_bounds(current_user),
        form=QuickForm.of(current_user),
        may_change=partial(may_change, current_user),
        zone=zone_name(current_user),
    )


@bp.get("/<int:task_id>")
@login_required
async def show(task_id: int) -> str:
    task = await get_task(db.session, task_id=task_id)
    return await render_template(
        "tasks/show.html",
        task=task,
        bounds=await read_bounds(current_user),
        repeats=REPEATS,
        timeline=await asked_timeline(db.session, task),
        notes=notes_of(task, reader=current_user),
        may_change=may_change(current_user, task),
    )


@bp.get("/new")
@login_required
async def create() -> str:
    """Show an empty form; the id of a record in the address, as ``deal``, links the task."""
    blank: dict[str, Any] = {
        "assignee_id": current_user.id,
        "zone": zone_name(current_user),
        "title": request.args.get("title", "")[:200],
        "contact_id": row_id(request.args.get("contact", "")),
        "order_id": row_id(request.args.get("order", "")),
        "deal_id": row_id(request.args.get("deal", "")),
        "version": 0,
    }
    if account_id := row_id(request.args.get("account", "")):
        account = await find_account(db.session, account_id)
        blank["account"] = label(account) if account is not None else ""
    return await _form_page(TaskForm(data=blank))


@bp.post("/new")
@login_required
@csrf.redisplay
async def create_submit() -> ResponseReturnValue:
    form = await TaskForm.from_request()

    async def work(session: AsyncSession) -> Saved:
        task = await create_task(session, actor=current_user, values=form.entries())
        return Saved(
            url_for(".show", task_id=task.id), _("The task '%(title)s' is added.", title=task.title)
        )

    if await _is_valid(form):
        with errors_on(form):
            saved = await save_once(form.submission, work)
            await flash(saved.message, "success")
            return redirect_next(saved.location, 303)
    return await _form_page(form), 422


@bp.get("/<int:task_id>/edit")
@login_required
async def edit(task_id: int) -> str:
    task = await _load(task_id)
    return await _form_page(TaskForm(data=form_data(task)), task)


@bp.post("/<int:task_id>/edit")
@login_required
@csrf.redisplay
async def edit_submit(task_id: int) -> ResponseReturnValue:
    task = await _load(task_id)
    form = await TaskForm.from_request()
    try:
        if await _is_valid(form, task):
            with errors_on(form):
                async with db.transaction() as session:
                    await update_task(
                        session,
                        actor=current_user,
                        task=task,
                        values=form.entries(),
                        version=form.version.data or 0,
                    )
                await flash(_("The task is saved."), "success")
                return redirect(url_for(".show", task_id=task_id), 303)
        form.require_present(task)
    except ConflictError:
        task = await _load(task_id)
        conflict = await reconcile(db.session, form, task, now=form_data(task), translate=_as_shown)
        await add_errors_of(partial(_check, form, task), form)
        return await _form_page(form, task, conflict), 409
    return await _form_page(form, task), 422


@bp.post("/<int:task_id>/complete")
@login_required
async def complete(task_id: int) -> ResponseReturnValue:
    """Mark a task as done, then go to ``next``."""

    async def work(session: AsyncSession) -> tuple[Task | None, str | None]:
        was_done = (await get_task(session, task_id=task_id)).is_done
        follower = await complete_task(session, actor=current_user, task_id=task_id)
        if was_done:
            return None, None
        task = await session.get_one(Task, task_id)
        return follower, await offer_undo(session, task, actor=current_user, action="done")

    follower, key = await db.run(work)
    message = _("The task is done.")
    if follower is not None and follower.due_on is not None:
        day = format_date(follower.due_on, "medium")
        message = _("The task is done. It comes back on %(due_on)s.", due_on=day)
    await flash_with_undo(message, key)
    return redirect_next(url_for(".show", task_id=task_id), 303)


@bp.post("/<int:task_id>/reopen")
@login_required
async def reopen(task_id: int) -> ResponseReturnValue:
    """Take up a task again, then go to ``next``."""
    await db.run(partial(reopen_task, actor=current_user, task_id=task_id))
    await flash(_("The task is open again."), "success")
    return redirect_next(url_for(".show", task_id=task_id), 303)


@bp.post("/<int:task_id>/delete")
@login_required
async def delete(task_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        task = await get_task(session, task_id=task_id)
        await delete_task(session, actor=current_user, task=task)
    await flash(_("The task is deleted."), "success")
    return redirect(url_for(".index"), 303)


async def _load(task_id: int) -> Task:
    """Return a task that the current user may change, or answer 404 or 403."""
    task = await get_task(db.session, task_id=task_id)
    require_change(current_user, task)
    return task


async def _is_valid(form: TaskForm, task: Task | None = None) -> bool:
    await form.assignee_id.offer(db.session, present=task.assignee if task else None)
    is_settled = await form.settle(db.session)
    if await form.validate_on_submit() and is_settled:
        return True
    await add_errors_of(partial(_check, form, task), form)
    return False


def _check(form: TaskForm, task: Task | None = None) -> Awaitable[object]:
    return check_task(db.session, values=form.entries(), task=task, lock=False)


async def _as_shown(earlier: Changes) -> Changes:
    """Return old values of a task as its form showed them."""
    if (account_id := earlier.pop("account_id", None)) is not None:
        account = await db.session.get(Account, account_id)
        earlier["account"] = label(account) if account else None
    return earlier


async def _form_page(
    form: TaskForm, task: Task | None = None, conflict: Conflict | None = None
) -> str:
    await form.assignee_id.offer(db.session, present=task.assignee if task else None)
    return await render_template(
        "tasks/form.html",
        form=form,
        task=task,
        conflict=conflict,
        subject=await _subject(form),
        has_more=bool(form.errors or form.repeat.data or form.remind_on.data or form.details.data),
    )


async def _subject(form: TaskForm) -> str | None:
    """Return the name of the record that the hidden fields link to, which is no account."""
    for kind in ("order", "contact", "deal"):
        if id_ := form[f"{kind}_id"].data:
            return await name_of(db.session, kind, id_)
    return None
