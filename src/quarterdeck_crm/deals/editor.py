"""The page with the form of a deal, which deals share with the form for a new account."""

from __future__ import annotations

from quart import render_template, request

from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.forms import extended
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.forms.conflicts import Conflict
from quarterdeck_crm.models import Account, Deal
from quarterdeck_crm.orders.forms import LineForm, tidy_lines
from quarterdeck_crm.search.autocomplete import pick

from .forms import DealForm
from .stages import list_stages

NOT_YET = {"add_line", "remove_line", "show_contacts"}  # buttons that show the form again


async def form_class(deal: Deal | None = None) -> type[DealForm]:
    """Return the form with the fields that administrators added, and those a deal has."""
    ids = () if deal is None else (deal.id,)
    return extended(DealForm, await read_extras(db.session, Deal, ids))


async def read_form(deal: Deal | None = None) -> tuple[DealForm, bool]:
    """Return the form, and whether it is to be saved; if not, a button asked for more of it."""
    formdata = await request.form
    form = (await form_class(deal))(tidy_lines(formdata, without=formdata.get("remove_line")))
    return form, not NOT_YET & formdata.keys()


async def offer(form: DealForm, deal: Deal | None) -> None:
    """Offer owners, stages, and the contacts of the chosen account, or else of the saved one."""
    await form.owner_id.offer(db.session, present=deal.owner if deal else None)
    account_id = deal.account_id if deal is not None else None
    if deal is None:
        form.offer_stages(await list_stages(db.session))
    elif "stage_id" in form:
        del form.stage_id
    if form.account.row is not None:
        account_id = form.account.row.id
    await form.offer_contacts(db.session, account_id)


async def form_page(
    form: DealForm, deal: Deal | None = None, conflict: Conflict | None = None
) -> str:
    """Return the page with a form and one more blank line."""
    if (words := form.account.data) and form.account.row is None and not form.account.errors:
        form.account.recognize((await pick(db.session, Account, [words]))[words])
    await offer(form, deal)
    await form.recognize_goods(db.session)
    if not form.errors:
        form.lines.append_entry()
    form.number_lines()
    return await render_template(
        "deals/form.html",
        form=form,
        deal=deal,
        conflict=conflict,
        blank_line=LineForm(prefix="lines-__index__-"),
    )
