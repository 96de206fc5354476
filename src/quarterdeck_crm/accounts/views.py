"""The pages of accounts."""

from __future__ import annotations

from quart import flash, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.login import current_user, login_required
from quarterdeck_crm.attachments.forms import FileForm
from quarterdeck_crm.attachments.services import list_attachments
from quarterdeck_crm.editing import Conflict, reconcile, values_of
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.forms import errors_on
from quarterdeck_crm.history import read_history
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account
from quarterdeck_crm.orders.services import SORTS as ORDER_SORTS
from quarterdeck_crm.orders.services import count_open_orders, list_orders
from quarterdeck_crm.ownership import may_edit, require_edit
from quarterdeck_crm.picking import label, suggest

from . import bp as bp
from .forms import AccountForm, NoteForm
from .services import (
    FILTERS,
    SORTS,
    archive_account,
    create_account,
    get_account,
    list_accounts,
    restore_account,
    update_account,
)


async def load(account_id: int, *, edit: bool = False) -> Account:
    """Return the account of a page, or answer 404; 403 if it is to be edited but may not be."""
    account = await get_account(db.session, account_id=account_id)
    if edit:
        require_edit(current_user, account)
    return account


@bp.get("/")
@login_required
async def index() -> str:
    listing = Listing.from_args(request.args, sorts=SORTS, default="name", filters=FILTERS)
    page = await list_accounts(db.session, listing=listing, actor=current_user)
    open_orders = await count_open_orders(db.session, accounts=page.items)
    return await render_template(
        "accounts/index.html", listing=listing, page=page, open_orders=open_orders
    )


@bp.get("/suggest")
@login_required
async def suggestions() -> ResponseReturnValue:
    """Return accounts for a field that is being typed into."""
    accounts = await suggest(db.session, Account, q=request.args.get("q", "")[:200])
    return jsonify([{"label": label(account)} for account in accounts])


@bp.get("/<int:account_id>")
@login_required
async def show(account_id: int) -> str:
    return await show_page(await load(account_id))


async def show_page(
    account: Account, *, note_form: NoteForm | None = None, file_form: FileForm | None = None
) -> str:
    """Return the page of an account, with its orders, files and history."""
    listing = Listing.from_args(request.args, sorts=ORDER_SORTS, default="-date")
    listing.filters["account"] = str(account.id)
    return await render_template(
        "accounts/show.html",
        account=account,
        note_form=note_form or NoteForm(),
        file_form=file_form or FileForm(),
        files=await list_attachments(db.session, subject=account),
        listing=listing,
        orders=await list_orders(db.session, listing=listing),
        history=await read_history(db.session, account),
        may_edit=may_edit(current_user, account),
    )


@bp.get("/new")
@login_required
async def create() -> str:
    form = await AccountForm.from_request(data={"owner_id": current_user.id, "version": 0})
    return await _form_page(form)


@bp.post("/new")
@login_required
async def create_submit() -> ResponseReturnValue:
    form = await AccountForm.from_request()
    await form.owner_id.offer(db.session)
    if await form.validate_on_submit():
        with errors_on(form):
            async with db.transaction() as session:
                account = await create_account(session, actor=current_user, values=values_of(form))
            await flash("The account is created.", "success")
            return redirect(url_for(".show", account_id=account.id), 303)
    return await _form_page(form), 422


@bp.get("/<int:account_id>/edit")
@login_required
async def edit(account_id: int) -> str:
    account = await load(account_id, edit=True)
    return await _form_page(await AccountForm.from_request(obj=account), account)


@bp.post("/<int:account_id>/edit")
@login_required
async def edit_submit(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    form = await AccountForm.from_request()
    await form.owner_id.offer(db.session, present=account.owner)
    if await form.validate_on_submit():
        try:
            with errors_on(form):
                async with db.transaction() as session:
                    await update_account(
                        session,
                        actor=current_user,
                        account=account,
                        values=values_of(form),
                        version=form.version.data or 0,
                    )
                await flash("The account is saved.", "success")
                return redirect(url_for(".show", account_id=account_id), 303)
        except ConflictError:
            account = await load(account_id, edit=True)
            conflict = await reconcile(db.session, form, account)
            return await _form_page(form, account, conflict), 409
    return await _form_page(form, account), 422


@bp.post("/<int:account_id>/archive")
@login_required
async def archive(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    async with db.transaction() as session:
        await archive_account(session, actor=current_user, account=account)
    await flash("The account is archived. Its orders stay, and it can be restored.", "success")
    return redirect(url_for(".show", account_id=account_id), 303)


@bp.post("/<int:account_id>/restore")
@login_required
async def restore(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    async with db.transaction() as session:
        await restore_account(session, actor=current_user, account=account)
    await flash("The account is in use again.", "success")
    return redirect(url_for(".show", account_id=account_id), 303)


async def _form_page(
    form: AccountForm, account: Account | None = None, conflict: Conflict | None = None
) -> str:
    await form.owner_id.offer(db.session, present=account.owner if account else None)
    return await render_template(
        "accounts/form.html", form=form, account=account, conflict=conflict
    )


from . import detail_views  # noqa: E402, F401 - contacts, notes and files add their routes
