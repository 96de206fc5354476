"""Signing in and out, registering, and one's own profile."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any

from quart import current_app, flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from quart.views import MethodView

from quarterdeck.babel import gettext as _
from quarterdeck.babel import refresh
from quarterdeck.exceptions import RateLimitExceededError
from quarterdeck.login import (
    current_user,
    login_required,
    login_user,
    logout_user,
    public,
    redirect_next,
)
from quarterdeck.wtf import Resubmission
from quarterdeck_crm.audit.recording import record_attempt, record_audit
from quarterdeck_crm.errors import ConflictError, LinkUsedError, in_language
from quarterdeck_crm.events.revocations import end_this_browser
from quarterdeck_crm.extensions import csrf, db, limiter, login_manager
from quarterdeck_crm.forms.errors import entered, errors_on, is_valid
from quarterdeck_crm.languages import language_of
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.mail.sending import sends_mail
from quarterdeck_crm.mail.users import mail_newcomer, mail_welcome
from quarterdeck_crm.models import AuditAction, User
from quarterdeck_crm.team.checks import check_new_password, check_profile, hash_new_password
from quarterdeck_crm.team.links import USED, open_link
from quarterdeck_crm.team.services import edit_own, end_sessions, get_user, set_password
from quarterdeck_crm.validation.addresses import fold_address
from quarterdeck_crm.web.limits import count_use, limited, limited_together

from . import bp as bp
from .attempts import begin_sign_in
from .forms import (
    LoginForm,
    NewPasswordForm,
    PasswordForm,
    ProfileForm,
    RegisterForm,
    ResetForm,
)
from .services import (
    authenticate,
    check_password_change,
    check_registration,
    delete_browser_sessions,
    mail_reset_link,
    note_sign_in,
    register_user,
    registration_open,
    role_of_newcomer,
)

RESET_SENT = _l("If a user has this address, a link is on its way. It works for an hour.")

# Passwords never return to a page; a test compares this with the forms.
SECRETS = frozenset({"password", "again", "current"})


@login_manager.unauthorized_handler
async def ask_to_sign_in() -> ResponseReturnValue | None:
    """Answer a form whose session has ended with a sign-in page that keeps the entries."""
    kept = await Resubmission.from_request(exclude=SECRETS)
    if kept is None:
        return None
    return await _login_page(LoginForm(), kept), 401


@bp.get("/login")
@public
async def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect_next(url_for("dashboard.index"), 303)
    return await _login_page(await LoginForm.from_request())


@bp.post("/login")
@public
@csrf.redisplay
async def login_submit() -> ResponseReturnValue:
    form = await LoginForm.from_request()
    kept = Resubmission.loads((await request.form).get("kept", ""))
    if kept is not None and current_user.is_authenticated:  # signed in through another window
        return await render_template("auth/kept.html", kept=kept)
    if await form.validate_on_submit():
        try:
            with errors_on(form):
                await _sign_in(form)
                if kept is not None:
                    return await render_template("auth/kept.html", kept=kept)
                return redirect_next(url_for("dashboard.index"), 303)
        except RateLimitExceededError as error:
            await record_attempt(AuditAction.SIGN_IN_DELAYED, email=entered(form.email))
            form.add_errors({"": [in_language(error)]})
            headers = {"Retry-After": str(error.retry_after)}
            return await _login_page(form, kept), 429, headers
    return await _login_page(form, kept), 422


async def _sign_in(form: LoginForm) -> None:
    """Sign the user of the form in.

    Raises:
        RateLimitExceededError: If the attempt comes too early or is one too many.
        ValidationError: If the address or the password is wrong.
    """
    email = entered(form.email)
    attempt = await begin_sign_in(email)
    user = await authenticate(db.session, email=email, password=entered(form.password))
    await attempt.succeed()
    async with db.transaction() as session:
        await note_sign_in(session, user=user)
    login_user(user, remember=form.remember.data)


@bp.post("/logout")
@public
async def logout() -> ResponseReturnValue:
    if current_user.is_authenticated:
        async with db.transaction() as session:
            await record_audit(session, AuditAction.SIGNED_OUT, user=current_user)
        await end_this_browser(current_user.id)
    logout_user()
    await flash(_("You are signed out."), "info")
    return redirect(url_for("auth.login"), 303)


@bp.post("/logout-everywhere")
@login_required
async def logout_everywhere() -> ResponseReturnValue:
    async with db.transaction() as session:
        user = await get_user(session, current_user.id)
        await end_sessions(session, user=user)
    await delete_browser_sessions(user)
    logout_user()
    await flash(_("You are signed out on every device."), "info")
    return redirect(url_for("auth.login"), 303)


@bp.get("/register")
@public
async def register() -> ResponseReturnValue:
    return await _register_page(await RegisterForm.from_request())


@bp.post("/register")
@public
@limited("LIMIT_REGISTRATION")
@csrf.redisplay
async def register_submit() -> ResponseReturnValue:
    form = await RegisterForm.from_request()
    email, name, password = entered(form.email), entered(form.name), entered(form.password)

    def check() -> Awaitable[None]:
        return check_registration(db.session, email=email, name=name, password=password)

    if await is_valid(form, check):
        with errors_on(form):
            # A hash takes long, so nobody gets one in vain. The transaction asks again.
            await role_of_newcomer(db.session, email=email)
            await check()
            password_hash = await hash_new_password(password, email=email, name=name)
            async with db.transaction() as session:
                user = await register_user(
                    session,
                    email=email,
                    name=name,
                    password_hash=password_hash,
                )
                await mail_welcome(session, user=user)
                await mail_newcomer(session, newcomer=user)
            _sign_in_known(user)
            await flash("Welcome. You are signed in.", "success")
            return redirect(url_for("dashboard.index"), 303)
    return await _register_page(form), 422


@bp.get("/reset")
@public
async def reset() -> str:
    """Send a link by mail, or name another way to one."""
    form = await ResetForm.from_request()
    return await render_template("auth/reset.html", form=form, sends_mail=sends_mail())


@bp.post("/reset")
@public
@limited("LIMIT_PASSWORD_RESET")
@csrf.redisplay
async def reset_submit() -> ResponseReturnValue:
    form = await ResetForm.from_request()
    if sends_mail() and await form.validate_on_submit():
        email = entered(form.email)
        await count_use("LIMIT_RESET_MAIL", fold_address(email))
        # After the answer, which takes the same time for an address that nobody has.
        current_app.add_background_task(mail_reset_link, email)
        await flash(RESET_SENT, "info")
        return redirect(url_for("auth.login"), 303)
    return await render_template("auth/reset.html", form=form, sends_mail=sends_mail()), 422


@bp.get("/reset/<token>")
@public
@limited_together("LIMIT_PASSWORD_RESET")
async def reset_link(token: str) -> str:
    user = await open_link(db.session, token)
    form = await NewPasswordForm.from_request()
    return await render_template("auth/reset_link.html", form=form, user=user)


@bp.post("/reset/<token>")
@public
@limited_together("LIMIT_PASSWORD_RESET")
@csrf.redisplay
async def reset_link_submit(token: str) -> ResponseReturnValue:
    user = await open_link(db.session, token)
    form = await NewPasswordForm.from_request()
    personal = {"email": user.email, "name": user.name}
    if await is_valid(form, partial(check_new_password, entered(form.password), **personal)):
        with errors_on(form):
            password_hash = await hash_new_password(entered(form.password), **personal)
            try:
                async with db.transaction() as session:
                    await set_password(session, user=user, password_hash=password_hash)
                    if user.last_seen_at is None:
                        await mail_welcome(session, user=user)
            except ConflictError:
                raise LinkUsedError(USED) from None
            _sign_in_known(user)
            await flash(_("Your password is set. You are signed in."), "success")
            return redirect(url_for("dashboard.index"), 303)
    return await render_template("auth/reset_link.html", form=form, user=user), 422


@bp.errorhandler(LinkUsedError)
async def link_used(error: LinkUsedError) -> ResponseReturnValue:
    """Explain why a link no longer works, and how to get another one."""
    return await render_template("auth/link_used.html", problem=str(error)), 410


@bp.get("/profile")
@login_required
async def profile() -> str:
    form = await _profile_form()
    return await render_template("auth/profile.html", form=form)


@bp.post("/profile")
@login_required
@csrf.redisplay
async def profile_submit() -> ResponseReturnValue:
    form = await _profile_form()
    values: dict[str, Any] = {
        "name": entered(form.name),
        "phone": entered(form.phone),
        "zone": form.zone.data or None,
    }
    if await is_valid(form, partial(check_profile, **values)):
        with errors_on(form):
            async with db.transaction() as session:
                user = await get_user(session, current_user.id)
                await edit_own(
                    session, user=user, **values, **form.wanted_mail(), language=form.language.data
                )
            refresh()
            with language_of(user):
                await flash(_("Your profile is saved."), "success")
            return redirect(url_for("auth.profile"), 303)
    return await render_template("auth/profile.html", form=form), 422


class PasswordView(MethodView):
    """Changing one's own password: the form and its submission."""

    decorators = [login_required, csrf.redisplay]

    async def get(self) -> str:
        form = await PasswordForm.from_request()
        return await render_template("auth/password.html", form=form)

    @limited("LIMIT_PASSWORD_CHANGE")
    async def post(self) -> ResponseReturnValue:
        form = await PasswordForm.from_request()
        user = await get_user(db.session, current_user.id)

        def check() -> Awaitable[None]:
            current, new = entered(form.current), entered(form.password)
            return check_password_change(user, current=current, new=new)

        if await is_valid(form, check):
            with errors_on(form):
                await check()
                password_hash = await hash_new_password(
                    entered(form.password), email=user.email, name=user.name
                )
                async with db.transaction() as session:
                    await set_password(
                        session,
                        user=user,
                        password_hash=password_hash,
                        keep_tokens=form.keep_tokens.data,
                    )
                login_user(user)  # this browser goes on, all others are out
                await flash(_("Your password is changed. Other devices are signed out."), "success")
                return redirect(url_for("auth.profile"), 303)
        return await render_template("auth/password.html", form=form), 422


bp.add_url_rule("/password", view_func=PasswordView.as_view("password"))


def _sign_in_known(user: User) -> None:
    """Sign in a user after a new password, on a device that is known from now on."""
    login_user(user)
    limiter.remember_device(user.email)


async def _profile_form() -> ProfileForm:
    """Return the form; where no mail is sent, it does not ask for which."""
    form = await ProfileForm.from_request(obj=current_user)
    form.offer_languages(current_app.config["LANGUAGES"])
    if not sends_mail():
        del form.notices, form.daily_summary, form.mails_notifications
    return form


async def _login_page(form: LoginForm, kept: Resubmission | None = None) -> str:
    can_register = await registration_open(db.session)
    return await render_template("auth/login.html", form=form, can_register=can_register, kept=kept)


async def _register_page(form: RegisterForm) -> str:
    can_register = await registration_open(db.session)
    return await render_template("auth/register.html", form=form, can_register=can_register)
