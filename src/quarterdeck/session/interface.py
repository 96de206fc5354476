"""Quart's session interface over a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quart import Quart
from quart.globals import websocket_ctx
from quart.sessions import SessionInterface, SessionMixin

from quarterdeck.exceptions import (
    QuarterdeckError,
    SessionUnavailableError,
    StatelessSessionError,
)

from .browser import BrowserSession, RefusedSession
from .cookie import IdCookie
from .keeper import Keeper
from .marks import StatelessEndpoints

if TYPE_CHECKING:
    from quart.wrappers.base import BaseRequestWebsocket


class ServerSideSessionInterface(SessionInterface):
    """Opens and saves the sessions of one app."""

    def __init__(self, keeper: Keeper, cookie: IdCookie, stateless: StatelessEndpoints) -> None:
        self._keeper = keeper
        self._cookie = cookie
        self._stateless = stateless

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> SessionMixin:
        """Load the session that the cookie names; without a cookie nothing is asked."""
        endpoint = self._stateless.find(request)
        if endpoint is not None:
            return RefusedSession(StatelessSessionError(endpoint))
        sid = self._cookie.read(request)
        if sid is None:
            return self._keeper.new()
        try:
            return await self._keeper.open(sid)
        except SessionUnavailableError as error:
            app.logger.error("%s", error)
            return RefusedSession(error)

    async def save_session(self, app: Quart, session: Any, response: Any) -> None:
        """Save what changed and set the cookie.

        ``response`` is None at the end of a WebSocket, where nobody is left to be told of
        trouble: it is logged.
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
                await self._keeper.save(session, can_set_cookie=True)
            except Exception:
                session.forget()  # the error page is saved too: it must not fail for the same
                raise
            self._send_cookie(app, session, response)

    async def save_interrupted(self, _error: BaseException | None) -> None:
        """Save the session of a WebSocket whose handler was cancelled: its client left."""
        app, session = websocket_ctx.app, websocket_ctx.session
        await self._save_at_close(app, session)

    async def _save_at_close(self, app: Quart, session: Any) -> None:
        if not isinstance(session, BrowserSession):
            return
        try:
            await self._keeper.save(session, can_set_cookie=False)
        except QuarterdeckError as error:
            app.logger.error("a WebSocket's session was not saved: %s", error)

    def _send_cookie(self, app: Quart, session: BrowserSession, response: Any) -> None:
        if session.cookie == "set" and session.sid is not None:
            self._cookie.set(response, session.sid, self.get_expiration_time(app, session))
            if self._keeper.clean_up_is_due():
                app.add_background_task(self._keeper.clean_up)
        elif session.cookie == "delete":
            self._cookie.delete(response)
