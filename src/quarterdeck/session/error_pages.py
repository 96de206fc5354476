"""Error pages of requests whose session cannot be used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from quart import Quart

from quarterdeck._quart import connection_of, request_context, websocket_context

from .browser import RefusedSession

if TYPE_CHECKING:
    from quart.wrappers.base import BaseRequestWebsocket

_REFUSED = "_quarterdeck_refused_session"
_HANDLERS = ("handle_user_exception", "handle_exception", "handle_websocket_exception")

ErrorHandler = Callable[[Exception], Awaitable[Any]]


def refuse(connection: BaseRequestWebsocket, refusal: Exception) -> RefusedSession:
    """Return the session of a request or WebSocket that raises ``refusal`` when it is used."""
    session = RefusedSession(refusal)
    setattr(connection, _REFUSED, session)
    return session


def excuse_error_pages(app: Quart) -> None:
    """Let error pages use the session where the view could not: it is empty there.

    Pages share a layout, which shows flashes and the user. Without this, the page for a
    missing static file would fail in its layout.
    """
    for name in _HANDLERS:
        setattr(app, name, _excusing(getattr(app, name)))


def _excusing(handle: ErrorHandler) -> ErrorHandler:
    @wraps(handle)
    async def handle_excused(*args: Any) -> Any:
        context = request_context() or websocket_context()
        session = getattr(connection_of(context), _REFUSED, None) if context else None
        if session is not None:  # not read from the context: that would add 'Vary: Cookie'
            session.excuse()
        return await handle(*args)

    return handle_excused
