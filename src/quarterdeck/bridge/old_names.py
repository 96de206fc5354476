"""Names that newer versions of Flask's libraries dropped, for code that still imports them."""

from __future__ import annotations

import time
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


def install_old_names() -> None:
    """Add the names to the libraries, where they are missing."""
    if not hasattr(itsdangerous, "TimedJSONWebSignatureSerializer"):
        vars(itsdangerous)["TimedJSONWebSignatureSerializer"] = TimedJSONWebSignatureSerializer
