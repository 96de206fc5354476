"""Quart's session interface over a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quart import Quart
from quart.sessions import SessionInterface, SessionMixin

from quarterdeck._quart import current_websocket_context
from quarterdeck.exceptions import (
    QuarterdeckError,
    SessionUnavailableError,
    StatelessSessionError,
)

from .browser import BrowserSession, RefusedSession
from .cookie import IdCookie
from .error_pages import refuse
from .manager import SessionManager
from .stateless import StatelessEndpoints

if TYPE_CHECKING:
    from quart.wrappers.base import BaseRequestWebsocket


class ServerSideSessionInterface(SessionInterface):
    """Opens and saves the sessions of one app."""

    def __init__(
        self, manager: SessionManager, cookie: IdCookie, stateless: StatelessEndpoints
    ) -> None:
        self._manager = manager
        self._cookie = cookie
        self._stateless = stateless

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> SessionMixin:
        """Load the session of the cookie; a request without a cookie does not use the store."""
        endpoint = self._stateless.find(request)
        if endpoint is not None:
            return refuse(request, StatelessSessionError(endpoint))
        sid = self._cookie.read(request)
        try:
            session = self._manager.new() if sid is None else await self._manager.open(sid)
        except SessionUnavailableError as error:
            return refuse(request, error)
        if session.new:
            session.start_from(self._manager.csrf_cookie.read(request))
        return session

    async def save_session(self, app: Quart, session: Any, response: Any) -> None:
        """Save the changes and set the cookie.

        ``response`` is None at the end of a WebSocket. An error is then logged, because no
        client is left to receive it.
        """
        if response is None:
            await self._save_at_close(app, session)
            return
        if isinstance(session, RefusedSession):
            if session.used:
                response.vary.add("Cookie")
            return
        if session.accessed or session.modified:
            response.vary.add("Cookie")
        if isinstance(session, BrowserSession):
            try:
                await self._manager.save(session, can_set_cookie=True)
            except Exception:
                session.forget()  # the error page is saved too: it must not fail for the same
                raise
            self._send_cookie(app, session, response)

    async def save_interrupted(self, _error: BaseException | None) -> None:
        """Save the session of a WebSocket whose client has left, which cancelled the handler."""
        context = current_websocket_context()
        app, session = context.app, context.session
        await self._save_at_close(app, session)

    async def _save_at_close(self, app: Quart, session: Any) -> None:
        if not isinstance(session, BrowserSession):
            return
        try:
            await self._manager.save(session, can_set_cookie=False)
        except QuarterdeckError as error:
            app.logger.error("a WebSocket's session was not saved: %s", error)

    def _send_cookie(self, app: Quart, session: BrowserSession, response: Any) -> None:
        if not (session.cookie or session.csrf_cookie):
            return
        response.vary.add("Cookie")  # a cache must not give it to other clients
        expires = self.get_expiration_time(app, session)
        expires = self._manager.settings.limit(expires, session.data)
        if session.cookie == "set" and session.cookie_sid is not None:
            self._cookie.set(response, session.cookie_sid, expires)
            if self._manager.clean_up_is_due():
                app.add_background_task(self._manager.clean_up)
        elif session.cookie == "delete":
            self._cookie.delete(response)
        if session.csrf_cookie == "set":
            self._manager.csrf_cookie.set(response, session.data, expires)
        elif session.csrf_cookie == "delete":
            self._manager.csrf_cookie.delete(response)
