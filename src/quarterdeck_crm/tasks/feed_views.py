"""The calendar feed for calendar programs, and the page on which users get its address."""

from __future__ import annotations

from quart import Response, flash, make_response, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.app import Blueprint
from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, public
from quarterdeck.security.limits import get_remote_address, limit
from quarterdeck.session import stateless
from quarterdeck_crm.extensions import db
from quarterdeck_crm.mail.links import shown_url
from quarterdeck_crm.web.limits import rate_of

from . import bp
from .feed import end_feed, make_feed, read_feed, write_feed

# Without cookies: the address is the permission.
calendar = stateless(Blueprint("calendar", __name__, url_prefix="/calendar"))


@calendar.get("/<token>.ics")
@public
@limit(lambda: rate_of("LIMIT_CALENDAR"), key=get_remote_address)
async def feed(token: str) -> Response:
    """Send the open tasks of the user of the address; ``?as=todos`` sends to-dos."""
    as_todos = request.args.get("as") == "todos"
    found = await read_feed(db.session, secret=token, as_todos=as_todos)
    response = Response(b"", content_type="text/calendar; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(found.etag)
    if request.if_none_match.contains_weak(found.etag):
        response.status_code = 304
    else:
        response.set_data(await write_feed(found))
    return response


@bp.get("/calendar")
@login_required
async def calendar_page() -> str:
    return await render_template("tasks/calendar.html", has_feed=_has_feed(), address=None)


@bp.post("/calendar")
@login_required
async def renew_calendar() -> ResponseReturnValue:
    """Make a new address and show it, this once."""
    async with db.transaction() as session:
        secret = await make_feed(session, user=current_user)
    address = shown_url("calendar.feed", token=secret)
    page = await render_template("tasks/calendar.html", has_feed=True, address=address)
    response = await make_response(page, 201)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.post("/calendar/end")
@login_required
async def end_calendar() -> ResponseReturnValue:
    async with db.transaction() as session:
        await end_feed(session, user=current_user)
    await flash(_("The calendar has no address any more."), "success")
    return redirect(url_for(".calendar_page"), 303)


def _has_feed() -> bool:
    return current_user.calendar_digest is not None
