"""A new account from within the form of a new order or deal, which keeps all that was entered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from quart import flash
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required
from quarterdeck_crm.deals import editor as deal_editor
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.errors import errors_on
from quarterdeck_crm.models import Account
from quarterdeck_crm.orders import editor as order_editor
from quarterdeck_crm.orders.forms import LinesForm
from quarterdeck_crm.search.autocomplete import label, pick

from . import bp
from .services import create_account

FormT = TypeVar("FormT", bound=LinesForm)


@bp.post("/new/for-order")
@login_required
@csrf.redisplay
async def create_for_order() -> ResponseReturnValue:
    form, _is_ready = await order_editor.read_form()
    return await _create(form, order_editor.form_page)


@bp.post("/new/for-deal")
@login_required
@csrf.redisplay
async def create_for_deal() -> ResponseReturnValue:
    form, _is_ready = await deal_editor.read_form()
    return await _create(form, deal_editor.form_page)


async def _create(form: FormT, page: Callable[[FormT], Awaitable[str]]) -> ResponseReturnValue:
    """Create an account of the name in the form; an account that has the name is taken.

    So a form that is sent twice makes one account.
    """
    name = (form.account.data or "").strip()
    if not name:
        form.account.errors = [_("Enter the name of the new account.")]
        return await page(form), 422
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
            return await page(form), 422
    form.account.raw_data = None
    form.account.data = label(account)
    form.account.row = account
    return await page(form)
