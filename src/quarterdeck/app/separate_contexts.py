"""The contexts of Quart 0.22: one each for the app, the request and the WebSocket."""

from __future__ import annotations

from typing import Any, Self, cast

import quart.ctx

from quarterdeck._quart import current_app_context

from .context import AsyncOnly, ConnectionContext, EndedGlobals

_ctx: Any = quart.ctx
# Quart's word for "the exception being handled, if any".
CURRENT = _ctx._sentinel


class AppContext(AsyncOnly, quart.ctx.AppContext):
    """An app context. Its ``g`` cannot be used after the context has ended."""

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


class _Context(ConnectionContext, _ctx._BaseRequestWebsocketContext):  # type: ignore[misc]
    """The shared part of both contexts; Quart's own classes call it through ``super()``."""

    def __init__(self, app: Any, connection: Any, session: Any = None) -> None:
        self.prepare(app, connection)
        super().__init__(app, connection, session)

    def copy(self) -> Self:
        """Return a context of the same request, for another task or a stream."""
        return type(self)(self.app, self.request_websocket, self._session)

    async def _push(self) -> None:
        await self.open_session()
        if self.url_adapter is not None and not self.is_matched:
            self.match_request()

    def match_request(self) -> None:
        """Find the rule of the request, and decide how its path may be logged."""
        super().match_request()
        self.keep_secrets_out_of_logs()

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


class RequestContext(_ctx.RequestContext, _Context):  # type: ignore[misc]
    """The context of one HTTP request."""


class WebsocketContext(_ctx.WebsocketContext, _Context):  # type: ignore[misc]
    """The context of one WebSocket connection."""


def preserved(context: Any) -> Any:
    """Return a copy of the current context that a test can read after the context has ended."""
    copy = context.copy()
    copy.app_context = current_app_context().copy()
    return copy


def request_context(app: Any, request: Any) -> Any:
    return RequestContext(app, request)


def websocket_context(app: Any, websocket: Any) -> Any:
    return WebsocketContext(app, websocket)
