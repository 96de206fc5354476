"""Signing in and out, registering, and one's own profile."""

from __future__ import annotations

from quart import flash, redirect, render_template, url_for
from quart.typing import ResponseReturnValue
from quart.views import MethodView

from quarterdeck.login import (
    current_user,
    login_required,
    login_user,
    logout_user,
    public,
    redirect_next,
)
from quarterdeck_crm.extensions import db
from quarterdeck_crm.forms import entered, errors_on
from quarterdeck_crm.live.endings import end_this_browser
from quarterdeck_crm.team.services import (
    edit_own,
    end_sessions,
    get_person,
    hash_new_password,
    set_password,
)

from . import bp as bp
from .forms import LoginForm, NewPasswordForm, PasswordForm, ProfileForm, RegisterForm
from .services import (
    authenticate,
    check_current_password,
    delete_browser_sessions,
    note_sign_in,
    open_link,
    register_person,
    registration_open,
)


@bp.get("/login")
@public
async def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect_next(url_for("dashboard.index"))
    return await _login_page(await LoginForm.from_request())


@bp.post("/login")
@public
async def login_submit() -> ResponseReturnValue:
    form = await LoginForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            person = await authenticate(
                db.session, email=entered(form.email), password=entered(form.password)
            )
            async with db.transaction() as session:
                await note_sign_in(session, person=person)
            login_user(person, remember=form.remember.data)
            return redirect_next(url_for("dashboard.index"))
    return await _login_page(form), 422


@bp.post("/logout")
@public
async def logout() -> ResponseReturnValue:
    if current_user.is_authenticated:
        await end_this_browser(current_user.id)
    logout_user()
    await flash("You are signed out.", "info")
    return redirect(url_for("auth.login"), 303)


@bp.post("/logout-everywhere")
@login_required
async def logout_everywhere() -> ResponseReturnValue:
    async with db.transaction() as session:
        person = await get_person(session, current_user.id)
        end_sessions(session, person=person)
    await delete_browser_sessions(person)
    logout_user()
    await flash("You are signed out on every device.", "info")
    return redirect(url_for("auth.login"), 303)


@bp.get("/register")
@public
async def register() -> ResponseReturnValue:
    return await _register_page(await RegisterForm.from_request())


@bp.post("/register")
@public
async def register_submit() -> ResponseReturnValue:
    form = await RegisterForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            password_hash = await hash_new_password(entered(form.password))
            async with db.transaction() as session:
                person = await register_person(
                    session,
                    email=entered(form.email),
                    name=entered(form.name),
                    password_hash=password_hash,
                )
            login_user(person)
            await flash("Welcome. You are signed in.", "success")
            return redirect(url_for("dashboard.index"), 303)
    return await _register_page(form), 422


@bp.get("/reset")
@public
async def reset() -> str:
    """Say how to get a new password."""
    return await render_template("auth/reset.html")


@bp.get("/reset/<token>")
@public
async def reset_link(token: str) -> str:
    person = await open_link(db.session, token)
    form = await NewPasswordForm.from_request()
    return await render_template("auth/reset_link.html", form=form, person=person)


@bp.post("/reset/<token>")
@public
async def reset_link_submit(token: str) -> ResponseReturnValue:
    person = await open_link(db.session, token)
    form = await NewPasswordForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            password_hash = await hash_new_password(entered(form.password))
            async with db.transaction() as session:
                await set_password(session, person=person, password_hash=password_hash)
            login_user(person)
            await flash("Your password is set. You are signed in.", "success")
            return redirect(url_for("dashboard.index"), 303)
    return await render_template("auth/reset_link.html", form=form, person=person), 422


@bp.get("/profile")
@login_required
async def profile() -> str:
    form = await ProfileForm.from_request(obj=current_user)
    return await render_template("auth/profile.html", form=form)


@bp.post("/profile")
@login_required
async def profile_submit() -> ResponseReturnValue:
    form = await ProfileForm.from_request(obj=current_user)
    if await form.validate_on_submit():
        with errors_on(form):
            async with db.transaction() as session:
                person = await get_person(session, current_user.id)
                await edit_own(
                    session, person=person, name=entered(form.name), phone=entered(form.phone)
                )
            await flash("Your profile is saved.", "success")
            return redirect(url_for("auth.profile"), 303)
    return await render_template("auth/profile.html", form=form), 422


class PasswordView(MethodView):
    """Changing one's own password: the form, and what it posts."""

    decorators = [login_required]

    async def get(self) -> str:
        form = await PasswordForm.from_request()
        return await render_template("auth/password.html", form=form)

    async def post(self) -> ResponseReturnValue:
        form = await PasswordForm.from_request()
        if await form.validate_on_submit():
            with errors_on(form):
                person = await get_person(db.session, current_user.id)
                await check_current_password(person, entered(form.current))
                password_hash = await hash_new_password(entered(form.password))
                async with db.transaction() as session:
                    await set_password(session, person=person, password_hash=password_hash)
                login_user(person)  # this browser goes on, all others are out
                await flash("Your password is changed. Other devices are signed out.", "success")
                return redirect(url_for("auth.profile"), 303)
        return await render_template("auth/password.html", form=form), 422


bp.add_url_rule("/password", view_func=PasswordView.as_view("password"))


async def _login_page(form: LoginForm) -> str:
    can_register = await registration_open(db.session)
    return await render_template("auth/login.html", form=form, can_register=can_register)


async def _register_page(form: RegisterForm) -> str:
    can_register = await registration_open(db.session)
    return await render_template("auth/register.html", form=form, can_register=can_register)
