"""The nonce that lets one inline script or style of a page run."""

from __future__ import annotations

from typing import Any

from quart import has_request_context, request

from quarterdeck.exceptions import NonceUnavailableError

from .config import STATE
from .exchange import KEY, Exchange


def csp_nonce() -> str:
    """Return the nonce of this response, for ``<script nonce="{{ csp_nonce() }}">``.

    It is random for each response, and the same within one. Only a response that asked for it
    gets it in its ``Content-Security-Policy``, for scripts and for styles.

    Raises:
        NonceUnavailableError: If there is no request, or its headers are already sent.
    """
    if not has_request_context():
        raise NonceUnavailableError(
            "is called without a request", "Call it in a view or in a template of one."
        )
    scope: Any = request.scope
    exchange = scope.get(KEY)
    if exchange is None:  # app.test_request_context()
        exchange = scope[KEY] = Exchange(STATE.get().policy)
    nonce: str = exchange.nonce
    return nonce
