"""Who is asking, and whether they may: sign-in, roles and permissions, password hashes.

For requests and WebSockets alike. Needs ``quarterdeck[login]``.
"""

from __future__ import annotations

from .access import Access, access_of, login_required, permission_required, public, role_required
from .extension import LoginManager
from .guard import NOT_ALLOWED, NOT_SIGNED_IN, refuse_websocket
from .hashing import hash_password, verify_and_update, verify_password
from .next_url import redirect_next, safe_next
from .users import AnonymousUser, UserMixin, current_user, login_user, logout_user

__all__ = [
    "NOT_ALLOWED",
    "NOT_SIGNED_IN",
    "Access",
    "AnonymousUser",
    "LoginManager",
    "UserMixin",
    "access_of",
    "current_user",
    "hash_password",
    "login_required",
    "login_user",
    "logout_user",
    "permission_required",
    "public",
    "redirect_next",
    "refuse_websocket",
    "role_required",
    "safe_next",
    "verify_and_update",
    "verify_password",
]
