"""Sign-in, roles and permissions, password hashes.

For requests and WebSockets alike. Needs ``quarterdeck[login]``.
"""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("login", "pwdlib", "argon2")

from .access import (
    Access,
    access_of,
    fresh_login_required,
    login_required,
    permission_required,
    public,
    role_required,
)
from .config import (
    LOGIN_MESSAGE,
    LOGIN_MESSAGE_CATEGORY,
    REFRESH_MESSAGE,
    REFRESH_MESSAGE_CATEGORY,
)
from .extension import LoginManager
from .guard import NOT_ALLOWED, NOT_SIGNED_IN, refuse_websocket
from .hashing import hash_password, verify_and_update, verify_password
from .next_url import redirect_next, return_path, safe_next
from .signals import (
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
from .signing_in import (
    confirm_login,
    login_fresh,
    login_remembered,
    login_user,
    logout_user,
    session_data,
)
from .urls import expand_login_view, login_url, make_next_param, set_login_view
from .users import AnonymousUser, AnonymousUserMixin, UserMixin, current_user

__all__ = [
    "LOGIN_MESSAGE",
    "LOGIN_MESSAGE_CATEGORY",
    "NOT_ALLOWED",
    "NOT_SIGNED_IN",
    "REFRESH_MESSAGE",
    "REFRESH_MESSAGE_CATEGORY",
    "Access",
    "AnonymousUser",
    "AnonymousUserMixin",
    "LoginManager",
    "UserMixin",
    "access_of",
    "confirm_login",
    "current_user",
    "expand_login_view",
    "fresh_login_required",
    "hash_password",
    "login_fresh",
    "login_remembered",
    "login_required",
    "login_url",
    "login_user",
    "logout_user",
    "make_next_param",
    "permission_required",
    "public",
    "redirect_next",
    "refuse_websocket",
    "return_path",
    "role_required",
    "safe_next",
    "session_data",
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
    "verify_and_update",
    "verify_password",
]
