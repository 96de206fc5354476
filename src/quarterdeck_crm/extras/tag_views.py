"""The page on which administrators rename, merge and remove tags."""

from __future__ import annotations

from functools import partial

from quart import flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, role_required
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.conflicts import values_of
from quarterdeck_crm.forms.errors import errors_on, is_valid
from quarterdeck_crm.models import Tag
from quarterdeck_crm.validation.numbers import row_id

from . import bp as bp
from .forms import TagForm
from .tags import (
    TAG_EDITOR,
    check_tag,
    count_uses,
    create_tag,
    get_tag,
    list_tags,
    merge_tags,
    remove_tag,
    update_tag,
)

# The lists that show the records with a tag, by the table of the records.
LISTS = {
    "account": "accounts.index",
    "person": "people.index",
    "deal": "deals.index",
    "order": "orders.index",
    "good": "goods.index",
}


@bp.get("/")
@role_required(TAG_EDITOR)
async def index() -> str:
    return await _index_page(await TagForm.from_request(data={"version": 0}))


@bp.post("/")
@role_required(TAG_EDITOR)
@csrf.redisplay
async def create() -> ResponseReturnValue:
    form = await TagForm.from_request()
    if await is_valid(form, partial(check_tag, db.session, values=values_of(form))):
        with errors_on(form):
            async with db.transaction() as session:
                await create_tag(session, actor=current_user, values=values_of(form))
            await flash(_("The tag is added."), "success")
            return redirect(url_for(".index"), 303)
    return await _index_page(form), 422


@bp.get("/<int:tag_id>")
@role_required(TAG_EDITOR)
async def edit(tag_id: int) -> str:
    tag = await get_tag(db.session, tag_id=tag_id)
    return await _form_page(await TagForm.from_request(obj=tag), tag)


@bp.post("/<int:tag_id>")
@role_required(TAG_EDITOR)
@csrf.redisplay
async def edit_submit(tag_id: int) -> ResponseReturnValue:
    tag = await get_tag(db.session, tag_id=tag_id)
    form = await TagForm.from_request()
    if await is_valid(form, partial(check_tag, db.session, values=values_of(form), tag=tag)):
        try:
            with errors_on(form):
                async with db.transaction() as session:
                    await update_tag(
                        session,
                        actor=current_user,
                        tag=tag,
                        values=values_of(form),
                        version=form.version.data or 0,
                    )
                await flash(_("The tag is saved."), "success")
                return redirect(url_for(".index"), 303)
        except ConflictError as error:
            form.add_errors({"": [str(error)]})
            return await _form_page(form, await get_tag(db.session, tag_id=tag_id)), 409
    return await _form_page(form, tag), 422


@bp.post("/<int:tag_id>/merge")
@role_required(TAG_EDITOR)
async def merge(tag_id: int) -> ResponseReturnValue:
    """Give the records of a tag the tag that the form names in ``into``."""
    into_id = row_id((await request.form).get("into", ""))
    async with db.transaction() as session:
        tag = await get_tag(session, tag_id=tag_id)
        into = await merge_tags(session, actor=current_user, tag=tag, into_id=into_id or 0)
    await flash(_("The tags are merged into '%(name)s'.", name=into.name), "success")
    return redirect(url_for(".index"), 303)


@bp.post("/<int:tag_id>/remove")
@role_required(TAG_EDITOR)
async def remove(tag_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        await remove_tag(session, actor=current_user, tag=await get_tag(session, tag_id=tag_id))
    await flash(_("The tag is removed."), "success")
    return redirect(url_for(".index"), 303)


async def _index_page(form: TagForm) -> str:
    return await render_template(
        "extras/tags.html",
        form=form,
        tags=await list_tags(db.session),
        uses=await count_uses(db.session),
        lists=LISTS,
    )


async def _form_page(form: TagForm, tag: Tag) -> str:
    others = [each for each in await list_tags(db.session) if each.id != tag.id]
    return await render_template("extras/tag.html", form=form, tag=tag, others=others)
