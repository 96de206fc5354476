"""Helpers for the tests of applications."""

from quarterdeck.app.testing import TestClient, WebsocketDisconnectError

from .database import isolated_database
from .login import LoginClient
from .server import ServedApp, served_app
from .statements import recorded_statements

__all__ = [
    "LoginClient",
    "ServedApp",
    "TestClient",
    "WebsocketDisconnectError",
    "isolated_database",
    "recorded_statements",
    "served_app",
]
