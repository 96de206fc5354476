"""The page of an account, which the views of the account and of its parts return."""

from __future__ import annotations

from quart import render_template, request

from quarterdeck.login import current_user
from quarterdeck_crm.attachments.forms import FileForm
from quarterdeck_crm.attachments.quotas import read_quotas
from quarterdeck_crm.attachments.services import list_attachments
from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.records import read_extras
from quarterdeck_crm.history.wording import read_history
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account
from quarterdeck_crm.orders.services import SORTS as ORDER_SORTS
from quarterdeck_crm.orders.services import list_orders
from quarterdeck_crm.permissions import may_edit, require_edit
from quarterdeck_crm.search.autocomplete import label
from quarterdeck_crm.tasks.panels import read_panel

from .details import list_notes, read_contacts
from .forms import NoteForm
from .services import get_account


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


async def show_page(
    account: Account, *, note_form: NoteForm | None = None, file_form: FileForm | None = None
) -> str:
    """Return the page of an account, with its orders, files and history."""
    listing = Listing.from_args(request.args, sorts=ORDER_SORTS, default="-date")
    listing.filters["account"] = str(account.id)
    editable = may_edit(current_user, account)
    return await render_template(
        "accounts/show.html",
        account=account,
        extras=await read_extras(db.session, Account, [account.id]),
        contacts=await read_contacts(db.session, account=account),
        notes=await list_notes(db.session, account=account),
        note_form=note_form or NoteForm(),
        file_form=file_form or FileForm(),
        files=await list_attachments(db.session, subject=account),
        quotas=await read_quotas(db.session, actor=current_user, subject=account)
        if editable
        else (),
        listing=listing,
        orders=await list_orders(db.session, listing=listing),
        tasks=await read_panel(db.session, reader=current_user, account=account.id),
        label=label(account),
        history=await read_history(db.session, account),
        may_edit=editable,
    )
