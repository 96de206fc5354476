"""``Quart``, the application object."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import quart
from flask.sansio.scaffold import setupmethod
from quart.ctx import RequestContext as QuartRequestContext
from quart.ctx import WebsocketContext as QuartWebsocketContext
from quart.globals import request_ctx, websocket_ctx
from quart.signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_started,
    request_tearing_down,
    websocket_started,
    websocket_tearing_down,
)
from quart.typing import ResponseReturnValue, ResponseTypes
from quart.utils import run_sync
from quart.wrappers import Request, Websocket
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import HTTPException, InternalServerError

from quarterdeck._cli import AppGroup
from quarterdeck.routing import register_converters

from .connection import HTTPConnection, WebsocketConnection
from .context import RequestContext, WebsocketContext
from .first_request import FirstRequest
from .rule import Rule
from .status import check_status, split_result
from .templating import Environment, template_context

F = TypeVar("F", bound=Callable[[], Any])


class Quart(quart.Quart):
    """Quart with the holes filled that Flask applications fall into.

    Takes what ``quart.Quart`` takes. See ``docs/from-flask.md`` for what it adds.
    """

    asgi_http_class = HTTPConnection
    asgi_websocket_class = WebsocketConnection
    # Quart declares these two with the types of Flask's base class.
    jinja_environment = Environment  # type: ignore[assignment]
    url_rule_class = Rule  # type: ignore[assignment]

    default_config = ImmutableDict(quart.Quart.default_config | {"JINJA_ASYNC": False})

    def __init__(self, import_name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(import_name, *args, **kwargs)
        self.cli = AppGroup(name=self.name)
        self._first_request = FirstRequest()
        self.template_context_processors[None] = [template_context]
        register_converters(self)

    # --- hooks --------------------------------------------------------------------

    @setupmethod
    def before_first_request(self, function: F) -> F:
        """Run ``function`` once per process, before the first request is handled.

        It runs in that request's context, whether HTTP or WebSocket; requests that come
        meanwhile wait. If it raises, that request fails and the next one tries again.
        """
        self._first_request.pending.append(function)
        return function

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """Return an awaitable form of ``func`` that never blocks the event loop.

        A plain function runs in a thread, with the context of the caller, and what it
        returns is awaited if need be. A plain wrapper made with ``functools.wraps``
        around a coroutine function is called on the loop, as that function would be.
        """
        if inspect.iscoroutinefunction(func):
            return func
        if inspect.iscoroutinefunction(inspect.unwrap(func)):
            return _await_result(func)
        return _await_result(run_sync(func))

    # --- requests -----------------------------------------------------------------

    def request_context(self, request: Request) -> RequestContext:
        """Return a context for the request, to be used with ``async with``."""
        return RequestContext(self, request)

    def websocket_context(self, websocket: Websocket) -> WebsocketContext:
        """Return a context for the WebSocket, to be used with ``async with``."""
        return WebsocketContext(self, websocket)

    async def handle_request(self, request: Request) -> ResponseTypes:
        """Answer a request. Teardown functions see the exception that no handler took."""
        context = self.request_context(request)
        failure: BaseException | None = None
        await context.push()
        try:
            return await self.full_dispatch_request(context)
        except Exception as error:
            failure = error
            return await self._answer_failure(error)
        except BaseException as error:
            failure = error
            raise  # the server cancels a handler whose client has left
        finally:
            self._preserve(request, context)
            await context.auto_pop(failure)

    async def handle_websocket(self, websocket: Websocket) -> ResponseTypes | None:
        """Serve a WebSocket. Teardown functions see the exception that no handler took."""
        context = self.websocket_context(websocket)
        failure: BaseException | None = None
        await context.push()
        try:
            return await self.full_dispatch_websocket(context)
        except Exception as error:
            failure = error
            return await self.handle_websocket_exception(error)
        except BaseException as error:
            failure = error
            raise
        finally:
            self._preserve(websocket, context)
            await context.auto_pop(failure)

    async def _answer_failure(self, error: Exception) -> ResponseTypes:
        try:
            return await self.handle_exception(error)
        except Exception as second:
            if second is error:
                raise  # PROPAGATE_EXCEPTIONS asks for it
            self._log_error(second)
            return cast(ResponseTypes, InternalServerError().get_response())

    def _preserve(self, request: Any, context: Any) -> None:
        if request.scope.get("_quart._preserve_context", False):
            self._preserved_context = context.copy()

    async def full_dispatch_request(
        self, request_context: QuartRequestContext | None = None
    ) -> ResponseTypes:
        """Run the hooks and the view, and turn what they return or raise into a response."""
        context = cast(RequestContext, request_context or request_ctx)
        result: Any
        try:
            await self._begin(context)
            await request_started.send_async(self, _sync_wrapper=cast(Any, self.ensure_async))
            result = await self.preprocess_request(context)
            if result is None:
                result = await self.dispatch_request(context)
        except Exception as error:
            result = await self.handle_user_exception(error)
        try:
            return await self.finalize_request(result, context)
        except Exception as error:  # in an after_request function, or saving the session
            result = await self.handle_user_exception(error)
            return await self.finalize_request(result, context, from_error_handler=True)

    async def full_dispatch_websocket(
        self, websocket_context: QuartWebsocketContext | None = None
    ) -> ResponseTypes | None:
        """Run the hooks and the handler of a WebSocket."""
        context = cast(WebsocketContext, websocket_context or websocket_ctx)
        result: Any
        try:
            await self._begin(context)
            await websocket_started.send_async(self, _sync_wrapper=cast(Any, self.ensure_async))
            result = await self.preprocess_websocket(context)
            if result is None:
                result = await self.dispatch_websocket(context)
        except Exception as error:
            result = await self.handle_user_exception(error)
        return await self.finalize_websocket(result, context)

    async def _begin(self, context: RequestContext | WebsocketContext) -> None:
        if context.error is not None:
            raise context.error
        if self._first_request.pending:
            await self._first_request.run(self.ensure_async)

    # --- answers ------------------------------------------------------------------

    async def make_response(self, result: ResponseReturnValue | HTTPException) -> ResponseTypes:
        """Turn what a view returned into a response.

        Raises:
            InvalidStatusError: If the status is none that HTTP has.
            TypeError: If a tuple has other than two or three members, or the body is None.
        """
        body, status, headers = split_result(result)
        response = await super().make_response(body)
        if status is not None:
            response.status = check_status(status)
        if headers is not None:
            response.headers.update(headers)
        return response

    async def process_response(
        self, response: ResponseTypes, request_context: QuartRequestContext | None = None
    ) -> ResponseTypes:
        """Run the after_request functions and save the session."""
        context = cast(RequestContext, request_context or request_ctx)
        functions = [*context._after_request_functions]
        for name in (*context.request.blueprints, None):
            functions += reversed(self.after_request_funcs[name])
        for function in functions:
            response = await self.ensure_async(function)(response)
        await context.save_session(response)
        return response

    async def postprocess_websocket(
        self,
        response: ResponseTypes | None,
        websocket_context: QuartWebsocketContext | None = None,
    ) -> Any:
        """Run the after_websocket functions and save the session."""
        context = cast(WebsocketContext, websocket_context or websocket_ctx)
        functions = [*context._after_websocket_functions]
        for name in (*context.websocket.blueprints, None):
            functions += reversed(self.after_websocket_funcs[name])
        for function in functions:
            response = cast(Any, await self.ensure_async(function)(response))
        await context.save_session(response)
        return response

    # --- teardown -----------------------------------------------------------------

    async def handle_teardown_exception(self, error: Exception) -> None:
        """Log an error that came after the answer was made; the answer stands."""
        await got_request_exception.send_async(
            self, _sync_wrapper=cast(Any, self.ensure_async), exception=error
        )
        self._log_error(error)

    def _log_error(self, error: Exception) -> None:
        self.log_exception(cast(Any, (type(error), error, error.__traceback__)))

    async def do_teardown_request(
        self, exc: BaseException | None, request_context: QuartRequestContext | None = None
    ) -> None:
        """Run every teardown function of the request, also when one of them raises."""
        context = request_context or request_ctx
        await self._teardown(
            self.teardown_request_funcs, context.request.blueprints, request_tearing_down, exc
        )

    async def do_teardown_websocket(
        self, exc: BaseException | None, websocket_context: QuartWebsocketContext | None = None
    ) -> None:
        """Run every teardown function of the WebSocket, also when one of them raises."""
        context = websocket_context or websocket_ctx
        await self._teardown(
            self.teardown_websocket_funcs, context.websocket.blueprints, websocket_tearing_down, exc
        )

    async def _teardown(
        self, functions: Any, blueprints: list[str], signal: Any, exc: BaseException | None
    ) -> None:
        for name in (*blueprints, None):
            for function in reversed(functions[name]):
                try:
                    await self.ensure_async(function)(exc)
                except Exception as error:
                    await self.handle_teardown_exception(error)
        await signal.send_async(self, _sync_wrapper=self.ensure_async, exc=exc)

    async def do_teardown_appcontext(self, exc: BaseException | None) -> None:
        """Run every teardown function of the app context, then raise what went wrong first."""
        failures: list[Exception] = []
        for function in reversed(self.teardown_appcontext_funcs):
            try:
                await self.ensure_async(function)(exc)
            except Exception as error:
                failures.append(error)
        await appcontext_tearing_down.send_async(
            self, _sync_wrapper=cast(Any, self.ensure_async), exc=exc
        )
        for failure in failures[1:]:
            await self.handle_teardown_exception(failure)
        if failures:
            raise failures[0]


def _await_result(func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        while inspect.isawaitable(result):
            result = await result
        return result

    return call
