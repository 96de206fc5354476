"""The pages of deals: the board, the list, and one deal."""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import current_app, flash, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, redirect_next
from quarterdeck_crm.attachments.forms import FileForm, attach
from quarterdeck_crm.attachments.quotas import read_quotas
from quarterdeck_crm.attachments.services import list_attachments
from quarterdeck_crm.errors import ConflictError, ValidationError, wants_problem
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.extras.filters import ENTRIES as FIELD_ENTRIES
from quarterdeck_crm.extras.filters import open_record_panel
from quarterdeck_crm.extras.forms import extended
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.forms.conflicts import reconcile
from quarterdeck_crm.forms.errors import add_errors_of, errors_on
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.history.asked import asked_timeline
from quarterdeck_crm.history.recording import Changes
from quarterdeck_crm.history.undo import offer_undo
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Deal
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.notes.panels import notes_of
from quarterdeck_crm.permissions import may_edit, require_edit
from quarterdeck_crm.saved_views.pages import open_list
from quarterdeck_crm.search.autocomplete import label, pick
from quarterdeck_crm.search.filters import Panel
from quarterdeck_crm.search.merges import find_account
from quarterdeck_crm.tasks.panels import read_panel
from quarterdeck_crm.validation.numbers import row_id
from quarterdeck_crm.web.undo import flash_with_undo

from . import bp as bp
from . import stage_views as stage_views  # adds its routes to the blueprint
from .board import read_deals
from .checks import check_deal
from .editor import form_class, form_page, offer, read_form
from .forms import DealForm, form_data, list_contacts
from .queries import COLUMNS, FILTERS, RANGES, SORTS, list_deals
from .services import (
    create_deal,
    delete_deal,
    get_deal,
    load_reach,
    make_order,
    move_deal,
    update_deal,
)
from .stages import PIPELINE_EDITOR, list_reasons, list_stages

# Its columns are states.
BOARD_FILTERS = (*(name for name in FILTERS if name != "state"), *FIELD_ENTRIES)
FOLDED = "folded_stages"  # the cookie with the columns that the reader has folded


@bp.get("/board")
@login_required
async def board() -> str:
    listing = Listing.from_args(request.args, sorts=SORTS, default="created", filters=BOARD_FILTERS)
    panel = await _open_filters(listing)
    columns = await read_deals(db.session, q=listing.q, filters=listing.filters, actor=current_user)
    return await render_template(
        "deals/board.html",
        listing=listing,
        panel=panel,
        columns=columns,
        extras=(await read_extras(db.session, Deal)).showing(listing),
        stages=[column.stage for column in columns],
        reasons=await list_reasons(db.session),
        folded=request.cookies.get(FOLDED, "").split("."),
        today=utc_now().date(),
        may_edit=partial(may_edit, current_user),
        may_edit_pipeline=current_user.has_role(PIPELINE_EDITOR),
    )


@bp.get("/")
@login_required
async def index() -> str:
    listing, views = await open_list(
        db.session,
        page="deals",
        sorts=SORTS,
        default="expected",
        filters=FILTERS,
        columns=COLUMNS,
    )
    panel = await _open_filters(listing)
    page = await list_deals(db.session, listing=listing, actor=current_user)
    extras = await read_extras(db.session, Deal, [deal.id for deal in page.items])
    return await render_template(
        "deals/index.html",
        listing=listing,
        panel=panel,
        views=views,
        page=page,
        extras=extras.showing(listing),
        stages=await list_stages(db.session),
        today=utc_now().date(),
    )


@bp.get("/contacts")
@login_required
async def contacts() -> ResponseReturnValue:
    """Return the contacts of the account that the words in ``account`` mean, for the form."""
    words = request.args.get("account", "").strip()[:350]
    found = (await pick(db.session, Account, [words]))[words] if words else ()
    account_id = found[0].id if len(found) == 1 else None
    rows = await list_contacts(db.session, account_id)
    return jsonify([{"id": id_, "name": name} for id_, name in rows])


