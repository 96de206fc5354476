"""The request or WebSocket that a user belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import (
    Request,
    Websocket,
    has_request_context,
    has_websocket_context,
    request,
    websocket,
)

from quarterdeck._quart import unwrap
from quarterdeck.exceptions import LoginContextError

if TYPE_CHECKING:
    from quart.sessions import SessionMixin


def connection() -> Request | Websocket | None:
    """Return the request or WebSocket of this context, if any."""
    if has_request_context():
        return unwrap(request)
    if has_websocket_context():
        return unwrap(websocket)
    return None


def need_request(function: str) -> None:
    """Check that the browser session can be saved.

    Raises:
        LoginContextError: If no request is being handled.
    """
    if not has_request_context():
        raise LoginContextError(function)


def empty(browser_session: SessionMixin) -> None:
    """Drop all of it, the CSRF token too, and take a new id where there are ids."""
    browser_session.clear()
    regenerate = getattr(browser_session, "regenerate", None)
    if regenerate is not None:
        regenerate()
