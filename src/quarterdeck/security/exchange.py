"""One request or WebSocket, from the middleware to the view and back in its ASGI scope."""

from __future__ import annotations

import secrets
from typing import Any

from quarterdeck.exceptions import NonceUnavailableError

from .policy import Pairs, Policy

KEY = "quarterdeck.security"
_SECURE = {"https", "wss"}


def is_secure(scope: Any) -> bool:
    """Whether the client speaks TLS, to the server or to a trusted proxy."""
    return scope["scheme"] in _SECURE


class Exchange:
    """The policy of one response and its nonce.

    Args:
        policy: That of the app, until the endpoint is known.
    """

    __slots__ = ("_nonce", "_started", "policy")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._nonce: str | None = None
        self._started = False

    @property
    def nonce(self) -> str:
        """The nonce of the response, made at the first use.

        Raises:
            NonceUnavailableError: If the headers are already sent.
        """
        if self._nonce is None:
            if self._started:
                raise NonceUnavailableError(
                    "is called for the first time after the headers were sent",
                    "Call it in the view before the page is streamed.",
                )
            self._nonce = secrets.token_urlsafe(16)
        return self._nonce

    def complete(self, headers: Pairs, transport_security: bytes) -> Pairs:
        """Return the headers of a response together with those that it does not set itself."""
        self._started = True
        present = {name for name, _ in headers}
        added = self.policy.headers(self._nonce)
        if transport_security:
            added = [*added, (b"strict-transport-security", transport_security)]
        return [*headers, *(pair for pair in added if pair[0] not in present)]
