"""From ASGI scopes to requests and WebSockets of the kit."""

from __future__ import annotations

from typing import Any, cast

from hypercorn.typing import ASGISendCallable
from quart.asgi import ASGIHTTPConnection, ASGIWebsocketConnection
from quart.wrappers import Request, Websocket

from .target import read_path


class HTTPConnection(ASGIHTTPConnection):
    """One HTTP request and its answer."""

    def _create_request_from_scope(self, send: ASGISendCallable) -> Request:
        path, refusal = read_path(self.scope)
        self.scope = cast(Any, {**self.scope, "path": path})
        request = super()._create_request_from_scope(send)
        cast(Any, request).refusal = refusal
        return request


class WebsocketConnection(ASGIWebsocketConnection):
    """One WebSocket."""

    def _create_websocket_from_scope(self, send: ASGISendCallable) -> Websocket:
        path, refusal = read_path(self.scope)
        self.scope = cast(Any, {**self.scope, "path": path})
        websocket = super()._create_websocket_from_scope(send)
        cast(Any, websocket).refusal = refusal
        return websocket
