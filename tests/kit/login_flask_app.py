"""An app with the views that the tests of Flask-Login's behaviour ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from quart import get_flashed_messages, request

from quarterdeck.app import Quart
from quarterdeck.login import (
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    fresh_login_required,
    login_fresh,
    login_remembered,
    login_required,
    login_user,
    logout_user,
    session_protected,
    user_accessed,
    user_loaded_from_cookie,
    user_loaded_from_request,
    user_logged_in,
    user_logged_out,
    user_login_confirmed,
    user_needs_refresh,
    user_unauthorized,
)
from quarterdeck.testing import LoginClient


class User(UserMixin):
    def __init__(self, user_id: str, is_active: bool = True, auth_version: int = 1) -> None:
        self.id, self.is_active, self.auth_version = user_id, is_active, auth_version


USERS = {"ada": User("ada"), "bob": User("bob", is_active=False)}


def make_app(**config: Any) -> Quart:
    app = Quart(__name__)
    app.config.update({"SECRET_KEY": "test", "TESTING": True} | config)
    app.test_client_class = LoginClient
    manager = LoginManager(app)
    manager.login_view = "login"

    @manager.user_loader
    async def load(user_id: str) -> User | None:
        return USERS.get(user_id)

    @app.get("/login")
    async def login() -> Any:
        return get_flashed_messages(with_categories=True)

    @app.post("/in/<name>")
    async def sign_in(name: str) -> Any:
        options: dict[str, Any] = {key: True for key in request.args if key != "seconds"}
        if "seconds" in request.args:
            options["duration"] = timedelta(seconds=int(request.args["seconds"]))
        if "stale" in options:
            options["fresh"] = not options.pop("stale")
        return str(login_user(USERS[name], **options))

    @app.post("/out")
    async def sign_out() -> Any:
        return str(logout_user())

    @app.get("/state")
    async def state() -> Any:
        name = current_user.id if current_user.is_authenticated else None
        return {"name": name, "fresh": login_fresh(), "remembered": login_remembered()}

    @app.post("/confirm")
    async def confirm() -> str:
        confirm_login()
        return ""

    app.add_url_rule("/secret", "secret", login_required(make_view()), methods=["GET", "POST"])
    app.add_url_rule("/fresh", "fresh", fresh_login_required(make_view()))
    return app


def make_view() -> Any:
    """A new view each time: a mark stays on the function it was put on."""

    async def view() -> str:
        return "hello"

    return view


def manager_of(app: Quart) -> LoginManager:
    manager: LoginManager = app.login_manager  # type: ignore[attr-defined]
    return manager


async def state(client: Any) -> Any:
    return await (await client.get("/state")).get_json()


def end_browser(client: Any) -> None:
    """Drop the cookies that do not outlive the browser."""
    for cookie in list(client.cookie_jar):
        if cookie.expires is None:
            client.cookie_jar.clear(cookie.domain, cookie.path, cookie.name)


class Listener:
    """The names of the signals that were sent, with their users."""

    SIGNALS: dict[str, Any] = {
        "in": user_logged_in,
        "out": user_logged_out,
        "cookie": user_loaded_from_cookie,
        "request": user_loaded_from_request,
        "confirmed": user_login_confirmed,
        "unauthorized": user_unauthorized,
        "refresh": user_needs_refresh,
        "accessed": user_accessed,
        "protected": session_protected,
    }

    def __init__(self, app: Quart, *, asynchronous: bool) -> None:
        self.seen: list[tuple[str, Any]] = []
        self._receivers = [self._receiver(name, asynchronous) for name in self.SIGNALS]
        for signal, receiver in zip(self.SIGNALS.values(), self._receivers, strict=True):
            signal.connect(receiver, app)

    def _receiver(self, name: str, asynchronous: bool) -> Callable[..., Any]:
        def receive(_app: Quart, user: Any = None) -> None:
            self.seen.append((name, user and user.get_id()))

        async def receive_async(_app: Quart, user: Any = None) -> None:
            receive(_app, user)

        return receive_async if asynchronous else receive

    def take(self) -> list[tuple[str, Any]]:
        seen, self.seen = self.seen, []
        return [each for each in seen if each[0] != "accessed"]
