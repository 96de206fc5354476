"""Contacts, notes and files on the pages of an account."""

from __future__ import annotations

from quart import flash, redirect, render_template, url_for
from quart.typing import ResponseReturnValue
from werkzeug import Response

from quarterdeck.login import current_user, login_required
from quarterdeck_crm.attachments.forms import FileForm, attach
from quarterdeck_crm.editing import Conflict, reconcile, values_of
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.forms import errors_on
from quarterdeck_crm.models import Account, Contact

from . import bp
from .details import (
    add_contact,
    add_note,
    get_contact,
    remove_contact,
    remove_note,
    update_contact,
)
from .forms import ContactForm, NoteForm
from .views import load, show_page


@bp.get("/<int:account_id>/contacts/new")
@login_required
async def contact_create(account_id: int) -> str:
    account = await load(account_id, edit=True)
    form = await ContactForm.from_request(data={"version": 0})
    return await _contact_page(form, account)


@bp.post("/<int:account_id>/contacts/new")
@login_required
async def contact_create_submit(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    form = await ContactForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            async with db.transaction() as session:
                await add_contact(
                    session, actor=current_user, account=account, values=values_of(form)
                )
            await flash("The contact is added.", "success")
            return _back(account_id, "contacts")
    return await _contact_page(form, account), 422


@bp.get("/<int:account_id>/contacts/<int:contact_id>")
@login_required
async def contact_edit(account_id: int, contact_id: int) -> str:
    account = await load(account_id, edit=True)
    contact = await get_contact(db.session, account=account, contact_id=contact_id)
    form = await ContactForm.from_request(obj=contact)
    return await _contact_page(form, account, contact)


@bp.post("/<int:account_id>/contacts/<int:contact_id>")
@login_required
async def contact_edit_submit(account_id: int, contact_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    contact = await get_contact(db.session, account=account, contact_id=contact_id)
    form = await ContactForm.from_request()
    if await form.validate_on_submit():
        try:
            with errors_on(form):
                async with db.transaction() as session:
                    await update_contact(
                        session,
                        actor=current_user,
                        account=account,
                        contact=contact,
                        values=values_of(form),
                        version=form.version.data or 0,
                    )
                await flash("The contact is saved.", "success")
                return _back(account_id, "contacts")
        except ConflictError:
            contact = await get_contact(db.session, account=account, contact_id=contact_id)
            conflict = await reconcile(db.session, form, contact)
            return await _contact_page(form, account, contact, conflict), 409
    return await _contact_page(form, account, contact), 422


@bp.post("/<int:account_id>/contacts/<int:contact_id>/remove")
@login_required
async def contact_remove(account_id: int, contact_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    contact = await get_contact(db.session, account=account, contact_id=contact_id)
    async with db.transaction() as session:
        await remove_contact(session, actor=current_user, account=account, contact=contact)
    await flash("The contact is removed.", "success")
    return _back(account_id, "contacts")


@bp.post("/<int:account_id>/notes")
@login_required
async def note_create(account_id: int) -> ResponseReturnValue:
    account = await load(account_id)
    form = await NoteForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            async with db.transaction() as session:
                await add_note(
                    session, actor=current_user, account=account, body=form.body.data or ""
                )
            await flash("The note is added.", "success")
            return _back(account_id, "notes")
    return await show_page(account, note_form=form), 422


@bp.post("/<int:account_id>/notes/<int:note_id>/remove")
@login_required
async def note_remove(account_id: int, note_id: int) -> ResponseReturnValue:
    account = await load(account_id)
    async with db.transaction() as session:
        await remove_note(session, actor=current_user, account=account, note_id=note_id)
    await flash("The note is removed.", "success")
    return _back(account_id, "notes")


@bp.post("/<int:account_id>/files")
@login_required
async def file_create(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    form = await FileForm.from_request()
    if await attach(form, account):
        await flash("The file is attached.", "success")
        return _back(account_id, "files")
    return await show_page(account, file_form=form), 422


async def _contact_page(
    form: ContactForm,
    account: Account,
    contact: Contact | None = None,
    conflict: Conflict | None = None,
) -> str:
    return await render_template(
        "accounts/contact.html", form=form, account=account, contact=contact, conflict=conflict
    )


def _back(account_id: int, part: str) -> Response:
    return redirect(url_for(".show", account_id=account_id, _anchor=part), 303)
