"""The page of an account, which the views of the account and of its parts return."""

from __future__ import annotations

from quart import render_template

from quarterdeck.login import current_user
from quarterdeck_crm.attachments.forms import FileForm
from quarterdeck_crm.attachments.quotas import read_quotas
from quarterdeck_crm.attachments.services import list_attachments
from quarterdeck_crm.deals.panels import read_deal_panel
from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.history.asked import asked_timeline
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account
from quarterdeck_crm.notes.panels import notes_of
from quarterdeck_crm.orders.services import list_orders
from quarterdeck_crm.permissions import may_edit, require_edit
from quarterdeck_crm.search.autocomplete import label
from quarterdeck_crm.tasks.panels import read_panel

from .details import read_contacts
from .overview import read_overview
from .services import get_account

MAX_ORDERS = 5  # on the page; the list of orders has the rest


async def load(account_id: int, *, edit: bool = False) -> Account:
    """Return the account of a page.

    Raises:
        NotFoundError: If there is no account with this id.
        ForbiddenError: If ``edit`` is set and the current user may not edit the account.
    """
    account = await get_account(db.session, account_id=account_id)
    if edit:
        require_edit(current_user, account)
    return account


async def show_page(account: Account, *, file_form: FileForm | None = None) -> str:
    """Return the page of an account."""
    editable = may_edit(current_user, account)
    contacts = await read_contacts(db.session, account=account)
    tasks = await read_panel(db.session, reader=current_user, account=account.id)
    deals = await read_deal_panel(db.session, account_id=account.id)
    newest = Listing(
        sort="date", descending=True, per_page=MAX_ORDERS, filters={"account": str(account.id)}
    )
    return await render_template(
        "accounts/show.html",
        account=account,
        extras=await read_extras(db.session, Account, [account.id]),
        contacts=contacts,
        overview=await read_overview(
            db.session, account=account, contacts=contacts, tasks=tasks.tasks, deals=deals
        ),
        notes=notes_of(account, reader=current_user),
        file_form=file_form or FileForm(),
        files=await list_attachments(db.session, subject=account),
        quotas=await read_quotas(db.session, actor=current_user, subject=account)
        if editable
        else (),
        orders=await list_orders(db.session, listing=newest),
        tasks=tasks,
        deals=deals,
        label=label(account),
        timeline=await asked_timeline(db.session, account),
        may_edit=editable,
    )
