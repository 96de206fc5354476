"""The pages on which administrators define the custom fields of records."""

from __future__ import annotations

from functools import partial

from quart import flash, redirect, render_template, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, role_required
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.errors import errors_on, is_valid
from quarterdeck_crm.models import CustomField, FieldType

from . import custom_fields
from .fields import (
    FIELD_EDITOR,
    KINDS,
    check_field,
    count_values,
    create_field,
    get_field,
    list_fields,
    set_field_archived,
    update_field,
)
from .forms import TYPES, FieldForm


@custom_fields.get("/")
@role_required(FIELD_EDITOR)
async def index() -> str:
    found = await list_fields(db.session)
    by_kind = {kind: [field for field in found if field.kind == kind] for kind in KINDS}
    return await render_template("extras/fields.html", kinds=KINDS, fields=by_kind, types=TYPES)


@custom_fields.get("/new/<record_kind>")
@role_required(FIELD_EDITOR)
async def create(record_kind: str) -> str:
    return await _new_page(await FieldForm.from_request(data={"version": 0}), record_kind)


@custom_fields.post("/new/<record_kind>")
@role_required(FIELD_EDITOR)
@csrf.redisplay
async def create_submit(record_kind: str) -> ResponseReturnValue:
    form = await FieldForm.from_request()
    values = form.entries()
    if await is_valid(form, partial(check_field, db.session, kind=record_kind, values=values)):
        with errors_on(form):
            async with db.transaction() as session:
                await create_field(session, actor=current_user, kind=record_kind, values=values)
            await flash(_("The field is added."), "success")
            return redirect(url_for(".index"), 303)
    return await _new_page(form, record_kind), 422


@custom_fields.get("/<int:field_id>")
@role_required(FIELD_EDITOR)
async def edit(field_id: int) -> str:
    field = await get_field(db.session, field_id=field_id)
    shown = {"options": "\n".join(field.options)}
    names = ("label", "help", "required", "in_list", "position", "version")
    shown |= {name: getattr(field, name) for name in names}
    return await _form_page(_fixed(await FieldForm.from_request(data=shown), field), field)


@custom_fields.post("/<int:field_id>")
@role_required(FIELD_EDITOR)
@csrf.redisplay
async def edit_submit(field_id: int) -> ResponseReturnValue:
    field = await get_field(db.session, field_id=field_id)
    form = _fixed(await FieldForm.from_request(), field)
    values = form.entries()
    check = partial(check_field, db.session, kind=field.kind, values=values, field=field)
    if await is_valid(form, check):
        try:
            with errors_on(form):
                async with db.transaction() as session:
                    await update_field(
                        session,
                        actor=current_user,
                        field=field,
                        values=values,
                        version=form.version.data or 0,
                    )
                await flash(_("The field is saved."), "success")
                return redirect(url_for(".index"), 303)
        except ConflictError as error:
            form.add_errors({"": [str(error)]})
            return await _form_page(form, await get_field(db.session, field_id=field_id)), 409
    return await _form_page(form, field), 422


@custom_fields.post("/<int:field_id>/archive")
@role_required(FIELD_EDITOR)
async def archive(field_id: int) -> ResponseReturnValue:
    await _set_archived(field_id, archived=True)
    await flash(_("The field is archived. Its values stay, and it can be restored."), "success")
    return redirect(url_for(".index"), 303)


@custom_fields.post("/<int:field_id>/restore")
@role_required(FIELD_EDITOR)
async def restore(field_id: int) -> ResponseReturnValue:
    await _set_archived(field_id, archived=False)
    await flash(_("The field is in use again."), "success")
    return redirect(url_for(".index"), 303)


async def _set_archived(field_id: int, *, archived: bool) -> None:
    async with db.transaction() as session:
        field = await get_field(session, field_id=field_id)
        await set_field_archived(session, actor=current_user, field=field, archived=archived)


def _fixed(form: FieldForm, field: CustomField) -> FieldForm:
    """Return the form of a field that is there: its key and its type stay."""
    del form.key
    del form.type
    if field.type is not FieldType.CHOICE:
        del form.options
    return form


async def _new_page(form: FieldForm, kind: str) -> str:
    if kind not in KINDS:
        raise NotFoundError(_("There is no such kind of record."))
    return await render_template("extras/field.html", form=form, field=None, kind=KINDS[kind])


async def _form_page(form: FieldForm, field: CustomField) -> str:
    return await render_template(
        "extras/field.html",
        form=form,
        field=field,
        kind=KINDS[field.kind],
        type=TYPES[field.type],
        count=await count_values(db.session, field=field),
    )
