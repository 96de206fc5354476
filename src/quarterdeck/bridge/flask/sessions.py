"""Browser sessions. An interface of the app may have plain methods."""

from __future__ import annotations

from flask.json.tag import TaggedJSONSerializer
from flask.sessions import session_json_serializer
from quart.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
)

__all__ = [
    "NullSession",
    "SecureCookieSession",
    "SecureCookieSessionInterface",
    "SessionInterface",
    "SessionMixin",
    "TaggedJSONSerializer",
    "session_json_serializer",
]
