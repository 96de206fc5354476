"""Contacts and files on the pages of an account."""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import flash, redirect, render_template, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession
from werkzeug import Response

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required
from quarterdeck_crm.attachments.forms import FileForm, attach
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.conflicts import Conflict, Translate, reconcile, values_of
from quarterdeck_crm.forms.errors import add_errors_of, errors_on, is_valid
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.history.recording import Changes
from quarterdeck_crm.models import Account, Contact

from . import bp
from .details import (
    CONTACT_FIELDS,
    add_contact,
    check_contact,
    contact_changes,
    get_contact,
    remove_contact,
    update_contact,
)
from .forms import ContactForm
from .pages import load, show_page


@bp.get("/<int:account_id>/contacts/new")
@login_required
async def contact_create(account_id: int) -> str:
    account = await load(account_id, edit=True)
    form = await ContactForm.from_request(data={"version": 0})
    return await _contact_page(form, account)


@bp.post("/<int:account_id>/contacts/new")
@login_required
@csrf.redisplay
async def contact_create_submit(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    form = await ContactForm.from_request()

    async def work(session: AsyncSession) -> Saved:
        await add_contact(session, actor=current_user, account=account, values=values_of(form))
        return Saved(_part(account_id, "contacts"), _("The contact is added."))

    if await is_valid(form, partial(check_contact, values_of(form))):
        with errors_on(form):
            return await _go_on(await save_once(form.submission, work))
    return await _contact_page(form, account), 422


@bp.get("/<int:account_id>/contacts/<int:contact_id>")
@login_required
async def contact_edit(account_id: int, contact_id: int) -> str:
    account = await load(account_id, edit=True)
    contact = await get_contact(db.session, account=account, contact_id=contact_id)
    values = {"version": contact.person.version}
    form = await ContactForm.from_request(obj=contact, data=values)
    return await _contact_page(form, account, contact)


@bp.post("/<int:account_id>/contacts/<int:contact_id>")
@login_required
@csrf.redisplay
async def contact_edit_submit(account_id: int, contact_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    contact = await get_contact(db.session, account=account, contact_id=contact_id)
    form = await ContactForm.from_request()

    def check() -> object:
        return check_contact(values_of(form), contact)

    try:
        if await is_valid(form, check):
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
                await flash(_("The contact is saved."), "success")
                return _back(account_id, "contacts")
        form.require_present(contact.person)
    except ConflictError:
        contact = await get_contact(db.session, account=account, contact_id=contact_id)
        conflict = await reconcile(
            db.session, form, contact.person, now=_shown(contact), translate=_of_contact(account)
        )
        await add_errors_of(check, form)
        return await _contact_page(form, account, contact, conflict), 409
    return await _contact_page(form, account, contact), 422


@bp.post("/<int:account_id>/contacts/<int:contact_id>/remove")
@login_required
async def contact_remove(account_id: int, contact_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    contact = await get_contact(db.session, account=account, contact_id=contact_id)
    async with db.transaction() as session:
        await remove_contact(session, actor=current_user, account=account, contact=contact)
    await flash(_("The contact is removed. The person stays in the list of people."), "success")
    return _back(account_id, "contacts")


@bp.post("/<int:account_id>/files")
@login_required
@csrf.redisplay
async def file_create(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    form = await FileForm.from_request()
    if saved := await attach(form, account, location=_part(account_id, "files")):
        return await _go_on(saved)
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


def _shown(contact: Contact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in CONTACT_FIELDS}


def _of_contact(account: Account) -> Translate:
    async def translate(earlier: Changes) -> Changes:
        return contact_changes(account, earlier)

    return translate


async def _go_on(saved: Saved) -> Response:
    await flash(saved.message, "success")
    return redirect(saved.location, 303)


def _back(account_id: int, part: str) -> Response:
    return redirect(_part(account_id, part), 303)


def _part(account_id: int, part: str) -> str:
    return url_for(".show", account_id=account_id, _anchor=part)
