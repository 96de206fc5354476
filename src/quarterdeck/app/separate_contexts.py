"""The contexts of Quart 0.22: one each for the app, the request and the WebSocket.

They are pushed and popped here: Quart sends its signals with or without receivers, and opens the
session outside the reach of error handlers.
"""

from __future__ import annotations

import sys
from typing import Any, Self, cast

import quart.ctx
from quart.signals import appcontext_popped, appcontext_pushed

from quarterdeck._quart import (
    activate,
    activate_connection,
    app_context,
    call,
    current_app_context,
    deactivate,
)
from quarterdeck._quart import request_context as current_request
from quarterdeck._quart import websocket_context as current_websocket

from .context import AsyncOnly, ConnectionContext, EndedGlobals

_ctx: Any = quart.ctx
# Quart's word for "the exception being handled, if any".
CURRENT = _ctx._sentinel


class AppContext(AsyncOnly, quart.ctx.AppContext):
    """An app context. Its ``g`` cannot be used after the context has ended."""

    app: Any
    _cv_tokens: list[Any]

    async def push(self) -> None:
        if isinstance(self.g, EndedGlobals):
            self.g = self.app.app_ctx_globals_class()
        self._cv_tokens.append(activate(self))
        if appcontext_pushed.receivers:
            await self.app._send(appcontext_pushed)

    async def pop(self, exc: BaseException | None = CURRENT) -> None:
        """Undo a push. The last pop runs the teardown functions.

        Raises:
            RuntimeError: If this is not the current context.
        """
        try:
            if len(self._cv_tokens) == 1:
                exc = sys.exc_info()[1] if exc is CURRENT else exc
                await call(self.app.do_teardown_appcontext, self, exc)
        finally:
            current = app_context()
            deactivate(self._cv_tokens.pop())
            if not self._cv_tokens:
                self.g = cast(Any, EndedGlobals())
            _check(self, current)
        if appcontext_popped.receivers:
            await self.app._send(appcontext_popped)


class _Context(ConnectionContext, _ctx._BaseRequestWebsocketContext):
    """The shared part of both contexts."""

    _cv_tokens: list[Any]

    def __init__(self, app: Any, connection: Any, session: Any = None) -> None:
        self.prepare(app, connection)
        super().__init__(app, connection, session)

    def copy(self) -> Self:
        """Return a context of the same request, for another task or a stream."""
        return type(self)(self.app, self.request_websocket, self._session)

    async def push(self) -> None:
        """Make this the current context. The first push opens the session and finds the rule."""
        token = activate_connection(self)
        around = app_context()
        own = None
        if around is None or around.app is not self.app:
            own = self.app.app_context()
            await own.push()
        self._cv_tokens.append((token, own))
        if self._session is None:
            await self.open_session()
        if self.url_adapter is not None and not self.is_matched:
            self.match_request()

    async def pop(self, exc: BaseException | None = CURRENT) -> None:
        """Undo a push. The last pop runs the teardown functions.

        Raises:
            RuntimeError: If this is not the current context.
        """
        exc = sys.exc_info()[1] if exc is CURRENT else exc
        try:
            if len(self._cv_tokens) == 1:
                await self._end(exc)
        finally:
            current = self._current()
            token, own = self._cv_tokens.pop()
            deactivate(token)
            if own is not None:
                await own.pop(exc)
            _check(self, current)

    def _current(self) -> Any:
        raise NotImplementedError

    async def _end(self, exc: BaseException | None) -> None:
        raise NotImplementedError

    async def auto_pop(self, exc: BaseException | None) -> None:
        """Pop the context; an error of a teardown function is logged.

        Unlike Quart's, it is popped for a test client too, or teardown functions would never run.
        """
        try:
            if exc is not None and self.app.config["PRESERVE_CONTEXT_ON_EXCEPTION"]:
                self.preserved = True
            else:
                await self.pop(exc)
        except Exception as error:
            await self.app.handle_teardown_exception(error, self)


class RequestContext(_Context, _ctx.RequestContext):
    """The context of one HTTP request."""

    def _current(self) -> Any:
        return current_request()

    async def _end(self, exc: BaseException | None) -> None:
        await call(self.app.do_teardown_request, self, exc)
        await self.request.close()


class WebsocketContext(_Context, _ctx.WebsocketContext):
    """The context of one WebSocket connection."""

    def _current(self) -> Any:
        return current_websocket()

    async def _end(self, exc: BaseException | None) -> None:
        await call(self.app.do_teardown_websocket, self, exc)


def _check(context: Any, current: Any) -> None:
    if current is not context:
        raise RuntimeError(f"{context!r} is not the current context and cannot be popped.")


def preserved(context: Any) -> Any:
    """Return a copy of the current context that a test can read after the context has ended."""
    copy = context.copy()
    copy.app_context = current_app_context().copy()
    return copy


def request_context(app: Any, request: Any) -> Any:
    return RequestContext(app, request)


def websocket_context(app: Any, websocket: Any) -> Any:
    return WebsocketContext(app, websocket)
