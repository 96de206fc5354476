"""Sessions without a store: everything is in the cookie, signed and readable."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from itsdangerous import URLSafeTimedSerializer
from quart import Quart, has_websocket_context
from quart.sessions import NullSession

from quarterdeck._signed_cookie import CookieSessionInterface
from quarterdeck.exceptions import SessionHandshakeError, StatelessSessionError

from .browser import MappingSession, RefusedSession
from .error_pages import refuse
from .settings import Settings
from .stateless import StatelessEndpoints

if TYPE_CHECKING:
    from quart.wrappers.base import BaseRequestWebsocket

BEGUN = "_begun"  # when the session began; kept only where there is an absolute lifetime


class CookieSession(MappingSession):
    """A session that is kept in its cookie.

    Attributes:
        issued: Unix time of the cookie's signature; None if no cookie came.
    """

    issued: float | None = None

    def regenerate(self) -> None:
        """Do nothing: the cookie has no id, and each change makes another cookie."""
        self._touch()

    async def save(self) -> None:
        """Nothing to do in a request: the cookie goes out with the response.

        Raises:
            SessionHandshakeError: In a WebSocket, if there are changes.
        """
        if self.modified and has_websocket_context():
            raise SessionHandshakeError

    async def reload(self) -> None:
        """Nothing to do: there is no newer state than that of the cookie."""


class UnsignedSession(NullSession):
    """The session of an app without ``SECRET_KEY``: empty, and an error where it is changed."""

    key = sid = None

    def take_extra(self) -> None:
        """None: nothing was read."""

    def regenerate(self) -> None:
        """Raise the error of any other change."""
        self._fail()

    async def save(self) -> None:
        """Nothing to do: there are no changes."""

    async def reload(self) -> None:
        """Nothing to do: it stays empty."""


class NullSessionInterface(CookieSessionInterface):
    """The signed cookie with the rules of the other stores: lifetimes, stateless views."""

    null_session_class = UnsignedSession

    def __init__(self, settings: Settings, stateless: StatelessEndpoints) -> None:
        super().__init__()
        self._settings = settings
        self._stateless = stateless

    def session_class(  # type: ignore[override]  # a method here, a class there
        self, data: dict[str, Any] | None = None
    ) -> Any:
        """Make a session; an empty one if ``data`` began too long ago."""
        absolute = self._settings.absolute
        data = data or {}
        if absolute is not None and data and time.time() - data.get(BEGUN, 0) >= absolute:
            data = {}
        return CookieSession(data, permanent=self._settings.permanent)

    def max_age(self, app: Quart) -> float:
        """The idle lifetime in seconds."""
        return self._settings.idle

    def load(self, app: Quart, signer: URLSafeTimedSerializer, cookie: str) -> Any:
        """Return the session in a cookie, an empty one if it was not used for too long."""
        data, issued = signer.loads(cookie, max_age=int(self._settings.idle), return_timestamp=True)
        if time.time() - issued.timestamp() > self._settings.lifetime(data):
            return self.session_class()
        session = self.session_class(data)
        session.issued = issued.timestamp()
        return session

    def should_set_cookie(self, app: Quart, session: Any) -> bool:
        """Whether to send the cookie: after a change, or to extend its lifetime."""
        if super().should_set_cookie(app, session):
            return True
        return session.issued is not None and self._settings.is_due(session.issued, session)

    def get_expiration_time(self, app: Quart, session: Any) -> datetime | None:
        """Return when the browser may drop the cookie; None if it does so when it is closed."""
        return self._settings.limit(super().get_expiration_time(app, session), session)

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> Any:
        """Read the cookie, but not for a stateless view."""
        endpoint = self._stateless.find(request)
        if endpoint is not None:
            return refuse(request, StatelessSessionError(endpoint))
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
