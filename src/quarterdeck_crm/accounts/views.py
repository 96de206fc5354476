"""The pages of accounts."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

from quart import flash, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.extras.filters import open_record_panel
from quarterdeck_crm.extras.forms import extended
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.forms.conflicts import Conflict, reconcile, values_of
from quarterdeck_crm.forms.errors import add_errors_of, errors_on, is_valid
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.history.undo import offer_undo
from quarterdeck_crm.models import Account
from quarterdeck_crm.orders.services import count_open_orders
from quarterdeck_crm.saved_views.pages import open_list
from quarterdeck_crm.search.autocomplete import label, suggest
from quarterdeck_crm.search.similar import ANYWAY, Similar, SimilarFoundError, similar_accounts
from quarterdeck_crm.validation.numbers import row_id
from quarterdeck_crm.web.undo import flash_with_undo

from . import bp as bp
from . import detail_views as detail_views  # adds its routes to the blueprint
from . import inline_views as inline_views
from .forms import AccountForm
from .pages import load, show_page
from .services import (
    COLUMNS,
    FIELDS,
    FILTERS,
    RANGES,
    SORTS,
    archive_account,
    check_account,
    create_account,
    list_accounts,
    restore_account,
    update_account,
)

IDLE_DAYS = (30, 90, 180, 365)  # that the list offers


@bp.get("/")
@login_required
async def index() -> str:
    listing, views = await open_list(
        db.session,
        page="accounts",
        sorts=SORTS,
        default="name",
        filters=FILTERS,
        columns=COLUMNS,
    )
    panel = await open_record_panel(
        db.session, listing, RANGES, users=True, kind=Account.__tablename__
    )
    page = await list_accounts(db.session, listing=listing, actor=current_user)
    open_orders = await count_open_orders(db.session, accounts=page.items)
    extras = await read_extras(db.session, Account, [account.id for account in page.items])
    return await render_template(
        "accounts/index.html",
        listing=listing,
        panel=panel,
        views=views,
        page=page,
        open_orders=open_orders,
        extras=extras.showing(listing),
        idle_days=sorted({*IDLE_DAYS, *filter(None, [row_id(listing.filters.get("idle", ""))])}),
    )


@bp.get("/suggest")
@login_required
async def suggestions() -> ResponseReturnValue:
    """Return accounts for a field that is being typed into."""
    accounts = await suggest(db.session, Account, q=request.args.get("q", "")[:200])
    return jsonify([{"label": label(account)} for account in accounts])


@bp.get("/similar")
@login_required
async def similar() -> ResponseReturnValue:
    """Return accounts that the one in a form may repeat."""
    values = {name: request.args.get(name, "")[:300] for name in ("name", "email", "phone")}
    values["website"] = request.args.get("website", "")[:300]
    apart_from = row_id(request.args.get("apart_from", ""))
    found = await similar_accounts(db.session, values, apart_from=apart_from)
    return jsonify(
        [
            {"name": row.name, "words": row.words, "url": url_for(".show", account_id=row.id)}
            for row in found
        ]
    )


@bp.get("/<int:account_id>")
@login_required
async def show(account_id: int) -> str:
    return await show_page(await load(account_id))


@bp.get("/new")
@login_required
async def create() -> str:
    form = await (await _form()).from_request(data={"owner_id": current_user.id, "version": 0})
    return await _form_page(form)


@bp.post("/new")
@login_required
@csrf.redisplay
async def create_submit() -> ResponseReturnValue:
    form = await (await _form()).from_request()
    await form.owner_id.offer(db.session)

    async def work(session: AsyncSession) -> Saved:
        is_warned = ANYWAY in await request.form
        if not is_warned and (found := await similar_accounts(session, values_of(form))):
            raise SimilarFoundError(found)
        account = await create_account(session, actor=current_user, values=values_of(form))
        return Saved(url_for(".show", account_id=account.id), _("The account is created."))

    if await is_valid(form, partial(check_account, db.session, values=values_of(form))):
        try:
            with errors_on(form):
                saved = await save_once(form.submission, work)
                await flash(saved.message, "success")
                return redirect(saved.location, 303)
        except SimilarFoundError as error:
            return await _form_page(form, similar=error.found), 422
    return await _form_page(form), 422


@bp.get("/<int:account_id>/edit")
@login_required
async def edit(account_id: int) -> str:
    account = await load(account_id, edit=True)
    extras = await read_extras(db.session, Account, [account.id])
    shown = extras.form_data(account.id)
    form = await extended(AccountForm, extras).from_request(obj=account, data=shown)
    return await _form_page(form, account)


@bp.post("/<int:account_id>/edit")
@login_required
@csrf.redisplay
async def edit_submit(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    form = await (await _form(account)).from_request()
    await form.owner_id.offer(db.session, present=account.owner)

    def check() -> Awaitable[object]:
        return check_account(db.session, values=values_of(form), account=account)

    try:
        if await is_valid(form, check):
            with errors_on(form):
                async with db.transaction() as session:
                    await update_account(
                        session,
                        actor=current_user,
                        account=account,
                        values=values_of(form),
                        version=form.version.data or 0,
                    )
                await flash(_("The account is saved."), "success")
                return redirect(url_for(".show", account_id=account_id), 303)
        form.require_present(account)
    except ConflictError:
        account = await load(account_id, edit=True)
        now = {name: getattr(account, name) for name in FIELDS} | await _extras(account)
        conflict = await reconcile(db.session, form, account, now=now)
        await add_errors_of(check, form)
        return await _form_page(form, account, conflict), 409
    return await _form_page(form, account), 422


@bp.post("/<int:account_id>/archive")
@login_required
async def archive(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    async with db.transaction() as session:
        was_archived = account.is_archived
        await archive_account(session, actor=current_user, account=account)
        key = None
        if not was_archived:
            key = await offer_undo(session, account, actor=current_user, action="archived")
    await flash_with_undo(
        _("The account is archived. Its orders stay, and it can be restored."), key
    )
    return redirect(url_for(".show", account_id=account_id), 303)


@bp.post("/<int:account_id>/restore")
@login_required
async def restore(account_id: int) -> ResponseReturnValue:
    account = await load(account_id, edit=True)
    async with db.transaction() as session:
        await restore_account(session, actor=current_user, account=account)
    await flash(_("The account is in use again."), "success")
    return redirect(url_for(".show", account_id=account_id), 303)


async def _form(account: Account | None = None) -> type[AccountForm]:
    ids = () if account is None else (account.id,)
    return extended(AccountForm, await read_extras(db.session, Account, ids))


async def _extras(account: Account) -> dict[str, Any]:
    extras = await read_extras(db.session, Account, [account.id])
    return extras.form_data(account.id)


async def _form_page(
    form: AccountForm,
    account: Account | None = None,
    conflict: Conflict | None = None,
    similar: Sequence[Similar] = (),
) -> str:
    await form.owner_id.offer(db.session, present=account.owner if account else None)
    return await render_template(
        "accounts/form.html", form=form, account=account, conflict=conflict, similar=similar
    )
