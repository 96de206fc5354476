"""CSRF tokens: a secret of the browser session, signed with the time."""

from __future__ import annotations

import hmac
import secrets

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from quart import current_app, g, session
from werkzeug.exceptions import BadRequest

from ._settings import CSRFSettings, settings, signing_keys

SESSION_KEY = "csrf_token"  # sign-in and sign-out remove it, so that the next token is new

REASONS = {
    "token_missing": "The security token is missing. Reload the page and send the form again.",
    "token_expired": "The page was open for too long. Reload it and send the form again.",
    "token_invalid": "The security token is not valid. Reload the page and send the form again.",
    "token_mismatch": "You have signed in or out since the page was loaded. "
    "Reload it and send the form again.",
    "session_missing": "Your session has ended, or the browser does not keep cookies. "
    "Allow cookies for this site, reload the page and send the form again.",
    "referrer_missing": "The browser did not say which page the form was sent from. "
    "Allow it to send the referrer to this site.",
    "referrer_mismatch": "The form was sent from another site.",
}


class CSRFError(BadRequest):
    """The request may not come from one of our own pages.

    Goes through the app's error handlers, for this class or for 400.

    Attributes:
        reason: One of the keys of ``REASONS``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


def generate_csrf() -> str:
    """The token for pages of the current browser session, the same during one request.

    The browser session is written only if it holds no secret yet.
    """
    secret = session.get(SESSION_KEY)
    if not isinstance(secret, str):
        secret = session[SESSION_KEY] = secrets.token_urlsafe(32)
    cached: tuple[str, str] | None = g.get("_quarterdeck_csrf_token")
    if cached is None or cached[0] != secret:  # it changes when somebody signs in
        cached = g._quarterdeck_csrf_token = secret, _signer(settings()).dumps(secret)
    return cached[1]


async def validate_csrf(token: str | None) -> None:
    """Check a token against the current browser session.

    Raises:
        CSRFError: If it is missing, too old, forged or of another session.
    """
    check_token(token)


def check_token(token: str | None) -> None:
    """See ``validate_csrf``; for the fields of forms, which process without ``await``."""
    if not token:
        raise CSRFError("token_missing")
    secret = session.get(SESSION_KEY)
    if not isinstance(secret, str):
        raise CSRFError("session_missing")
    of_app = settings()
    try:
        signed = _signer(of_app).loads(token, max_age=of_app.time_limit)
    except SignatureExpired:
        raise CSRFError("token_expired") from None
    except BadData:
        raise CSRFError("token_invalid") from None
    if not hmac.compare_digest(str(signed).encode(), secret.encode()):
        raise CSRFError("token_mismatch")


def settle() -> None:
    """Note that this request needs no further check, neither by its forms."""
    g._quarterdeck_csrf_settled = True


def is_settled() -> bool:
    """Whether the current request was checked or exempted."""
    return bool(g.get("_quarterdeck_csrf_settled", False))


def _signer(of_app: CSRFSettings) -> URLSafeTimedSerializer:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy
    return URLSafeTimedSerializer(signing_keys(app, of_app.secret_key), salt="wtf-csrf-token")
