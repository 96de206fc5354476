"""The test client, which shows the reason of a status."""

from __future__ import annotations

from typing import Any

from quart.testing import QuartClient
from quart.testing.connections import TestHTTPConnection
from quart.wrappers import Response

from .connection import REASON_EXTENSION


class HTTPTestConnection(TestHTTPConnection):
    """A connection to a server that writes reasons, as HTTP/1 allows."""

    def __init__(self, app: Any, scope: Any, _preserve_context: bool = False) -> None:
        scope = {**scope, "extensions": {**scope.get("extensions", {}), REASON_EXTENSION: {}}}
        super().__init__(app, scope, _preserve_context)
        self.reason = ""

    async def _asgi_send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.reason = message.get("reason", b"").decode("latin-1")
        await super()._asgi_send(message)

    async def as_response(self) -> Response:
        response = await super().as_response()
        if self.reason:
            response.status = f"{response.status_code} {self.reason}"
        return response


class TestClient(QuartClient):
    """What ``app.test_client()`` returns."""

    __test__ = False  # pytest must not collect it
    http_connection_class = HTTPTestConnection

    async def open(self, path: str, **kwargs: Any) -> Response:
        """Make a request; ``data={...}`` is a form, as in Flask (Quart drops it)."""
        if isinstance(kwargs.get("data"), dict):
            kwargs["form"] = kwargs.pop("data")
        return await super().open(path, **kwargs)
