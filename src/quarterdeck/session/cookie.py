"""The cookie that carries the session's id."""

from __future__ import annotations

import re
from typing import Any

from itsdangerous import BadSignature, Signer
from quart import Quart
from quart.wrappers.base import BaseRequestWebsocket

from quarterdeck.exceptions import ConfigurationError

_ID = re.compile(r"[A-Za-z0-9_-]{22,512}", re.ASCII)


def secure_defaults(app: Quart) -> None:
    """Set the default of SameSite, and refuse a cookie name that browsers would drop.

    Raises:
        ConfigurationError: If browsers would drop the cookie for its prefix.
    """
    config = app.config
    if config["SESSION_COOKIE_SAMESITE"] is None:
        config["SESSION_COOKIE_SAMESITE"] = "Lax"
    name = config["SESSION_COOKIE_NAME"]
    path = config["SESSION_COOKIE_PATH"] or config["APPLICATION_ROOT"]
    if name.startswith(("__Host-", "__Secure-")) and not config["SESSION_COOKIE_SECURE"]:
        raise ConfigurationError(
            "SESSION_COOKIE_NAME",
            f"is {name!r} and the cookie is not secure, so browsers drop it",
            "Set SESSION_COOKIE_SECURE, or choose a name without the prefix.",
        )
    if name.startswith("__Host-") and (config["SESSION_COOKIE_DOMAIN"] or path != "/"):
        raise ConfigurationError(
            "SESSION_COOKIE_NAME",
            f"is {name!r} and the cookie has a domain or a path, so browsers drop it",
            "Remove SESSION_COOKIE_DOMAIN and SESSION_COOKIE_PATH, or choose '__Secure-'.",
        )


def cookie_options(app: Quart) -> dict[str, Any]:
    """Return the attributes of the cookies of an app, from its ``SESSION_COOKIE_`` keys."""
    config = app.config
    return {
        "domain": config["SESSION_COOKIE_DOMAIN"] or None,
        "path": config["SESSION_COOKIE_PATH"] or config["APPLICATION_ROOT"],
        "secure": config["SESSION_COOKIE_SECURE"],
        "httponly": config["SESSION_COOKIE_HTTPONLY"],
        "samesite": config["SESSION_COOKIE_SAMESITE"],
        "partitioned": config["SESSION_COOKIE_PARTITIONED"],
    }


class IdCookie:
    """Reads ids from cookies, and writes them.

    Args:
        app: Its configuration says how.
        signed: Whether the id is signed, so that forged ones do not even reach the store.
    """

    def __init__(self, app: Quart, *, signed: bool) -> None:
        self._app = app
        self._signed = signed
        if signed and not app.config["SECRET_KEY"]:
            raise ConfigurationError(
                "SESSION_USE_SIGNER", "needs a key", "Set SECRET_KEY, or do without the signer."
            )

    def read(self, connection: BaseRequestWebsocket) -> str | None:
        """Return the id that came, unless it cannot be one of ours."""
        if "Cookie" not in connection.headers:
            return None
        value = connection.cookies.get(self._app.config["SESSION_COOKIE_NAME"])
        if value is not None and self._signed:
            try:
                value = self._signer().unsign(value).decode()
            except (BadSignature, UnicodeDecodeError):
                return None
        return value if value is not None and _ID.fullmatch(value) else None

    def set(self, response: Any, sid: str, expires: Any) -> None:
        """Send the id."""
        value = self._signer().sign(sid).decode() if self._signed else sid
        name = self._app.config["SESSION_COOKIE_NAME"]
        response.set_cookie(name, value, expires=expires, **cookie_options(self._app))

    def delete(self, response: Any) -> None:
        """Take the id back."""
        name = self._app.config["SESSION_COOKIE_NAME"]
        response.delete_cookie(name, **cookie_options(self._app))

    def _signer(self) -> Signer:
        keys = [*(self._app.config["SECRET_KEY_FALLBACKS"] or ()), self._app.config["SECRET_KEY"]]
        return Signer(keys, salt="quarterdeck-session", key_derivation="hmac")
