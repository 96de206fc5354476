"""From a request to its answer: hooks, view, error handlers, session, teardown.

The same order as in Quart and Flask. What differs: errors that happen outside the view
reach the error handlers too, and one teardown function that fails stops no other.
"""

from __future__ import annotations

from typing import Any, cast

import quart
from quart.ctx import RequestContext as QuartRequestContext
from quart.ctx import WebsocketContext as QuartWebsocketContext
from quart.ctx import has_request_context
from quart.globals import request_ctx, websocket_ctx
from quart.signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
    websocket_started,
    websocket_tearing_down,
)
from quart.typing import ResponseReturnValue, ResponseTypes
from quart.wrappers import Request, Websocket
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.exceptions import HTTPException, InternalServerError

from .context import AppContext, RequestContext, WebsocketContext
from .first_request import FirstRequest
from .response import Response
from .status import check_status, split_result


class RequestCycle(quart.Quart):
    """The part of the application object that answers requests and serves WebSockets."""

    _first_request: FirstRequest

    def app_context(self) -> AppContext:
        """Return a context of the app, to be used with ``async with``."""
        return AppContext(self)

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
            await self._send(request_started)
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
            await self._send(websocket_started)
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

    async def preprocess_request(
        self, request_context: QuartRequestContext | None = None
    ) -> ResponseReturnValue | None:
        """Run the before_request functions until one answers."""
        request = (request_context or request_ctx).request
        return await self._preprocess(request, self.before_request_funcs)

    async def preprocess_websocket(
        self, websocket_context: QuartWebsocketContext | None = None
    ) -> ResponseReturnValue | None:
        """Run the before_websocket functions until one answers."""
        websocket = (websocket_context or websocket_ctx).websocket
        return await self._preprocess(websocket, self.before_websocket_funcs)

    async def _preprocess(
        self, request: BaseRequestWebsocket, functions: dict[str | None, list[Any]]
    ) -> ResponseReturnValue | None:
        names = (None, *reversed(request.blueprints))
        for name in names:
            for processor in self.url_value_preprocessors[name]:
                processor(request.endpoint, request.view_args)
        for name in names:
            for function in functions[name]:
                result: ResponseReturnValue | None = await self.ensure_async(function)()
                if result is not None:
                    return result
        return None

    # --- answers ------------------------------------------------------------------

    async def make_response(self, result: ResponseReturnValue | HTTPException) -> ResponseTypes:
        """Turn what a view returned into a response.

        Raises:
            InvalidStatusError: If the status is none that HTTP has.
            TypeError: If a tuple has other than two or three members, or the body is None.
        """
        body, status, headers = split_result(result)
        if body is None:
            raise TypeError(
                f"'{request_ctx.request.endpoint if has_request_context() else 'The view'}' "
                "answered with None. Return a body, or ('', 204) for an empty answer."
            )
        response = await super().make_response(body)
        if status is not None:
            response.status = check_status(status)
        if headers is not None:
            response.headers.update(headers)
        return response

    async def finalize_request(
        self,
        result: ResponseReturnValue | HTTPException,
        request_context: QuartRequestContext | None = None,
        from_error_handler: bool = False,
    ) -> ResponseTypes:
        """Make the response, give files their 304 and 206, and run what comes after."""
        response = await self.make_response(result)
        try:
            if isinstance(response, Response) and response.is_file:
                await self._make_file_conditional(response)
            response = await self.process_response(response, request_context)
            await self._send(request_finished, response=response)
        except Exception:
            if not from_error_handler:
                raise
            self.logger.exception("An error answer could not be finished")
        return response

    async def _make_file_conditional(self, response: Response) -> None:
        if response.status_code == 200 and self.config["SEND_FILE_CONDITIONAL"]:
            await response.make_file_conditional(request_ctx.request)

    async def process_response(
        self, response: ResponseTypes, request_context: QuartRequestContext | None = None
    ) -> ResponseTypes:
        """Run the after_request functions and save the session."""
        context = cast(RequestContext, request_context or request_ctx)
        functions = [*context._after_request_functions]
        for name in (*context.request.blueprints, None):
            functions += reversed(self.after_request_funcs[name])
        for function in functions:
            response = cast(ResponseTypes, await self.ensure_async(function)(response))
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
        await self._send(got_request_exception, exception=error)
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
        await self._send(signal, exc=exc)

    async def do_teardown_appcontext(self, exc: BaseException | None) -> None:
        """Run every teardown function of the app context, then raise what went wrong first."""
        failures: list[Exception] = []
        for function in reversed(self.teardown_appcontext_funcs):
            try:
                await self.ensure_async(function)(exc)
            except Exception as error:
                failures.append(error)
        await self._send(appcontext_tearing_down, exc=exc)
        for failure in failures[1:]:
            await self.handle_teardown_exception(failure)
        if failures:
            raise failures[0]

    async def _send(self, signal: Any, **values: Any) -> None:
        if signal.receivers:
            await signal.send_async(self, _sync_wrapper=self.ensure_async, **values)
