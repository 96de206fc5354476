"""The pages of the goods."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any

from quart import current_app, flash, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, role_required
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.extras.filters import open_record_panel
from quarterdeck_crm.extras.forms import extended
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.forms.conflicts import Conflict, reconcile, values_of
from quarterdeck_crm.forms.errors import add_errors_of, errors_on, is_valid
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.history.recording import plain
from quarterdeck_crm.history.undo import offer_undo
from quarterdeck_crm.models import Good
from quarterdeck_crm.saved_views.pages import open_list
from quarterdeck_crm.search.autocomplete import label, suggest
from quarterdeck_crm.web.undo import flash_with_undo

from . import bp as bp
from . import picture_views as picture_views  # adds its routes to the blueprint
from .forms import GoodForm, PictureForm
from .pages import may_edit, show_page
from .services import (
    COLUMNS,
    FIELDS,
    FILTERS,
    GOODS_EDITOR,
    RANGES,
    SORTS,
    archive_good,
    check_good,
    create_good,
    get_good,
    list_categories,
    list_goods,
    restore_good,
    update_good,
)


@bp.get("/")
@login_required
async def index() -> str:
    listing, views = await open_list(
        db.session,
        page="goods",
        sorts=SORTS,
        default="name",
        filters=FILTERS,
        columns=COLUMNS,
    )
    panel = await open_record_panel(db.session, listing, RANGES, kind=Good.__tablename__)
    page = await list_goods(db.session, listing=listing)
    extras = await read_extras(db.session, Good, [good.id for good in page.items])
    return await render_template(
        "goods/index.html",
        listing=listing,
        panel=panel,
        views=views,
        page=page,
        extras=extras.showing(listing),
        categories=[(name, name) for name in await list_categories(db.session)],
        may_edit=may_edit(),
    )


@bp.get("/suggest")
@login_required
async def suggestions() -> ResponseReturnValue:
    """Return goods with price, stock and unit, for the autocomplete of an order line."""
    goods = await suggest(db.session, Good, q=request.args.get("q", "")[:200])
    return jsonify(
        [
            {
                "label": label(good),
                "price": plain(good.price),
                "currency": good.currency,
                "stock": good.stock,
                "unit": good.unit,
                "picture": good.picture
                and url_for(".thumbnail", good_id=good.id, name=good.picture),
            }
            for good in goods
        ]
    )


@bp.get("/<int:good_id>")
@login_required
async def show(good_id: int) -> str:
    return await show_page(
        await get_good(db.session, good_id=good_id), await PictureForm.from_request()
    )


@bp.get("/new")
@role_required(GOODS_EDITOR)
async def create() -> str:
    blank = {"currency": current_app.config["CURRENCY"], "stock": 0, "version": 0}
    return await _form_page(await (await _form()).from_request(data=blank))


@bp.post("/new")
@role_required(GOODS_EDITOR)
@csrf.redisplay
async def create_submit() -> ResponseReturnValue:
    form = await (await _form()).from_request()

    async def work(session: AsyncSession) -> Saved:
        good = await create_good(session, actor=current_user, values=values_of(form))
        return Saved(url_for(".show", good_id=good.id), _("The good is created."))

    if await is_valid(form, partial(check_good, db.session, values=values_of(form))):
        with errors_on(form):
            saved = await save_once(form.submission, work)
            await flash(saved.message, "success")
            return redirect(saved.location, 303)
    return await _form_page(form), 422


@bp.get("/<int:good_id>/edit")
@role_required(GOODS_EDITOR)
async def edit(good_id: int) -> str:
    good = await get_good(db.session, good_id=good_id)
    extras = await read_extras(db.session, Good, [good.id])
    shown = extras.form_data(good.id)
    form = await extended(GoodForm, extras).from_request(obj=good, data=shown)
    return await _form_page(form, good)


@bp.post("/<int:good_id>/edit")
@role_required(GOODS_EDITOR)
@csrf.redisplay
async def edit_submit(good_id: int) -> ResponseReturnValue:
    good = await get_good(db.session, good_id=good_id)
    form = await (await _form(good)).from_request()

    def check() -> Awaitable[object]:
        return check_good(db.session, values=values_of(form), good=good)

    try:
        if await is_valid(form, check):
            with errors_on(form):
                async with db.transaction() as session:
                    await update_good(
                        session,
                        actor=current_user,
                        good=good,
                        values=values_of(form),
                        version=form.version.data or 0,
                    )
                await flash(_("The good is saved."), "success")
                return redirect(url_for(".show", good_id=good_id), 303)
        form.require_present(good)
    except ConflictError:
        good = await get_good(db.session, good_id=good_id)
        now = {name: getattr(good, name) for name in FIELDS} | await _extras(good)
        conflict = await reconcile(db.session, form, good, now=now)
        await add_errors_of(check, form)
        return await _form_page(form, good, conflict), 409
    return await _form_page(form, good), 422


@bp.post("/<int:good_id>/archive")
@role_required(GOODS_EDITOR)
async def archive(good_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        good = await get_good(session, good_id=good_id)
        was_archived = good.is_archived
        await archive_good(session, actor=current_user, good=good)
        key = None
        if not was_archived:
            key = await offer_undo(session, good, actor=current_user, action="archived")
    await flash_with_undo(_("The good is archived: it can no longer be ordered."), key)
    return redirect(url_for(".show", good_id=good_id), 303)


@bp.post("/<int:good_id>/restore")
@role_required(GOODS_EDITOR)
async def restore(good_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        good = await get_good(session, good_id=good_id)
        await restore_good(session, actor=current_user, good=good)
    await flash(_("The good can be ordered again."), "success")
    return redirect(url_for(".show", good_id=good_id), 303)


async def _form(good: Good | None = None) -> type[GoodForm]:
    ids = () if good is None else (good.id,)
    return extended(GoodForm, await read_extras(db.session, Good, ids))


async def _extras(good: Good) -> dict[str, Any]:
    extras = await read_extras(db.session, Good, [good.id])
    return extras.form_data(good.id)


async def _form_page(
    form: GoodForm, good: Good | None = None, conflict: Conflict | None = None
) -> str:
    categories = [(name, name) for name in await list_categories(db.session)]
    return await render_template(
        "goods/form.html", form=form, good=good, conflict=conflict, categories=categories
    )
