"""Sessions without a store: everything is in the cookie, signed and readable."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from quart import Quart, has_websocket_context

from quarterdeck._signed_cookie import CookieSessionInterface
from quarterdeck.exceptions import SessionHandshakeError, StatelessSessionError

from .browser import MappingSession, RefusedSession
from .keeper import Settings
from .marks import StatelessEndpoints

if TYPE_CHECKING:
    from quart.wrappers.base import BaseRequestWebsocket

BEGUN = "_begun"  # when the session began; kept only where there is an absolute lifetime


class CookieSession(MappingSession):
    """A session that travels in its cookie."""

    async def save(self) -> None:
        """Nothing to do in a request: the cookie goes out with the response.

        Raises:
            SessionHandshakeError: In a WebSocket, if there are changes.
        """
        if self.modified and has_websocket_context():
            raise SessionHandshakeError

    async def reload(self) -> None:
        """Nothing to do: there is no newer state than that of the cookie."""


class NullSessionInterface(CookieSessionInterface):
    """The signed cookie with the rules of the other stores: lifetimes, stateless views."""

    def __init__(self, settings: Settings, stateless: StatelessEndpoints) -> None:
        super().__init__()
        self._settings = settings
        self._stateless = stateless

    def session_class(self, data: dict[str, Any] | None = None) -> Any:  # type: ignore[override]
        """Make a session; an empty one if ``data`` began too long ago."""
        absolute = self._settings.absolute
        data = data or {}
        if absolute is not None and data and time.time() - data.get(BEGUN, 0) >= absolute:
            data = {}
        return CookieSession(data, permanent=self._settings.permanent)

    def max_age(self, app: Quart) -> float:
        """The idle lifetime in seconds."""
        return self._settings.idle

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> Any:
        """Read the cookie, but not for a stateless view."""
        endpoint = self._stateless.find(request)
        if endpoint is not None:
            return RefusedSession(StatelessSessionError(endpoint))
        return await super().open_session(app, request)

    async def save_session(self, app: Quart, session: Any, response: Any) -> None:
        """Set the cookie; a page that did not use the session is left as it is.

        Raises:
            SessionCookieTooLargeError: If browsers would drop it for its size.
        """
        if isinstance(session, RefusedSession):
            if session.used and response is not None:
                response.vary.add("Cookie")
            return
        if response is not None and not (session.accessed or session.modified):
            return
        if session.modified and self._settings.absolute is not None and not session.is_empty:
            session.setdefault(BEGUN, int(time.time()))
        await super().save_session(app, session, response)
