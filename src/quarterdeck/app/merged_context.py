"""The context of Quart 0.23: one for the app and its request or WebSocket.

It is pushed and popped here, because Quart 0.23.1 hands the signals of contexts an argument
that plain receivers refuse, and turns a cancellation into an exception group.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, cast

import quart.ctx
from quart.signals import appcontext_popped, appcontext_pushed

from quarterdeck._quart import activate, connection_of, current_app_context, deactivate

from .context import ConnectionContext, EndedGlobals

_Base: Any = quart.ctx.AppContext


class AppContext(ConnectionContext, _Base):
    """A context. Its ``g`` cannot be used after the context has ended."""

    g: Any
    _cv_token: Any

    def __init__(
        self, app: Any, *, request: Any = None, session: Any = None, websocket: Any = None
    ) -> None:
        connection = request if request is not None else websocket
        if connection is not None:
            self.prepare(app, connection)
            connection.routing_exception = None
            connection.json_module = app.json
        super().__init__(app, request=request, session=session, websocket=websocket)

    async def push(self) -> None:
        """Make this the current context. The first push opens the session and finds the rule."""
        self._push_count += 1
        if self._cv_token is not None:
            return
        if isinstance(self.g, EndedGlobals):
            self.g = self.app.app_ctx_globals_class()
        self._cv_token = activate(self)
        await self.app._send(appcontext_pushed)
        if connection_of(self) is not None:
            await self.open_session()
            if self.url_adapter is not None and not self.is_matched:
                self.match_request()

    async def pop(self, exc: BaseException | None = None) -> None:
        """Undo a push. The last pop runs the teardown functions.

        Raises:
            RuntimeError: If this is not the current context.
        """
        if self._cv_token is None or current_app_context() is not self:
            raise RuntimeError(f"{self!r} is not the current context and cannot be popped.")
        self._push_count -= 1
        if self._push_count:
            return
        try:
            await self._end_connection(exc)
        finally:
            try:
                await self.app.do_teardown_appcontext(self, exc)
            finally:
                deactivate(self._cv_token)
                self._cv_token = None
                self.g = cast(Any, EndedGlobals())
        await self.app._send(appcontext_popped)

    async def _end_connection(self, exc: BaseException | None) -> None:
        if self.has_websocket:
            await self.app.do_teardown_websocket(self, exc)
        elif self.has_request:
            await self.app.do_teardown_request(self, exc)
            await self.request.close()

    async def auto_pop(self, exc: BaseException | None) -> None:
        """Pop the context of a connection; an error of a teardown function is logged."""
        try:
            await self.pop(exc)
        except Exception as error:
            if connection_of(self) is None:
                raise
            await self.app.handle_teardown_exception(error, self)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.auto_pop(exc_value)


def preserved(context: Any) -> Any:
    """Return a copy of the current context that a test can read after the context has ended."""
    copy = context.copy()
    copy.g = context.g
    return copy


def request_context(app: Any, request: Any) -> Any:
    return AppContext(app, request=request)


def websocket_context(app: Any, websocket: Any) -> Any:
    return AppContext(app, websocket=websocket)
