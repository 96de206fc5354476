"""The remember cookie: it signs a user in again when the browser session has ended.

It is signed and names the user, the user's ``auth_version`` and its end. No store knows it, so
it cannot be revoked one by one: a new ``auth_version`` makes all cookies of a user invalid.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast

from itsdangerous import BadData, URLSafeSerializer
from quart import Quart, current_app, request
from quart.wrappers import Response

from quarterdeck._quart import unwrap

from .config import STATE, RememberCookie
from .context import connection

_PLAN = "_quarterdeck_login_remember"


@dataclass(frozen=True, slots=True)
class Remembered:
    """The content of a valid cookie."""

    user_id: str
    version: Any
    seconds: float


def plan(remembered: Remembered | None) -> None:
    """Set the cookie with the response of this request, or delete it."""
    setattr(connection(), _PLAN, (remembered,))


def remembered() -> Remembered | None:
    """Return the content of the cookie of this request, if it is valid and not deleted."""
    current: Any = connection()
    cookie = settings().name
    if getattr(current, _PLAN, None) == (None,) or cookie not in current.cookies:
        return None
    try:
        user_id, version, seconds, ends = _signer().loads(current.cookies[cookie])
    except (BadData, ValueError, TypeError):
        return None
    if not isinstance(user_id, str) or ends < time.time():
        return None
    return Remembered(user_id, version, seconds)


def apply(response: Response) -> None:
    """Write the cookie that was planned; with REFRESH_EACH_REQUEST, also the present one."""
    planned = getattr(unwrap(request), _PLAN, None)
    if planned is None and settings().refresh_each_request:
        present = remembered()
        planned = None if present is None else (present,)
    if planned is None:
        return
    (content,) = planned
    if content is not None:
        _set(response, content)
    elif settings().name in request.cookies:
        response.delete_cookie(settings().name, **_attributes())


def settings() -> RememberCookie:
    return STATE.get().remember_cookie


def _set(response: Response, content: Remembered) -> None:
    ends = time.time() + content.seconds
    value = _signer().dumps([str(content.user_id), content.version, content.seconds, ends])
    response.set_cookie(settings().name, value, max_age=int(content.seconds), **_attributes())


def _attributes() -> dict[str, Any]:
    cookie = settings()
    secure = current_app.config["SESSION_COOKIE_SECURE"] if cookie.secure is None else cookie.secure
    return {
        "domain": cookie.domain,
        "path": cookie.path,
        "secure": secure,
        "httponly": cookie.httponly,
        "samesite": cookie.samesite,
    }


def _signer() -> URLSafeSerializer:
    app: Quart = unwrap(current_app)
    keys = [*(app.config.get("SECRET_KEY_FALLBACKS") or ()), cast(str, app.secret_key)]
    return URLSafeSerializer(keys, salt="remember-token")
