"""Names that newer versions of Flask's libraries dropped, for code that still imports them."""

from __future__ import annotations

import time
from functools import partial, wraps
from types import ModuleType
from typing import Any

import itsdangerous
from itsdangerous import SignatureExpired, URLSafeTimedSerializer

__all__ = ["TimedJSONWebSignatureSerializer", "install_old_names"]

_SALT = "quarterdeck.bridge.timed"


class _Token(str):
    __slots__ = ()

    def decode(self, *_encoding: str) -> str:
        return str(self)


class TimedJSONWebSignatureSerializer:
    """Signed values that expire, with the methods of ItsDangerous 2.0.

    The form of the tokens is another one: links in mails that were sent before the move are
    refused as tampered with.

    Args:
        secret_key: The key.
        expires_in: The seconds that a token is valid.
    """

    def __init__(self, secret_key: Any, expires_in: float | None = 3600, **_options: Any) -> None:
        self._signer = URLSafeTimedSerializer(secret_key, salt=_SALT)
        self.expires_in = 3600 if expires_in is None else expires_in

    def dumps(self, value: Any, **_options: Any) -> _Token:
        """Return a token: text for URLs, with the ``decode`` of the bytes that it was once."""
        return _Token(self._signer.dumps([value, time.time() + self.expires_in]))

    def loads(self, token: str | bytes, **_options: Any) -> Any:
        """Return the value of a token.

        Raises:
            itsdangerous.BadSignature: If it was changed.
            itsdangerous.SignatureExpired: If it has expired.
        """
        value, expires = self._signer.loads(token)
        if time.time() > expires:
            raise SignatureExpired("Signature expired", payload=value)
        return value


def add_selectors(flask_babel: ModuleType) -> None:
    """Give Flask-Babel the decorators that its version 3 dropped."""
    babel: Any = flask_babel.Babel
    if hasattr(babel, "localeselector"):
        return
    init_app = babel.init_app

    @wraps(init_app)
    def with_selectors(self: Any, app: Any, *args: Any, **options: Any) -> None:
        for kind in ("locale", "timezone"):
            if options.get(f"{kind}_selector") is None:
                options[f"{kind}_selector"] = partial(_select, self, kind)
        init_app(self, app, *args, **options)

    babel.init_app = with_selectors
    for kind in ("locale", "timezone"):
        setattr(babel, f"{kind}selector", _selector(kind))


def _selector(kind: str) -> Any:
    def register(self: Any, function: Any) -> Any:
        vars(self)[f"old_{kind}_selector"] = function
        return function

    return register


def _select(babel: Any, kind: str) -> Any:
    function = vars(babel).get(f"old_{kind}_selector")
    return None if function is None else function()  # None: that of the configuration


#: What is done to an extension after its import.
PATCHES = {"flask_babel": add_selectors}


def install_old_names() -> None:
    """Add the names to the libraries, where they are missing."""
    if not hasattr(itsdangerous, "TimedJSONWebSignatureSerializer"):
        vars(itsdangerous)["TimedJSONWebSignatureSerializer"] = TimedJSONWebSignatureSerializer
