"""The pages of bulk changes, and the button that undoes a change."""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import current_app, flash, redirect, render_template, request, url_for
from quart.blueprints import BlueprintSetupState
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, redirect_next, safe_next
from quarterdeck_crm.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.definitions import field_with
from quarterdeck_crm.extras.forms import value_form
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.history.undo import UNDO_FOR
from quarterdeck_crm.models import BulkRun, RunState, UndoStep
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.validation.numbers import row_id

from . import bp as bp
from .fields import read_entry
from .kinds import actions_for, get_kind
from .previews import list_choices, preview
from .runs import (
    HAND_OVER,
    UNDO,
    create_run,
    get_run,
    is_interrupted,
    start_run,
    start_undo,
    too_many,
    work_on,
)
from .undoing import undo_step

EMPTIES = "empties"  # the box that removes the values of a field


@bp.record_once
def _register(state: BlueprintSetupState) -> None:
    """Give every template ``bulk_actions(page, user)``."""
    state.app.jinja_env.globals["bulk_actions"] = actions_for


@bp.post("/bulk/<records>")
@login_required
async def select(records: str) -> ResponseReturnValue:
    """Take up the selected rows of a list, whose arguments are those of this address."""
    kind, form = get_kind(records), await request.form
    back = _list_url(records)
    most = current_app.config["BULK_MAX"]
    which = form.get("which", "selected")
    if which == "selected":
        ids = list(dict.fromkeys(id_ for text in form.getlist("id") if (id_ := row_id(text))))
    else:
        ids, has_more = await kind.select(
            db.session,
            request.args.to_dict(),
            actor=current_user,
            most=most if which == "all" else None,
        )
        if which == "all" and has_more:
            await flash(too_many(most), "error")
            return redirect(back, 303)

    async def work(session: AsyncSession) -> BulkRun:
        return await create_run(
            session, actor=current_user, kind=kind, action=form.get("action", ""), ids=ids
        )

    try:
        run = await db.run(work)
    except ValidationError as error:
        await flash(str(error), "error")
        return redirect(back, 303)
    return redirect(url_for(".show", key=run.key, next=back), 303)


@bp.get("/bulk/run/<key>")
@login_required
async def show(key: str) -> str:
    return await _show_page(await get_run(db.session, actor=current_user, key=key[:64]))


@bp.post("/bulk/run/<key>")
@login_required
async def start(key: str) -> ResponseReturnValue:
    """Start a previewed change, or go on with one that was interrupted."""
    form = await request.form
    value = form.get("value", "")
    try:
        if "field" in form:
            run = await get_run(db.session, actor=current_user, key=key[:64])
            table = get_kind(run.kind).model.__tablename__
            is_empty = EMPTIES in form
            if not (is_empty or value.strip()):
                # A button that is pressed too early would remove the values of all records.
                raise ValidationError({"value": [_("Enter a value.")]})
            entry = "" if is_empty else value
            value = await read_entry(db.session, table=table, key=form["field"], text=entry)
        run = await db.run(partial(start_run, actor=current_user, key=key[:64], value=value))
    except ValidationError as error:
        run = await get_run(db.session, actor=current_user, key=key[:64])
        return await _show_page(run, error=error), 422
    except ConflictError as error:
        await flash(str(error), "error")
        return redirect(url_for(".show", key=key, next=_back()), 303)
    return await work_and_show(run)


@bp.post("/undo/<key>")
@login_required
async def undo(key: str) -> ResponseReturnValue:
    """Undo a change of the current user, then go to ``next``."""
    key = key[:64]
    try:
        if run := await db.run(partial(start_undo, actor=current_user, key=key)):
            return await work_and_show(run)
        stays = await db.run(partial(undo_step, actor=current_user, key=key))
    except (ConflictError, ForbiddenError, NotFoundError) as error:
        # The page that follows is the one with the record, so the reason belongs there.
        await flash(str(error), "error")
    else:
        await flash(" ".join([_("Undone."), *stays]), "success")
    return redirect_next("/", 303)


async def work_and_show(run: BulkRun, back: str | None = None) -> ResponseReturnValue:
    """Do a claimed run, and go on to its page."""
    await work_on(run)
    return redirect(url_for(".show", key=run.key, next=back or _back()), 303)


async def _show_page(run: BulkRun, *, error: ValidationError | None = None) -> str:
    """Return the page of a run: the preview, the progress or the result."""
    action = None if run.action in {UNDO, HAND_OVER} else get_kind(run.kind).actions[run.action]
    is_ready = run.state is RunState.READY
    step = await db.session.get(UndoStep, run.step_id) if run.step_id else None
    can_undo = step and step.used_at is None and step.created_at > utc_now() - UNDO_FOR
    return await render_template(
        "bulk/show.html",
        run=run,
        action=action,
        title=_title(run),
        plan=await preview(db.session, actor=current_user, run=run) if is_ready else None,
        choices=await list_choices(db.session, run=run) if is_ready else [],
        is_interrupted=is_interrupted(run),
        undo_key=step.key if step is not None and can_undo else None,
        problem=error and str(error),
        **(
            await _field_entry(run, error)
            if action and action.needs == "field" and is_ready
            else {}
        ),
        back=_back() or (url_for(f"{run.kind}.index") if run.kind else "/"),
    )


async def _field_entry(run: BulkRun, error: ValidationError | None) -> dict[str, Any]:
    """Return the fields of a preview, the chosen one, and the form with its value.

    Choosing another field reloads the page, so that each type has its own kind of entry.
    """
    extras = await read_extras(db.session, get_kind(run.kind).model)
    entries = (await request.form) if request.method == "POST" else request.args
    asked = field_with(extras.fields, entries.get("field"))
    chosen = asked or next(iter(extras.fields), None)
    if chosen is None:
        return {"fields": (), "field": None, "form": None}
    form = await value_form(chosen).from_request()
    form["value"].flags.required = True
    if error is not None:
        form["value"].errors = error.errors.get("value", [])
    return {"fields": extras.fields, "field": chosen, "form": form, "empties": EMPTIES}


def _title(run: BulkRun) -> str:
    if run.action == UNDO:
        return _("Undo")
    if run.action == HAND_OVER:
        return _("Hand over the records")
    return get_kind(run.kind).actions[run.action].label


def _back() -> str | None:
    """Return the list from which the user came."""
    return safe_next(request.args.get("next"), "") or None


def _list_url(page: str) -> str:
    query = request.query_string.decode()
    return url_for(f"{page}.index") + (f"?{query}" if query else "")
