"""The page of notifications."""

from __future__ import annotations

from quart import flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, redirect_next
from quarterdeck_crm.errors import NoSuchPageError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Notification
from quarterdeck_crm.validation.numbers import row_id

from . import bp as bp
from .records import note_url, record_url
from .services import in_words, list_notifications, mark_all_read, mark_read

SORTS = {"added": Notification.id}
FILTERS = ("unread",)


@bp.get("/")
@login_required
async def index() -> ResponseReturnValue:
    listing = Listing.from_args(request.args, sorts=SORTS, default="-added", filters=FILTERS)
    try:
        page = await list_notifications(db.session, reader=current_user, listing=listing)
    except NoSuchPageError:  # all of the last page were marked as read
        return redirect(url_for(".index", **listing.args(page=None)), 303)
    return await render_template(
        "notifications/index.html",
        listing=listing,
        page=page,
        items=await in_words(db.session, page.items),
        record_url=record_url,
        note_url=note_url,
    )


@bp.post("/<int:notification_id>/read")
@login_required
async def read(notification_id: int) -> ResponseReturnValue:
    """Mark one as read, then go to ``next``."""
    async with db.transaction() as session:
        await mark_read(session, reader=current_user, notification_id=notification_id)
    return redirect_next(url_for(".index"), 303)


@bp.post("/read")
@login_required
async def read_all() -> ResponseReturnValue:
    """Mark all as read; those that came after the page was shown stay unread."""
    up_to = row_id((await request.form).get("up_to", ""))
    async with db.transaction() as session:
        await mark_all_read(session, reader=current_user, up_to=up_to)
    await flash(_("All notifications are marked as read."), "success")
    return redirect(url_for(".index"), 303)
