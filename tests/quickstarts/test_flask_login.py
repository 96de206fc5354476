"""Flask-Login: a manager, a user loader, the sign-in view, protected views, a fresh sign-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from quart import abort, flash, redirect, render_template_string, request, url_for
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired

from quarterdeck.app import Quart
from quarterdeck.login import (
    AnonymousUserMixin,
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    fresh_login_required,
    login_required,
    login_user,
    logout_user,
)
from quarterdeck.testing import LoginClient
from quarterdeck.wtf import QuartForm

pytestmark = pytest.mark.feature("V3", "V4")


class User(UserMixin):
    def __init__(self, user_id: str, name: str) -> None:
        self.id, self.name = user_id, name


class Anonymous(AnonymousUserMixin):
    name = "guest"

    def can(self, _permission: str) -> bool:
        return False


ADA = User("1", "ada")
PAGE = (
    "{% for category, text in get_flashed_messages(with_categories=true) %}"
    "{{ category }}: {{ text }} {% endfor %}"
    "{% if current_user.is_authenticated %}Hi {{ current_user.name }}!"
    "{% else %}Sign in, {{ current_user.name }}.{% endif %}"
)


class LoginForm(QuartForm):
    name = StringField(validators=[DataRequired()])
    remember = BooleanField()


def is_safe(url: str) -> bool:
    return not urlsplit(url).netloc


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="only for this test", WTF_CSRF_ENABLED=False)
    app.test_client_class = LoginClient
    login_manager = LoginManager()
    login_manager.init_app(app)
    login_manager.login_view = "login"
    login_manager.login_message = "Please log in to access this page."
    login_manager.login_message_category = "info"
    login_manager.refresh_view = "reauthenticate"
    login_manager.needs_refresh_message = "Please reauthenticate."
    login_manager.anonymous_user = Anonymous

    @login_manager.user_loader
    async def load_user(user_id: str) -> User | None:
        return ADA if user_id == ADA.get_id() else None

    @login_manager.request_loader
    async def load_user_from_request(request: Any) -> User | None:
        return ADA if request.args.get("api_key") == "secret" else None

    @app.route("/")
    async def index() -> str:
        return await render_template_string(PAGE)

    @app.route("/login", methods=["GET", "POST"])
    async def login() -> Any:
        form = await LoginForm.from_request()
        if await form.validate_on_submit():
            login_user(ADA, remember=bool(form.remember.data))
            await flash("Logged in successfully.")
            next_page = request.args.get("next")
            if next_page and not is_safe(next_page):
                return abort(400)
            return redirect(next_page or url_for("index"))
        return await render_template_string(PAGE)

    @app.route("/settings")
    @login_required
    async def settings() -> str:
        return f"settings of {current_user.name}"

    @app.route("/logout")
    @login_required
    async def logout() -> Any:
        logout_user()
        return redirect(url_for("index"))

    @app.route("/password")
    @fresh_login_required
    async def password() -> str:
        return "a new password"

    @app.route("/reauthenticate", methods=["GET", "POST"])
    @login_required
    async def reauthenticate() -> Any:
        if request.method == "POST":
            confirm_login()
            return redirect(request.args["next"])
        return await render_template_string(PAGE)

    return app


async def text(response: Any) -> str:
    return str(await response.get_data(as_text=True))


async def test_signing_in_and_out(app: Quart) -> None:
    client = app.test_client()
    assert await text(await client.get("/")) == "Sign in, guest."
    refused = await client.get("/settings")
    assert refused.location == "/login?next=%2Fsettings"
    assert "info: Please log in to access this page." in await text(await client.get("/login"))
    answer = await client.post(refused.location, form={"name": "ada"})
    assert answer.location == "/settings"
    assert await text(await client.get("/settings")) == "settings of ada"
    assert await text(await client.get("/")) == "message: Logged in successfully. Hi ada!"
    assert (await client.get("/logout")).location == "/"
    assert await text(await client.get("/")) == "Sign in, guest."
    foreign = await client.post("/login?next=http://evil.example/", form={"name": "ada"})
    assert foreign.status_code == 400


async def test_a_remembered_user_must_enter_the_password_for_some_pages(app: Quart) -> None:
    client = app.test_client()
    await client.post("/login", form={"name": "ada", "remember": "y"})
    assert (await client.get("/password")).status_code == 200
    client.delete_cookie("localhost", "session")  # the browser was closed
    assert (await client.get("/settings")).status_code == 200
    stale = await client.get("/password")
    assert stale.location == "/reauthenticate?next=%2Fpassword"
    assert "Please reauthenticate." in await text(await client.get("/reauthenticate"))
    assert (await client.post(stale.location)).location == "/password"
    assert (await client.get("/password")).status_code == 200


async def test_a_key_in_the_request(app: Quart) -> None:
    client = app.test_client()
    assert await text(await client.get("/settings?api_key=secret")) == "settings of ada"


async def test_a_signed_in_test_client(app: Quart) -> None:
    client = app.test_client(user=ADA)
    assert await text(await client.get("/settings")) == "settings of ada"
    stale = app.test_client(user=ADA, fresh_login=False)
    assert (await stale.get("/password")).status_code == 302
