"""The outbox for administrators, and the page that ends mail to a user."""

from __future__ import annotations

from quart import flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.exceptions import OutboxMailNotFoundError
from quarterdeck.login import public, role_required
from quarterdeck_crm.extensions import csrf, db, mail
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import NoticeTime, Role
from quarterdeck_crm.validation.numbers import row_id

from . import bp as bp
from .links import open_unsubscribe
from .sending import sends_mail

PER_PAGE = 100
GONE = _l("This mail was sent or deleted in the meantime.")


@bp.get("/")
@role_required(Role.ADMIN)
async def index() -> str:
    """List the mail that was given up, then the mail that waits."""
    after = row_id(request.args.get("after", "")) or 0
    dead = await mail.outbox.list(state="dead", limit=PER_PAGE) if not after else []
    waiting = await mail.outbox.list(state="waiting", limit=PER_PAGE, after=after)
    return await render_template(
        "mailbox/index.html",
        dead=dead,
        waiting=waiting,
        status=await mail.outbox.status(),
        sends_mail=sends_mail(),
        per_page=PER_PAGE,
    )


@bp.post("/<int:mail_id>/retry")
@role_required(Role.ADMIN)
async def retry(mail_id: int) -> ResponseReturnValue:
    try:
        await mail.outbox.retry(mail_id)
    except OutboxMailNotFoundError:
        await flash(GONE, "info")
    else:
        mail.relay.wake()
        await flash(_l("The mail is sent again now."), "success")
    return redirect(url_for(".index"), 303)


@bp.post("/<int:mail_id>/delete")
@role_required(Role.ADMIN)
async def delete(mail_id: int) -> ResponseReturnValue:
    try:
        await mail.outbox.purge(mail_id)
    except OutboxMailNotFoundError:
        await flash(GONE, "info")
    else:
        await flash(_l("The mail is deleted unsent."), "success")
    return redirect(url_for(".index"), 303)


@bp.get("/unsubscribe/<token>")
@public
async def unsubscribe(token: str) -> str:
    """Ask first: programs that scan mail open every link."""
    user, kind = await open_unsubscribe(db.session, token)
    return await render_template("mailbox/unsubscribe.html", user=user, kind=kind, done=False)


@bp.post("/unsubscribe/<token>")
@public
@csrf.exempt  # mail programs post here with one click (RFC 8058); the token is the permission
async def unsubscribe_submit(token: str) -> str:
    async with db.transaction() as session:
        user, kind = await open_unsubscribe(session, token)
        if kind == "notifications":
            user.mails_notifications = False
        elif user.notices == (NoticeTime.AT_ONCE if kind == "changes" else NoticeTime.DAILY):
            user.notices = NoticeTime.OFF
        if kind == "daily":
            user.daily_summary = False
    return await render_template("mailbox/unsubscribe.html", user=user, kind=kind, done=True)
