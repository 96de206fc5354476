"""The forms above a list that save, change and delete its views."""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import DataRequired, Length

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required
from quarterdeck.wtf import QuartForm
from quarterdeck_crm.errors import ConflictError, ForbiddenError, ValidationError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.errors import errors_on, is_valid
from quarterdeck_crm.forms.fields import WholeField
from quarterdeck_crm.forms.submission import Saved, SubmissionField, save_once
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import SavedView
from quarterdeck_crm.models.saved_view import MAX_ARGUMENTS
from quarterdeck_crm.validation import longest
from quarterdeck_crm.validation.numbers import row_id

from . import bp as bp
from .services import (
    SHARER,
    check_view,
    create_view,
    delete_view,
    get_view,
    require_page,
    update_view,
)


class ViewForm(QuartForm):
    """A new view, or another name for one."""

    submission = SubmissionField()
    version = HiddenField()
    arguments = HiddenField(validators=[Length(max=MAX_ARGUMENTS)])
    name = StringField(
        _l("Name"),
        [DataRequired(_l("Enter a name.")), Length(max=longest(SavedView.name))],
        render_kw={"autocomplete": "off"},
    )
    position = WholeField(_l("Sort position"), default=0)
    is_shared = BooleanField(_l("For all users"))

    def values(self, *names: str) -> dict[str, Any]:
        """Return the entries with these names; those that may not share never do."""
        values = {name: self[name].data for name in names}
        if not current_user.has_role(SHARER):
            values.pop("is_shared", None)
        return values


@bp.get("/<page>/new")
@login_required
async def create(page: str) -> str:
    """Show the form of a new view with the arguments of the URL."""
    require_page(page)
    form = ViewForm(data={"arguments": request.query_string.decode()[:MAX_ARGUMENTS]})
    return await _form_page(form, page)


@bp.post("/<page>/new")
@login_required
@csrf.redisplay
async def create_submit(page: str) -> ResponseReturnValue:
    require_page(page)
    form = await ViewForm.from_request()
    values = form.values("name", "arguments", "is_shared")

    async def work(session: AsyncSession) -> Saved:
        view = await create_view(session, actor=current_user, page=page, values=values)
        url = url_for(f"{page}.index", view=view.id)
        return Saved(url, _("The view '%(name)s' is saved.", name=view.name))

    if await is_valid(form, partial(check_view, values)):
        with errors_on(form):
            saved = await save_once(form.submission, work)
            await flash(saved.message, "success")
            return redirect(saved.location, 303)
    return await _form_page(form, page), 422


@bp.get("/<int:view_id>/edit")
@login_required
async def edit(view_id: int) -> str:
    view = await get_view(db.session, view_id=view_id, actor=current_user)
    return await _form_page(ViewForm(obj=view), view.page, view)


@bp.post("/<int:view_id>/edit")
@login_required
@csrf.redisplay
async def edit_submit(view_id: int) -> ResponseReturnValue:
    view = await get_view(db.session, view_id=view_id, actor=current_user)
    form = await ViewForm.from_request()
    values = form.values("name", "position", "is_shared")
    if await is_valid(form, partial(check_view, values, view=view)):
        with errors_on(form):
            try:
                await _save(view_id, values, form.version.data or "")
            except ConflictError as error:
                form.form_errors.append(str(error))
                return await _form_page(form, view.page, view), 409
            await flash(_("The view '%(name)s' is saved.", name=values["name"]), "success")
            return redirect(url_for(f"{view.page}.index", view=view_id), 303)
    return await _form_page(form, view.page, view), 422


@bp.post("/<int:view_id>/arguments")
@login_required
async def save(view_id: int) -> ResponseReturnValue:
    """Let a view keep the filters, the order and the columns that the list has now."""
    form = await request.form
    arguments = form.get("arguments", "")
    view = await get_view(db.session, view_id=view_id, actor=current_user)
    try:
        await _save(view_id, {"arguments": arguments}, form.get("version", ""))
    except (ConflictError, ForbiddenError, ValidationError) as error:
        await flash(str(error), "error")
        back = url_for(f"{view.page}.index")
        return redirect(f"{back}?{arguments[:MAX_ARGUMENTS]}", 303)
    await flash(_("The view '%(name)s' is saved.", name=view.name), "success")
    return redirect(url_for(f"{view.page}.index", view=view_id), 303)


@bp.post("/<int:view_id>/delete")
@login_required
async def delete(view_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        view = await get_view(session, view_id=view_id, actor=current_user)
        await delete_view(session, actor=current_user, view=view)
    await flash(_("The view '%(name)s' is deleted.", name=view.name), "success")
    return redirect(url_for(f"{view.page}.index"), 303)


async def _save(view_id: int, values: dict[str, Any], version: str) -> None:
    async def work(session: AsyncSession) -> None:
        view = await get_view(session, view_id=view_id, actor=current_user)
        await update_view(
            session, actor=current_user, view=view, values=values, version=row_id(version) or 0
        )

    await db.run(work)


async def _form_page(form: ViewForm, page: str, view: SavedView | None = None) -> str:
    return await render_template(
        "saved_views/form.html",
        form=form,
        page=page,
        view=view,
        may_share=current_user.has_role(SHARER),
    )
