"""A new account from within the form of a new order, which keeps all that was entered."""

from __future__ import annotations

from quart import flash
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.errors import errors_on
from quarterdeck_crm.models import Account
from quarterdeck_crm.orders.editor import form_page, read_form
from quarterdeck_crm.search.autocomplete import label, pick

from . import bp
from .services import create_account


@bp.post("/new/for-order")
@login_required
@csrf.redisplay
async def create_for_order() -> ResponseReturnValue:
    """Create an account of the name in the form; an account that has the name is taken.

    So a form that is sent twice makes one account.
    """
    form, _is_ready = await read_form()
    name = (form.account.data or "").strip()
    if not name:
        form.account.errors = [_("Enter the name of the new account.")]
        return await form_page(form), 422
    found = (await pick(db.session, Account, [name]))[name]
    if len(found) == 1:
        account = found[0]
    else:
        with errors_on(form):
            async with db.transaction() as session:
                account = await create_account(
                    session, actor=current_user, values={"name": name, "fields": None}
                )
            await flash(_("The account '%(name)s' is created.", name=account.name), "success")
        if form.errors:
            return await form_page(form), 422
    form.account.raw_data = None
    form.account.data = label(account)
    return await form_page(form)
