"""The test client of ``app.test_client()``, with the arguments of Flask's and of Quart's."""

from __future__ import annotations

from .client import TestClient
from .connections import HTTPTestConnection, WebsocketDisconnectError, WebsocketTestConnection

__all__ = [
    "HTTPTestConnection",
    "TestClient",
    "WebsocketDisconnectError",
    "WebsocketTestConnection",
]
