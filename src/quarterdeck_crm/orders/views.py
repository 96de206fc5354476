"""The pages of orders."""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import current_app, flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, redirect_next
from quarterdeck_crm.attachments.forms import FileForm, attach
from quarterdeck_crm.attachments.quotas import read_quotas
from quarterdeck_crm.attachments.services import list_attachments
from quarterdeck_crm.errors import ConflictError, ValidationError, wants_problem
from quarterdeck_crm.events.announcements import announce_editor
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.extras.filters import open_record_panel
from quarterdeck_crm.extras.forms import extended
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.forms.conflicts import reconcile
from quarterdeck_crm.forms.errors import Check, add_errors_of, errors_on
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.history.asked import asked_timeline
from quarterdeck_crm.history.recording import Changes
from quarterdeck_crm.history.undo import offer_undo
from quarterdeck_crm.models import Account, Order, OrderState
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.notes.panels import notes_of
from quarterdeck_crm.permissions import may_edit, require_edit
from quarterdeck_crm.saved_views.pages import open_list
from quarterdeck_crm.search.autocomplete import label
from quarterdeck_crm.tasks.panels import read_panel
from quarterdeck_crm.validation.numbers import row_id
from quarterdeck_crm.web.undo import flash_with_undo

from . import action_views as action_views  # adds its routes to the blueprint
from . import bp as bp
from .action_views import CopyForm
from .checks import check_order
from .confirmation import ConfirmationForm, list_recipients, mail_confirmation
from .editor import form_class, form_page, read_form
from .filters import COLUMNS, RANGES
from .forms import OrderForm, form_data
from .services import (
    FILTERS,
    SORTS,
    get_account,
    get_order,
    list_orders,
    move_order,
    place_order,
    update_order,
)
from .states import MOVES, Move
from .stock import find_shortages

BLANK_LINES = 3  # of a new order, for users without JavaScript


async def load(order_id: int, *, edit: bool = False) -> Order:
    """Return the order of a page, or answer 404; 403 if it is to be changed but may not be."""
    order = await get_order(db.session, order_id=order_id)
    if edit:
        require_edit(current_user, order)
    return order


@bp.get("/")
@login_required
async def index() -> str:
    listing, views = await open_list(
        db.session,
        page="orders",
        sorts=SORTS,
        default="-date",
        filters=FILTERS,
        columns=COLUMNS,
    )
    panel = await open_record_panel(
        db.session, listing, RANGES, users=True, records=("account",), kind=Order.__tablename__
    )
    page = await list_orders(db.session, listing=listing, actor=current_user)
    extras = await read_extras(db.session, Order, [order.id for order in page.items])
    return await render_template(
        "orders/index.html",
        listing=listing,
        panel=panel,
        views=views,
        page=page,
        states=list(OrderState),
        extras=extras.showing(listing),
    )


@bp.get("/<int:order_id>")
@login_required
async def show(order_id: int) -> str:
    return await _show_page(await load(order_id))


@bp.get("/<int:order_id>/print")
@login_required
async def print_view(order_id: int) -> str:
    order = await load(order_id)
    return await render_template("orders/print.html", order=order)


@bp.get("/new")
@login_required
async def create() -> str:
    blank: dict[str, Any] = {
        "owner_id": current_user.id,
        "currency": current_app.config["CURRENCY"],
        "ordered_on": utc_now().date(),
        "lines": [{}] * BLANK_LINES,
        "version": 0,
    }
    if account_id := row_id(request.args.get("account", "")):
        blank["account"] = label(await get_account(db.session, account_id=account_id))
    return await form_page((await form_class())(data=blank))


@bp.post("/new")
@login_required
@csrf.redisplay
async def create_submit() -> ResponseReturnValue:
    form, is_ready = await read_form()
    if not is_ready:
        return await form_page(form)
    if await _is_valid(form, partial(_check, form)):
        with errors_on(form):
            saved = await save_once(form.submission, partial(_place, form))
            await flash(saved.message, "success")
            return redirect(saved.location, 303)
    return await form_page(form), 422


@bp.get("/<int:order_id>/edit")
@login_required
async def edit(order_id: int) -> str:
    order = await load(order_id, edit=True)
    extras = await read_extras(db.session, Order, [order.id])
    form = extended(OrderForm, extras)(data=form_data(order) | extras.form_data(order.id))
    form.keep_editable(order.state)
    form.take_goods(order)
    await announce_editor(order, actor=current_user)
    return await form_page(form, order)


@bp.post("/<int:order_id>/edit")
@login_required
@csrf.redisplay
async def edit_submit(order_id: int) -> ResponseReturnValue:
    order = await load(order_id, edit=True)
    form, is_ready = await read_form(order)
    form.keep_editable(order.state)
    if not is_ready:
        return await form_page(form, order)
    try:
        if await _is_valid(form, partial(_check, form, order), order):
            with errors_on(form):
                await _save(order, form)
                await flash(_("The order is saved."), "success")
                return redirect(url_for(".show", order_id=order_id), 303)
        form.require_present(order)
    except ConflictError:
        order = await load(order_id, edit=True)
        form.keep_editable(order.state)
        conflict = await reconcile(
            db.session, form, order, now=await _shown(order), translate=_as_shown
        )
        await add_errors_of(partial(_check, form, order), form)
        return await form_page(form, order, conflict), 409
    return await form_page(form, order), 422