@bp.get("/<int:deal_id>")
@login_required
async def show(deal_id: int) -> str:
    return await _show_page(await get_deal(db.session, deal_id=deal_id))


@bp.get("/new")
@login_required
async def create() -> str:
    """Show an empty form; ``account`` and ``contact`` in the address are ids to begin with."""
    blank: dict[str, Any] = {
        "owner_id": current_user.id,
        "currency": current_app.config["CURRENCY"],
        "contact_id": row_id(request.args.get("contact", "")),
        "version": 0,
    }
    account: Account | None = None
    if account_id := row_id(request.args.get("account", "")):
        account = await find_account(db.session, account_id)
    blank["account"] = label(account) if account is not None else ""
    form = (await form_class())(data=blank)
    form.account.row = account
    return await form_page(form)


@bp.post("/new")
@login_required
@csrf.redisplay
async def create_submit() -> ResponseReturnValue:
    form, is_ready = await read_form()
    if not is_ready:
        return await form_page(form)

    async def work(session: AsyncSession) -> Saved:
        deal = await create_deal(
            session,
            actor=current_user,
            values=form.header(),
            lines=form.entries() or [],
            stage_id=form.stage_id.data,
        )
        return Saved(
            url_for(".show", deal_id=deal.id), _("The deal '%(name)s' is added.", name=deal.name)
        )

    if await _is_valid(form):
        with errors_on(form):
            saved = await save_once(form.submission, work)
            await flash(saved.message, "success")
            return redirect(saved.location, 303)
    return await form_page(form), 422


@bp.get("/<int:deal_id>/edit")
@login_required
async def edit(deal_id: int) -> str:
    deal = await _load(deal_id)
    extras = await read_extras(db.session, Deal, [deal.id])
    form = extended(DealForm, extras)(data=form_data(deal) | extras.form_data(deal.id))
    form.account.row = deal.account
    form.take_goods(deal)
    return await form_page(form, deal)


@bp.post("/<int:deal_id>/edit")
@login_required
@csrf.redisplay
async def edit_submit(deal_id: int) -> ResponseReturnValue:
    deal = await _load(deal_id)
    form, is_ready = await read_form(deal)
    if not is_ready:
        return await form_page(form, deal)
    try:
        if await _is_valid(form, deal):
            with errors_on(form):
                async with db.transaction() as session:
                    await update_deal(
                        session,
                        actor=current_user,
                        deal=deal,
                        values=form.header(),
                        lines=form.entries(),
                        version=form.version.data or 0,
                    )
                await flash(_("The deal is saved."), "success")
                return redirect(url_for(".show", deal_id=deal_id), 303)
        form.require_present(deal)
    except ConflictError:
        deal = await _load(deal_id)
        conflict = await reconcile(
            db.session, form, deal, now=await _shown(deal), translate=_as_shown
        )
        await add_errors_of(partial(_check, form, deal), form)
        return await form_page(form, deal, conflict), 409
    return await form_page(form, deal), 422


@bp.post("/<int:deal_id>/files")
@login_required
@csrf.redisplay
async def file_create(deal_id: int) -> ResponseReturnValue:
    deal = await _load(deal_id)
    form = await FileForm.from_request()
    location = url_for(".show", deal_id=deal_id, _anchor="files")
    if saved := await attach(form, deal, location=location):
        await flash(saved.message, "success")
        return redirect(saved.location, 303)
    return await _show_page(deal, file_form=form), 422


