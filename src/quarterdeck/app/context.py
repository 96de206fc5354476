"""Request and WebSocket contexts whose own errors reach the app's error handlers.

What goes wrong before there is a view to call (the host is not trusted, the
session store is down) is kept in ``error``; dispatching raises it. What goes wrong
after the answer is there (a teardown function) is logged and the answer stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

import quart.ctx
from quart.ctx import _sentinel
from quart.sessions import SecureCookieSession, SessionMixin
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.exceptions import SecurityError

from quarterdeck.exceptions import ContextEndedError

if TYPE_CHECKING:
    from .application import Quart

CURRENT: Any = _sentinel  # Quart's word for "the exception being handled, if any"


class UnavailableSession(SecureCookieSession):
    """Stands in when the session could not be opened: empty, and never saved."""


class EndedGlobals:
    """What ``g`` is for a task that outlived the context it was started in."""

    def _fail(self, *args: Any) -> NoReturn:
        raise ContextEndedError

    __getattr__ = __setattr__ = __delattr__ = __contains__ = __iter__ = _fail


class AppContext(quart.ctx.AppContext):
    """An app context whose ``g`` cannot be used once what hung on it is closed."""

    async def push(self) -> None:
        if isinstance(self.g, EndedGlobals):
            self.g = self.app.app_ctx_globals_class()
        await super().push()

    async def pop(self, exc: BaseException | None = CURRENT) -> None:
        try:
            await super().pop(exc)
        finally:
            if not self._cv_tokens:
                self.g = cast(Any, EndedGlobals())


class _ContextMixin(quart.ctx._BaseRequestWebsocketContext):
    """What both contexts have in common; Quart's own classes call it through ``super()``."""

    app: Quart
    error: Exception | None = None
    _session: SessionMixin | None = None

    def __init__(
        self,
        app: Quart,
        request_websocket: BaseRequestWebsocket,
        session: SessionMixin | None = None,
    ) -> None:
        self.error = getattr(request_websocket, "refusal", None)
        self.urls: dict[Any, str] = {}  # those of static files, built again and again by a page
        trusted_hosts = app.config["TRUSTED_HOSTS"]
        if trusted_hosts is not None:
            request_websocket.trusted_hosts = trusted_hosts
            try:
                request_websocket.host  # noqa: B018 - werkzeug checks it on first access
            except SecurityError as error:
                # An error page may build URLs, and must not build them from a forged host.
                request_websocket.host = ""
                self.error = self.error or error
        super().__init__(app, request_websocket, session)

    @property
    def session(self) -> SessionMixin | None:
        """The browser session; reading it here is what ``Vary: Cookie`` tells of."""
        if self._session is not None:
            self._session.accessed = True
        return self._session

    @session.setter
    def session(self, session: SessionMixin | None) -> None:
        self._session = session

    def copy(self) -> Self:
        """Return a context of the same request, for another task or a stream."""
        return type(self)(self.app, cast(Any, self.request_websocket), self._session)

    async def _push(self) -> None:
        if self._session is None:
            try:
                self._session = await self._open_session()
            except Exception as error:
                self.error = self.error or error
                self._session = UnavailableSession()
        request = self.request_websocket
        if self.url_adapter is not None and not (request.url_rule or request.routing_exception):
            self.match_request()  # unless the session interface had to know the endpoint

    async def _open_session(self) -> SessionMixin:
        interface = self.app.session_interface
        open_session = self.app.ensure_async(interface.open_session)
        session = await open_session(self.app, self.request_websocket)
        if session is None:
            session = await interface.make_null_session(self.app)
        return cast(SessionMixin, session)

    async def save_session(self, response: Any) -> None:
        """Hand the session to its interface, unless there is none to save."""
        interface = self.app.session_interface
        session = self._session
        if isinstance(session, UnavailableSession) or interface.is_null_session(session):
            return
        try:
            await self.app.ensure_async(interface.save_session)(self.app, session, response)
        except Exception:
            # The error page is saved too: it must not wait for the same store again.
            self._session = UnavailableSession()
            raise

    async def auto_pop(self, exc: BaseException | None) -> None:
        try:
            await super().auto_pop(exc)
        except Exception as error:
            await self.app.handle_teardown_exception(error)


class RequestContext(quart.ctx.RequestContext, _ContextMixin):
    """The context of one HTTP request."""


class WebsocketContext(quart.ctx.WebsocketContext, _ContextMixin):
    """The context of one WebSocket connection."""
