"""The signed cookie of a browser that has a CSRF token and no session in the store.

Every page with a form needs a token. Without this cookie each visitor, and each robot, would
leave a row in the store for it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer
from quart import Quart
from quart.wrappers.base import BaseRequestWebsocket

from .browser import PERMANENT
from .cookie import cookie_options

CSRF_KEY = "csrf_token"  # quarterdeck.wtf and Flask-WTF keep the secret of their tokens under it
MAX_SECRET = 128  # characters


@dataclass(frozen=True, slots=True)
class CSRFOnly:
    """All data of a session that is kept in the cookie, and the Unix time of its signature."""

    data: dict[str, Any]
    issued: float = field(default_factory=time.time)


class CSRFCookie:
    """Reads, sets and deletes the cookie.

    It has a name of its own, so that a late response to an anonymous request cannot overwrite
    the id that a sign-in has just set.

    Args:
        app: Its configuration holds the keys and the attributes of the cookie.
        lifetime: Seconds after which an unused cookie expires.
    """

    def __init__(self, app: Quart, lifetime: float) -> None:
        self._app = app
        self._lifetime = lifetime

    @property
    def name(self) -> str:
        """The name of the cookie; it keeps a prefix such as ``__Host-``."""
        return f"{self._app.config['SESSION_COOKIE_NAME']}_csrf"

    def can_hold(self, data: Mapping[str, Any]) -> bool:
        """Whether the cookie can hold the whole session, so that it needs no row."""
        secret = data.get(CSRF_KEY)
        return (
            type(secret) is str
            and len(secret) <= MAX_SECRET
            and data.keys() <= {CSRF_KEY, PERMANENT}
            and bool(self._app.config["SECRET_KEY"])
        )

    def read(self, connection: BaseRequestWebsocket) -> CSRFOnly | None:
        """Return the session in the cookie, unless it is missing, forged or expired."""
        if "Cookie" not in connection.headers or not self._app.config["SECRET_KEY"]:
            return None
        value = connection.cookies.get(self.name)
        if value is None:
            return None
        try:
            data, issued = self._signer().loads(
                value, max_age=int(self._lifetime), return_timestamp=True
            )
        except BadData:
            return None
        return CSRFOnly(data, issued.timestamp())

    def set(self, response: Any, data: Mapping[str, Any], expires: Any) -> None:
        """Send the session."""
        value = self._signer().dumps(dict(data))
        response.set_cookie(self.name, value, expires=expires, **cookie_options(self._app))

    def delete(self, response: Any) -> None:
        """Remove the cookie from the browser."""
        response.delete_cookie(self.name, **cookie_options(self._app))

    def _signer(self) -> URLSafeTimedSerializer:
        config = self._app.config
        keys = [*(config["SECRET_KEY_FALLBACKS"] or ()), config["SECRET_KEY"]]
        return URLSafeTimedSerializer(keys, salt="quarterdeck-session-csrf")
