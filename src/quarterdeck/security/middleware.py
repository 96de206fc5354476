"""The ASGI middleware that sees every response of an app, whatever made it."""

from __future__ import annotations

from typing import Any

from quart import Quart, request, websocket

from .exchange import KEY, Exchange, is_secure
from .overrides import Policies
from .policy import Policy
from .proxies import TrustedProxies

_STARTS = {"http.response.start", "websocket.http.response.start"}
_CONNECTIONS = {"http", "websocket"}


class SecurityMiddleware:
    """Replaces the address of a trusted proxy by that of its client, and completes headers.

    Args:
        app: The app; its present ``asgi_app`` is called.
        policy: For responses without an endpoint of their own.
        strict_transport_security: The header for https; empty sends none.
        proxies: Whose headers are trusted.
    """

    def __init__(
        self, app: Quart, policy: Policy, strict_transport_security: str, proxies: TrustedProxies
    ) -> None:
        self._app = app
        self._asgi_app: Any = app.asgi_app
        self._policy = policy
        self._policies = Policies(app, policy)
        self._strict_transport_security = strict_transport_security.encode("ascii")
        self._proxies = proxies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in _CONNECTIONS:
            await self._asgi_app(scope, receive, send)
            return
        self._proxies.apply(scope)  # in place, so that the server's access log sees it too
        exchange = scope[KEY] = Exchange(self._policy)

        async def send_completed(message: Any) -> None:
            if message["type"] in _STARTS:
                pairs = list(message.get("headers", ()))
                transport = self._transport_security(scope)
                message = {**message, "headers": exchange.complete(pairs, transport)}
            await send(message)

        await self._asgi_app(scope, receive, send_completed)

    def _transport_security(self, scope: Any) -> bytes:
        config = self._app.config
        is_https = is_secure(scope) or config["SESSION_COOKIE_SECURE"]
        return self._strict_transport_security if is_https and not self._app.debug else b""

    async def choose_for_request(self) -> None:
        """Apply the decorators of the view of this request; runs before it."""
        self._choose(request)

    async def choose_for_websocket(self) -> None:
        """The same for a WebSocket, whose handshake may be refused with a page."""
        self._choose(websocket)

    def _choose(self, connection: Any) -> None:
        exchange = connection.scope.get(KEY)
        if exchange is not None:
            exchange.policy = self._policies.of(connection.endpoint, connection.method)
