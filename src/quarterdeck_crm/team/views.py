"""The pages of the team: everybody sees it, administrators change it."""

from __future__ import annotations

from quart import flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, redirect_next, role_required
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.errors import errors_on, is_valid
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.languages.words import role_word
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.mail.links import shown_url
from quarterdeck_crm.mail.sending import sends_mail
from quarterdeck_crm.mail.users import mail_invitation
from quarterdeck_crm.models import AuditAction, Role, User

from . import bp as bp
from . import services
from .checks import check_user
from .forms import KIND_LABELS, UserForm
from .links import mailed_link, make_link_token, require_mailable


@bp.get("/")
@login_required
async def index() -> str:
    listing = Listing.from_args(
        request.args, sorts=services.SORTS, default="name", filters=services.FILTERS
    )
    users = await services.list_users(db.session, listing=listing)
    return await render_template(
        "team/index.html",
        users=users,
        listing=listing,
        roles=[(role, role_word(role)) for role in Role],
        kinds=KIND_LABELS,
    )


@bp.get("/<int:user_id>")
@login_required
async def show(user_id: int) -> str:
    return await _show_page(user_id)


@bp.get("/phone/<mobile:number>")
@login_required
async def by_phone(number: str) -> ResponseReturnValue:
    """Find the user of a mobile number, for the telephone system that opens this address."""
    user = await services.find_by_phone(db.session, number)
    return redirect(url_for("team.show", user_id=user.id))


@bp.get("/new")
@role_required(Role.ADMIN)
async def create() -> str:
    return await render_template("team/create.html", form=await UserForm.from_request())


@bp.post("/new")
@role_required(Role.ADMIN)
@csrf.redisplay
async def create_submit() -> ResponseReturnValue:
    form = await UserForm.from_request()

    async def work(session: AsyncSession) -> Saved:
        user = await services.create_user(session, data=form.entered())
        url = url_for("team.show", user_id=user.id)
        if not sends_mail():
            return Saved(
                url, _("%(name)s is in the team. Make a sign-in link next.", name=user.name)
            )
        await record_audit(session, AuditAction.PASSWORD_LINK_MADE, user=user)
        await mail_invitation(session, user=user, url=mailed_link(user))
        return Saved(
            url, _("%(name)s is in the team. The invitation is sent by mail.", name=user.name)
        )

    if await is_valid(form, lambda: check_user(db.session, data=form.entered())):
        with errors_on(form):
            saved = await save_once(form.submission, work)
            await flash(saved.message, "success")
            return redirect(saved.location, 303)
    return await render_template("team/create.html", form=form), 422


@bp.get("/<int:user_id>/edit")
@role_required(Role.ADMIN)
async def edit(user_id: int) -> str:
    user = await services.get_user(db.session, user_id)
    return await _edit_page(user_id, await UserForm.from_request(obj=user))


@bp.post("/<int:user_id>/edit")
@role_required(Role.ADMIN)
@csrf.redisplay
async def edit_submit(user_id: int) -> ResponseReturnValue:
    form = await UserForm.from_request()

    async def check() -> None:
        user = await services.get_user(db.session, user_id)
        await check_user(db.session, data=form.entered(), user=user, lock=False)

    if await is_valid(form, check):
        with errors_on(form):
            async with db.transaction() as session:
                user = await services.get_user(session, user_id)
                await services.edit_user(session, user=user, data=form.entered())
            await flash(_("%(name)s is saved.", name=user.name), "success")
            return redirect(url_for("team.show", user_id=user_id), 303)
    return await _edit_page(user_id, form), 422


@bp.post("/<int:user_id>/disable")
@role_required(Role.ADMIN)
async def disable(user_id: int) -> ResponseReturnValue:
    """Disable a user, then go to ``next``."""

    async def work(session: AsyncSession) -> User:
        user = await services.get_user(session, user_id)
        await services.disable_user(session, user=user, actor=current_user)
        return user

    try:
        user = await db.run(work)
    except ConflictError as error:
        return await _show_page(user_id, problem=str(error)), 409
    await flash(_("%(name)s is disabled and signed out everywhere.", name=user.name), "success")
    return redirect_next(url_for("team.show", user_id=user_id), 303)


@bp.post("/<int:user_id>/enable")
@role_required(Role.ADMIN)
async def enable(user_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        user = await services.get_user(session, user_id)
        await services.enable_user(session, user=user)
    await flash(_("%(name)s can sign in again.", name=user.name), "success")
    return redirect(url_for("team.show", user_id=user_id), 303)


@bp.post("/<int:user_id>/delete")
@role_required(Role.ADMIN)
async def delete(user_id: int) -> ResponseReturnValue:
    async def work(session: AsyncSession) -> User:
        user = await services.get_user(session, user_id)
        await services.delete_user(session, user=user, actor=current_user)
        return user

    try:
        user = await db.run(work)
    except ConflictError as error:
        return await _show_page(user_id, problem=str(error)), 409
    await flash(_("%(name)s is deleted.", name=user.name), "success")
    return redirect(url_for("team.index"), 303)


@bp.post("/<int:user_id>/link")
@role_required(Role.ADMIN)
async def link(user_id: int) -> str:
    """Make a link with which the user sets a password: after an invitation or a loss."""
    async with db.transaction() as session:
        user = await services.get_user(session, user_id)
        await record_audit(session, AuditAction.PASSWORD_LINK_MADE, user=user)
    url = shown_url("auth.reset_link", token=make_link_token(user))
    return await render_template("team/link.html", user=user, url=url)


@bp.post("/<int:user_id>/invite")
@role_required(Role.ADMIN)
async def invite(user_id: int) -> ResponseReturnValue:
    """Mail the link instead of showing it."""
    try:
        async with db.transaction() as session:
            user = await services.get_user(session, user_id)
            require_mailable(user)
            await record_audit(session, AuditAction.PASSWORD_LINK_MADE, user=user)
            await mail_invitation(session, user=user, url=mailed_link(user))
    except ConflictError as error:
        return await _show_page(user_id, problem=str(error)), 409
    await flash(
        _("A sign-in link is sent to %(email)s. It works for an hour.", email=user.email), "success"
    )
    return redirect(url_for("team.show", user_id=user_id), 303)


async def _show_page(user_id: int, problem: str | None = None) -> str:
    user = await services.get_user(db.session, user_id)
    return await render_template(
        "team/show.html",
        user=user,
        kinds=KIND_LABELS,
        problem=problem,
        can_invite=sends_mail() and user.is_active,
    )


async def _edit_page(user_id: int, form: UserForm) -> str:
    user = await services.get_user(db.session, user_id)
    return await render_template("team/edit.html", form=form, user=user)
