"""The pages of the catalogue."""

from __future__ import annotations

from quart import current_app, flash, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.login import current_user, login_required, role_required
from quarterdeck_crm.activity import plain
from quarterdeck_crm.editing import Conflict, reconcile, values_of
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.forms import errors_on
from quarterdeck_crm.history import read_history
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Good
from quarterdeck_crm.picking import label, suggest

from . import bp as bp
from .forms import GoodForm, PictureForm
from .services import (
    FILTERS,
    KEEPER,
    SORTS,
    archive_good,
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
    listing = Listing.from_args(request.args, sorts=SORTS, default="name", filters=FILTERS)
    return await render_template(
        "goods/index.html",
        listing=listing,
        page=await list_goods(db.session, listing=listing),
        categories=[(name, name) for name in await list_categories(db.session)],
        may_edit=_may_edit(),
    )


@bp.get("/suggest")
@login_required
async def suggestions() -> ResponseReturnValue:
    """Return goods, with what a line of an order takes from them, for a field being typed into."""
    goods = await suggest(db.session, Good, q=request.args.get("q", "")[:200])
    return jsonify(
        [
            {
                "label": label(good),
                "price": plain(good.price),
                "currency": good.currency,
                "stock": good.stock,
                "unit": good.unit,
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


async def show_page(good: Good, picture_form: PictureForm) -> str:
    """Return the page of a good, with its picture and history."""
    return await render_template(
        "goods/show.html",
        good=good,
        picture_form=picture_form,
        history=await read_history(db.session, good),
        may_edit=_may_edit(),
    )


@bp.get("/new")
@role_required(KEEPER)
async def create() -> str:
    blank = {"currency": current_app.config["CURRENCY"], "stock": 0, "version": 0}
    return await _form_page(await GoodForm.from_request(data=blank))


@bp.post("/new")
@role_required(KEEPER)
async def create_submit() -> ResponseReturnValue:
    form = await GoodForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            async with db.transaction() as session:
                good = await create_good(session, actor=current_user, values=values_of(form))
            await flash("The article is created.", "success")
            return redirect(url_for(".show", good_id=good.id), 303)
    return await _form_page(form), 422


@bp.get("/<int:good_id>/edit")
@role_required(KEEPER)
async def edit(good_id: int) -> str:
    good = await get_good(db.session, good_id=good_id)
    return await _form_page(await GoodForm.from_request(obj=good), good)


@bp.post("/<int:good_id>/edit")
@role_required(KEEPER)
async def edit_submit(good_id: int) -> ResponseReturnValue:
    good = await get_good(db.session, good_id=good_id)
    form = await GoodForm.from_request()
    form.good_id = good_id
    if await form.validate_on_submit():
        try:
            with errors_on(form):
                async with db.transaction() as session:
                    await update_good(
                        session,
                        actor=current_user,
                        good=good,
                        values=values_of(form),
                        version=form.version.data or 0,
                    )
                await flash("The article is saved.", "success")
                return redirect(url_for(".show", good_id=good_id), 303)
        except ConflictError:
            good = await get_good(db.session, good_id=good_id)
            conflict = await reconcile(db.session, form, good)
            return await _form_page(form, good, conflict), 409
    return await _form_page(form, good), 422


@bp.post("/<int:good_id>/archive")
@role_required(KEEPER)
async def archive(good_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        good = await get_good(session, good_id=good_id)
        await archive_good(session, actor=current_user, good=good)
    await flash("The article is archived: it can no longer be ordered.", "success")
    return redirect(url_for(".show", good_id=good_id), 303)


@bp.post("/<int:good_id>/restore")
@role_required(KEEPER)
async def restore(good_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        good = await get_good(session, good_id=good_id)
        await restore_good(session, actor=current_user, good=good)
    await flash("The article can be ordered again.", "success")
    return redirect(url_for(".show", good_id=good_id), 303)


async def _form_page(
    form: GoodForm, good: Good | None = None, conflict: Conflict | None = None
) -> str:
    categories = [(name, name) for name in await list_categories(db.session)]
    return await render_template(
        "goods/form.html", form=form, good=good, conflict=conflict, categories=categories
    )


def _may_edit() -> bool:
    return bool(current_user.has_role(KEEPER))


from . import picture_views  # noqa: E402, F401 - the picture adds its routes
