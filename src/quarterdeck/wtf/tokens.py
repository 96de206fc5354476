"""CSRF tokens: a secret of the browser session, signed with the time."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Generator
from typing import Any

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from markupsafe import Markup
from quart import current_app, g, request, session
from wtforms.validators import ValidationError

from quarterdeck._quart import unwrap
from quarterdeck._redaction import printable, redacted_path
from quarterdeck.exceptions import CSRFError

from .config import settings, signing_keys

logger = logging.getLogger("quarterdeck.wtf")

SESSION_KEY = "csrf_token"  # sign-in and sign-out remove it, so that the next token is new


class TokenError(CSRFError, ValidationError):
    """A token does not fit: an error of the request, and a ``ValidationError`` as in Flask-WTF."""


class Checked:
    """The result of ``validate_csrf``; awaiting it changes nothing."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield from ()


def generate_csrf(secret_key: str | None = None, token_key: str | None = None) -> str:
    """The token for pages of the current browser session, the same during one request.

    The browser session is written only if it holds no secret yet. Tests find the token in
    ``g.csrf_token`` as well.

    Args:
        secret_key: Signs the token, instead of the key of the app.
        token_key: Where the browser session keeps the secret, instead of "csrf_token".
    """
    key = token_key or SESSION_KEY
    secret = session.get(key)
    if not isinstance(secret, str):
        secret = session[key] = secrets.token_urlsafe(32)
    made: dict[object, str] = g.setdefault("_quarterdeck_csrf_tokens", {})
    known = key, secret_key, secret  # the secret changes when a user signs in
    if known not in made:
        made[known] = _signer(secret_key or settings().secret_key).dumps(secret)
    setattr(g, key, made[known])
    return made[known]


def csrf_meta_tag(
    name: str | None = None, secret_key: str | None = None, token_key: str | None = None
) -> Markup:
    """A ``<meta>`` element with the token, for scripts; see ``generate_csrf``.

    Args:
        name: Its name, instead of ``WTF_CSRF_META_NAME``.
        secret_key: Signs the token, instead of the key of the app.
        token_key: Where the browser session keeps the secret, instead of "csrf_token".
    """
    tag = Markup('<meta name="{}" content="{}">')
    return tag.format(name or settings().meta_name, generate_csrf(secret_key, token_key))


def validate_csrf(
    data: str | None,
    secret_key: str | None = None,
    time_limit: float | None = None,
    token_key: str | None = None,
) -> Checked:
    """Check a token against the current browser session; ``await`` is possible, not needed.

    Args:
        data: The token.
        secret_key: The key that it is signed with, instead of the key of the app.
        time_limit: Its greatest age in seconds, instead of ``WTF_CSRF_TIME_LIMIT``.
        token_key: Where the browser session keeps the secret, instead of "csrf_token".

    Raises:
        TokenError: If it is missing, too old, forged or of another session. It is a
            ``CSRFError`` and a ``ValidationError`` of WTForms.
    """
    if not data:
        raise TokenError("token_missing")
    secret = session.get(token_key or SESSION_KEY)
    if not isinstance(secret, str):
        # The secret is made with the first token, so a session that a sign-in made has none yet.
        raise TokenError("token_mismatch" if session else "session_missing")
    of_app = settings()
    max_age = of_app.time_limit if time_limit is None else int(time_limit)
    try:
        signed = _signer(secret_key or of_app.secret_key).loads(data, max_age=max_age)
    except SignatureExpired:
        raise TokenError("token_expired") from None
    except BadData:
        raise TokenError("token_invalid") from None
    if not hmac.compare_digest(str(signed).encode(), secret.encode()):
        raise TokenError("token_mismatch")
    return Checked()


def log(error: CSRFError) -> None:
    """Log the refusal of the current request at level INFO, with its reason."""
    path = redacted_path(request.path, request.view_args)
    logger.info("%s '%s' was refused: %s", printable(request.method), path, error.reason)


def settle() -> None:
    """Note that this request needs no further check, neither by its forms."""
    g._quarterdeck_csrf_settled = True


def is_settled() -> bool:
    """Whether the current request was checked or exempted."""
    return bool(g.get("_quarterdeck_csrf_settled", False))


def _signer(secret_key: str | None) -> URLSafeTimedSerializer:
    keys = signing_keys(unwrap(current_app), secret_key)
    return URLSafeTimedSerializer(keys, salt="wtf-csrf-token")
