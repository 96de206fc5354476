"""``Authorization: Bearer ...``: the user and the scopes of a program."""

from __future__ import annotations

from quart import Request, Websocket, g
from werkzeug.exceptions import Unauthorized

from quarterdeck.babel import gettext as _
from quarterdeck.exceptions import DatabaseBusyError
from quarterdeck.login import NOT_SIGNED_IN, refuse_websocket
from quarterdeck.security.limits import get_remote_address
from quarterdeck_crm.cache.entries import use_version
from quarterdeck_crm.errors import InsufficientScopeError, challenge
from quarterdeck_crm.extensions import csrf, db, login_manager
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import ApiToken, Scope, User
from quarterdeck_crm.web.limits import count_use

from .services import find_token, is_use_worth_noting, note_use

API, LIVE = "/api/", "/ws"  # elsewhere a token means nothing
INVALID = _l("This token is not valid: it was revoked, has expired, or its user is disabled.")


@csrf.exempt_when
def has_bearer(request: Request) -> bool:
    """Whether the request brings a token; browsers never do that of their own accord."""
    return _secret(request) is not None


@login_manager.request_loader
async def load_user(request: Request | Websocket) -> User | None:
    """Return the user of the token, or None if there is no token.

    Raises:
        RateLimitExceededError: If the address has sent too many invalid tokens.
        Unauthorized: If the token is not valid; the browser session is not asked then.
    """
    secret = _secret(request)
    if secret is None:
        return None
    token, version = await find_token(db.session, secret)
    if token is None:
        await count_use("LIMIT_INVALID_TOKENS", get_remote_address())
    if token is None and isinstance(request, Websocket):
        await refuse_websocket(NOT_SIGNED_IN, _("Not signed in"))
    if token is None:
        raise Unauthorized(INVALID, www_authenticate=challenge(error="invalid_token"))
    g.api_token = token
    use_version(version)
    if is_use_worth_noting(token):
        await _note_use(token)
    return token.user


def require_scope(scope: Scope) -> None:
    """Refuse a token that is not meant for this; a browser session may do everything.

    Raises:
        InsufficientScopeError: If the token of the request lacks the scope.
    """
    token: ApiToken | None = g.get("api_token")
    if token is not None and not token.allows(scope):
        raise InsufficientScopeError(scope)


async def _note_use(token: ApiToken) -> None:
    try:
        async with db.transaction() as session:
            await note_use(session, token=token)
    except DatabaseBusyError:
        pass  # a long import is writing; nobody is refused for a figure


def _secret(request: Request | Websocket) -> str | None:
    if not (request.path.startswith(API) or request.path == LIVE):
        return None
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None