@bp.post("/<int:deal_id>/move")
@login_required
async def move(deal_id: int) -> ResponseReturnValue:
    """Take a deal to the stage that the form names in ``to``, then go to ``next``."""
    form = await request.form
    stage_id, version = row_id(form.get("to", "")), row_id(form.get("version", ""))
    if stage_id is None or version is None:
        raise ValidationError({"to": [_("Reload the page and choose the stage again.")]})

    async def work(session: AsyncSession) -> tuple[Deal, str | None]:
        deal = await get_deal(session, deal_id=deal_id)
        before = {"stage_id": deal.stage_id, "lost_reason": deal.lost_reason}
        moved = await move_deal(
            session,
            actor=current_user,
            deal_id=deal_id,
            stage_id=stage_id,
            lost_reason=form.get("lost_reason"),
            version=version,
        )
        if moved.stage_id == before["stage_id"]:
            return moved, None
        key = await offer_undo(session, moved, actor=current_user, action="moved", before=before)
        return moved, key

    try:
        deal, key = await db.run(work)
    except ConflictError as error:
        if wants_problem():
            raise
        deal = await get_deal(db.session, deal_id=deal_id)
        return await _show_page(deal, problem=str(error)), 409
    await flash_with_undo(_("The deal is in the stage '%(name)s'.", name=deal.stage.name), key)
    return redirect_next(url_for(".show", deal_id=deal_id), 303)


@bp.post("/<int:deal_id>/order")
@login_required
async def order(deal_id: int) -> ResponseReturnValue:
    """Make an order of a won deal; sent twice, it leads to the same order."""
    made = await db.run(partial(make_order, actor=current_user, deal_id=deal_id))
    await flash(_("The deal has become order %(number)s, a draft.", number=made.number), "success")
    return redirect(url_for("orders.show", order_id=made.id), 303)


@bp.post("/<int:deal_id>/delete")
@login_required
async def delete(deal_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        deal = await get_deal(session, deal_id=deal_id)
        await delete_deal(session, actor=current_user, deal=deal)
    await flash(_("The deal is deleted."), "success")
    return redirect(url_for(".index"), 303)


async def _open_filters(listing: Listing) -> Panel:
    """Return the filters of the list and of the board."""
    return await open_record_panel(
        db.session,
        listing,
        RANGES,
        users=True,
        records=("account", "person"),
        kind=Deal.__tablename__,
    )


async def _load(deal_id: int) -> Deal:
    """Return a deal that the current user may edit, or answer 404 or 403."""
    deal = await get_deal(db.session, deal_id=deal_id)
    require_edit(current_user, deal)
    return deal


async def _is_valid(form: DealForm, deal: Deal | None = None) -> bool:
    """Check the form, and find the account and goods that its words mean."""
    is_settled = await form.settle(db.session)
    await offer(form, deal)
    if await form.validate_on_submit() and is_settled:
        return True
    await add_errors_of(partial(_check, form, deal), form)
    return False


async def _check(form: DealForm, deal: Deal | None = None) -> None:
    """Find the errors of the service in a form that is not valid."""
    await check_deal(db.session, values=form.header(), lines=form.entries(), deal=deal, lock=False)


async def _as_shown(earlier: Changes) -> Changes:
    """Return old values of a deal as its form showed them."""
    if (account_id := earlier.pop("account_id", None)) is not None:
        account = await db.session.get(Account, account_id)
        earlier["account"] = label(account) if account else None
    return earlier


async def _show_page(
    deal: Deal, *, problem: str | None = None, file_form: FileForm | None = None
) -> str:
    editable = may_edit(current_user, deal)
    await load_reach(db.session, deal)
    return await render_template(
        "deals/show.html",
        deal=deal,
        extras=await read_extras(db.session, Deal, [deal.id]),
        stages=await list_stages(db.session),
        reasons=await list_reasons(db.session),
        timeline=await asked_timeline(db.session, deal),
        tasks=await read_panel(db.session, reader=current_user, deal=deal.id),
        notes=notes_of(deal, reader=current_user),
        files=await list_attachments(db.session, subject=deal),
        quotas=await read_quotas(db.session, actor=current_user, subject=deal) if editable else (),
        file_form=file_form or FileForm(),
        today=utc_now().date(),
        may_edit=editable,
        problem=problem,
    )


async def _shown(deal: Deal) -> dict[str, Any]:
    extras = await read_extras(db.session, Deal, [deal.id])
    return form_data(deal) | extras.form_data(deal.id)
