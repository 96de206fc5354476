"""The picture on the page of a good."""

from __future__ import annotations

from quart import Response, flash, redirect, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, role_required
from quarterdeck_crm.attachments.kinds import PICTURES, extension_of
from quarterdeck_crm.attachments.storage import discard, keep, stored_path
from quarterdeck_crm.attachments.thumbnails import MEDIA_TYPE, find_thumbnail, require_thumbnail
from quarterdeck_crm.attachments.views import send
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.errors import errors_on

from . import bp
from .forms import PictureForm
from .pages import show_page
from .services import GOODS_EDITOR, get_good, set_picture

MAX_BYTES = 2 * 1024 * 1024
ONE_YEAR = 365 * 24 * 3600


@bp.get("/<int:good_id>/picture/<name>")
@login_required
async def picture(good_id: int, name: str) -> Response:
    """Send the picture; its address changes with it, so that browsers may keep it."""
    good = await get_good(db.session, good_id=good_id)
    if good.picture != name:
        raise NotFoundError(_("This good has another picture now."))
    media_type = PICTURES[extension_of(name)]
    return await send(stored_path(name), media_type=media_type, max_age=ONE_YEAR)


@bp.get("/<int:good_id>/picture/<name>/small")
@login_required
async def thumbnail(good_id: int, name: str) -> Response:
    """Send the small picture for lists; the picture itself if it cannot be made smaller."""
    good = await get_good(db.session, good_id=good_id)
    if good.picture != name:
        raise NotFoundError(_("This good has another picture now."))
    path = await find_thumbnail(name)
    if path is not None:
        return await send(path, media_type=MEDIA_TYPE, max_age=ONE_YEAR)
    return await send(stored_path(name), media_type=PICTURES[extension_of(name)], max_age=ONE_YEAR)


@bp.post("/<int:good_id>/picture")
@role_required(GOODS_EDITOR)
@csrf.redisplay
async def picture_submit(good_id: int) -> ResponseReturnValue:
    good = await get_good(db.session, good_id=good_id)
    form = await PictureForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            async with keep(form.file.data, kinds=PICTURES, limit=MAX_BYTES) as file:
                await require_thumbnail(file.stored)
                async with db.transaction() as session:
                    before = await set_picture(
                        session, actor=current_user, good=good, stored=file.stored
                    )
            return await _changed(good_id, before, _("The picture is saved."))
    return await show_page(good, form), 422


@bp.post("/<int:good_id>/picture/remove")
@role_required(GOODS_EDITOR)
async def picture_remove(good_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        good = await get_good(session, good_id=good_id)
        before = await set_picture(session, actor=current_user, good=good, stored=None)
    return await _changed(good_id, before, _("The picture is removed."))


async def _changed(good_id: int, before: str | None, words: str) -> ResponseReturnValue:
    if before:
        await discard(before)
    await flash(words, "success")
    return redirect(url_for(".show", good_id=good_id), 303)