@bp.post("/<int:order_id>/files")
@login_required
@csrf.redisplay
async def file_create(order_id: int) -> ResponseReturnValue:
    order = await load(order_id, edit=True)
    form = await FileForm.from_request()
    location = url_for(".show", order_id=order_id, _anchor="files")
    if saved := await attach(form, order, location=location):
        await flash(saved.message, "success")
        return redirect(saved.location, 303)
    return await _show_page(order, file_form=form), 422


@bp.post("/<int:order_id>/move")
@login_required
async def move(order_id: int) -> ResponseReturnValue:
    """Take an order to the state that the form names in ``to``, then go to ``next``."""
    form = await request.form
    target, version = _target(form.get("to", "")), row_id(form.get("version", ""))

    async def work(session: AsyncSession) -> tuple[Move, str]:
        order = await get_order(session, order_id=order_id)
        if version is None:
            raise ValidationError({"version": [_("Reload the page and choose the step again.")]})
        before = {"state": order.state, "shipped_on": order.shipped_on}
        done = await move_order(
            session, actor=current_user, order=order, target=target, version=version
        )
        key = await offer_undo(session, order, actor=current_user, action="moved", before=before)
        return done, key

    try:
        done, key = await db.run(work)
    except ConflictError as error:
        if wants_problem():
            raise
        return await _show_page(await load(order_id), problem=str(error)), 409
    await flash_with_undo(done.done, key)
    return redirect_next(url_for(".show", order_id=order_id), 303)


@bp.post("/<int:order_id>/confirmation")
@login_required
@csrf.redisplay
async def confirm_by_mail(order_id: int) -> ResponseReturnValue:
    """Mail the order to a contact."""
    order = await load(order_id, edit=True)
    form = await ConfirmationForm.from_request()
    form.offer(await list_recipients(db.session, order=order))

    async def work(session: AsyncSession) -> Saved:
        fresh = await get_order(session, order_id=order_id)
        contact = await mail_confirmation(
            session, actor=current_user, order=fresh, contact_id=form.contact.data
        )
        return Saved(
            url_for(".show", order_id=order_id),
            _("The order is on its way to %(name)s.", name=contact.name),
        )

    if await form.validate_on_submit():
        with errors_on(form):
            saved = await save_once(form.submission, work)
            await flash(saved.message, "success")
            return redirect(saved.location, 303)
    return await _show_page(order, confirmation=form), 422


async def _is_valid(form: OrderForm, check: Check, order: Order | None = None) -> bool:
    """Check the form, and find the account and goods that its words mean."""
    if "owner_id" in form:
        await form.owner_id.offer(db.session, present=order.owner if order else None)
    is_settled = await form.settle(db.session)
    if await form.validate_on_submit() and is_settled:
        return True
    await add_errors_of(check, form)
    return False


async def _check(form: OrderForm, order: Order | None = None) -> None:
    """Find the errors of the service in a form that is not valid."""
    header, entries = form.header(), form.entries()
    await check_order(db.session, values=header, lines=entries, order=order, lock=False)


async def _place(form: OrderForm, session: AsyncSession) -> Saved:
    order = await place_order(
        session, actor=current_user, values=form.header(), lines=form.entries() or []
    )
    url = url_for(".show", order_id=order.id)
    return Saved(url, _("Order %(number)s is created as a draft.", number=order.number))


async def _save(order: Order, form: OrderForm) -> None:
    async with db.transaction() as session:
        await update_order(
            session,
            actor=current_user,
            order=order,
            values=form.header(),
            lines=form.entries(),
            version=form.version.data or 0,
        )


async def _as_shown(earlier: Changes) -> Changes:
    """Return old values of an order as its form showed them."""
    if (account_id := earlier.pop("account_id", None)) is not None:
        account = await db.session.get(Account, account_id)
        earlier["account"] = label(account) if account else None
    return earlier


async def _show_page(
    order: Order,
    *,
    problem: str | None = None,
    file_form: FileForm | None = None,
    confirmation: ConfirmationForm | None = None,
) -> str:
    editable = may_edit(current_user, order)
    recipients = await list_recipients(db.session, order=order) if editable else ()
    confirmation = confirmation or ConfirmationForm()
    confirmation.offer(recipients)
    is_draft = order.state is OrderState.DRAFT
    short = find_shortages((line.good, line.quantity) for line in order.lines) if is_draft else {}
    return await render_template(
        "orders/show.html",
        order=order,
        extras=await read_extras(db.session, Order, [order.id]),
        shortages=list(short.values()),
        tasks=await read_panel(db.session, reader=current_user, order=order.id),
        timeline=await asked_timeline(db.session, order),
        notes=notes_of(order, reader=current_user),
        files=await list_attachments(db.session, subject=order),
        quotas=await read_quotas(db.session, actor=current_user, subject=order) if editable else (),
        file_form=file_form or FileForm(),
        confirmation=confirmation if recipients else None,
        copy_form=CopyForm(),
        moves=MOVES[order.state],
        may_edit=editable,
        problem=problem,
    )


async def _shown(order: Order) -> dict[str, Any]:
    extras = await read_extras(db.session, Order, [order.id])
    return form_data(order) | extras.form_data(order.id)


def _target(word: str) -> OrderState:
    try:
        return OrderState(word)
    except ValueError:
        raise ValidationError({"to": [_("Choose one of the steps on the page.")]}) from None
