"""Stands in for Flask-Login."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

from quart import current_app, has_request_context, request
from werkzeug.local import LocalProxy

from quarterdeck import _extras

_extras.needs("login", "pwdlib", "argon2")

from quarterdeck._quart import unwrap
from quarterdeck.config import boolean
from quarterdeck.login import (
    AnonymousUserMixin,
    UserMixin,
    confirm_login,
    login_fresh,
    login_remembered,
    login_url,
    login_user,
    logout_user,
    make_next_param,
    session_data,
    session_protected,
    set_login_view,
    user_accessed,
    user_loaded_from_cookie,
    user_loaded_from_request,
    user_logged_in,
    user_logged_out,
    user_login_confirmed,
    user_needs_refresh,
    user_unauthorized,
)
from quarterdeck.login import LoginManager as KitLoginManager
from quarterdeck.login import current_user as kit_user

from .colours import coloured
from .flask.testing import FlaskClient
from .waiting import wait

__all__ = [
    "COOKIE_NAME",
    "LOGIN_MESSAGE",
    "LOGIN_MESSAGE_CATEGORY",
    "REFRESH_MESSAGE",
    "AnonymousUserMixin",
    "FlaskLoginClient",
    "LoginManager",
    "UserMixin",
    "confirm_login",
    "current_user",
    "fresh_login_required",
    "login_fresh",
    "login_remembered",
    "login_required",
    "login_url",
    "login_user",
    "logout_user",
    "make_next_param",
    "session_protected",
    "set_login_view",
    "user_accessed",
    "user_loaded_from_cookie",
    "user_loaded_from_request",
    "user_logged_in",
    "user_logged_out",
    "user_login_confirmed",
    "user_needs_refresh",
    "user_unauthorized",
]

COOKIE_NAME = "remember_token"
LOGIN_MESSAGE = "Please log in to access this page."
LOGIN_MESSAGE_CATEGORY = "message"
REFRESH_MESSAGE = "Please reauthenticate to access this page."

current_user: Any = LocalProxy(lambda: unwrap(kit_user) if has_request_context() else None)
"""The user of this request, an anonymous user, or None outside of a request."""


class LoginManager(KitLoginManager):
    """Sign-in for an app, with the texts and the answers of Flask-Login."""

    ends_lost_sessions = False

    def __init__(self, app: Any = None, add_context_processor: bool = True) -> None:
        super().__init__(None, add_context_processor)
        self.login_message = LOGIN_MESSAGE
        self.login_message_category = LOGIN_MESSAGE_CATEGORY
        self.needs_refresh_message = REFRESH_MESSAGE
        self.needs_refresh_message_category = LOGIN_MESSAGE_CATEGORY
        if app is not None:
            self.init_app(app, add_context_processor)

    def init_app(self, app: Any, add_context_processor: bool = True) -> None:
        """Put the sign-in into an app."""
        app.config.setdefault("LOGIN_REDIRECT_PAGES_ONLY", False)
        super().init_app(app, add_context_processor)

    setup_app = init_app

    unauthorized = coloured(KitLoginManager.unauthorized, name="login_manager.unauthorized")
    needs_refresh = coloured(KitLoginManager.needs_refresh, name="login_manager.needs_refresh")


def login_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer with the sign-in page, or 401, unless a user is signed in."""
    return _guarded(view, lambda: current_user.is_authenticated, KitLoginManager.unauthorized)


def fresh_login_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Demand that the user has signed in during this browser session."""
    return login_required(_guarded(view, login_fresh, KitLoginManager.needs_refresh))


def _guarded(
    view: Callable[..., Any], is_met: Callable[[], bool], answer: Callable[[Any], Any]
) -> Callable[..., Any]:
    """Return the view with a condition; an async view stays one, and a plain view plain."""

    def is_open() -> bool:
        is_off = boolean(current_app.config.get("LOGIN_DISABLED", False))
        return is_off or request.method == "OPTIONS" or is_met()

    def refusal() -> Any:
        return answer(cast(Any, current_app).login_manager)

    @functools.wraps(view)
    def guarded(*args: Any, **options: Any) -> Any:
        return view(*args, **options) if is_open() else wait(refusal())

    @functools.wraps(view)
    async def guarded_async(*args: Any, **options: Any) -> Any:
        return await view(*args, **options) if is_open() else await refusal()

    return guarded_async if inspect.iscoroutinefunction(view) else guarded


class FlaskLoginClient(FlaskClient):
    """A test client that is signed in: ``app.test_client(user=user)``."""

    def __init__(self, app: Any, *args: Any, user: Any = None, **options: Any) -> None:
        fresh = options.pop("fresh_login", True)
        super().__init__(app, *args, **options)
        if user is not None:
            wait(self._sign_in(user, fresh))

    async def _sign_in(self, user: Any, fresh: bool) -> None:
        async with self.application.app_context():
            data = session_data(user, fresh=fresh)
        async with self.session_transaction() as session:
            session.update(data)
