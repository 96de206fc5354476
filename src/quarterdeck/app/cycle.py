"""From a request to its answer: hooks, view, error handlers, session, teardown.

The same order as in Quart and Flask, with a difference: errors that happen outside the view
reach the error handlers too, and one teardown function that fails stops no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import quart
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
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, InternalServerError

from quarterdeck._quart import (
    MERGED_CONTEXTS,
    app_context,
    call,
    connection_of,
    current_request_context,
    request_context,
    takes_context,
    websocket_context,
)
from quarterdeck._redaction import LOG_PATH, printable
from quarterdeck._unawaited import error_of, refuse_text_of_coroutine
from quarterdeck.exceptions import NotAwaitedError

from .first_request import FirstRequest
from .response import Response
from .status import check_status, split_result

if MERGED_CONTEXTS:
    from . import merged_context as contexts
else:
    from . import separate_contexts as contexts  # type: ignore[no-redef]  # only one of the two is imported


class RequestCycle(quart.Quart):
    """The part of the application object that answers requests and serves WebSockets."""

    _first_request: FirstRequest

    def app_context(self) -> Any:
        """Return a context of the app, to be used with ``async with``."""
        return contexts.AppContext(self)

    def request_context(self, request: Request) -> Any:
        """Return a context for the request, to be used with ``async with``."""
        return contexts.request_context(self, request)

    def websocket_context(self, websocket: Websocket) -> Any:
        """Return a context for the WebSocket, to be used with ``async with``."""
        return contexts.websocket_context(self, websocket)

    async def handle_request(self, request: Request) -> ResponseTypes:
        """Answer a request. Teardown functions see the exception that no handler took."""
        context = self.request_context(request)
        failure: BaseException | None = None
        await context.push()
        try:
            return await call(self.full_dispatch_request, context)
        except Exception as error:
            failure = error
            return await self._answer_failure(context, error)
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
            return await call(self.full_dispatch_websocket, context)
        except Exception as error:
            failure = error
            try:
                return await call(self.handle_websocket_exception, context, error)
            except Exception as second:
                if second is error:
                    self._log_if_developed(error, context)
                raise
        except BaseException as error:
            failure = error
            raise
        finally:
            self._preserve(websocket, context)
            await context.auto_pop(failure)

    async def _answer_failure(self, context: Any, error: Exception) -> ResponseTypes:
        try:
            return await call(self.handle_exception, context, error)
        except Exception as second:
            if second is error:
                self._log_if_developed(error, context)
                raise  # PROPAGATE_EXCEPTIONS asks for it
            self._log_error(second)
            return cast(ResponseTypes, InternalServerError().get_response())

    def _preserve(self, request: Any, context: Any) -> None:
        if request.scope.get("_quart._preserve_context", False):
            self._preserved_context = contexts.preserved(context)

    @takes_context(0)
    async def full_dispatch_request(self, context: Any) -> ResponseTypes:
        """Run the hooks and the view, and turn the result or the error into a response."""
        result: Any
        try:
            await self._begin(context)
            if request_started.receivers:
                await self._send(request_started)
            result = await call(self.preprocess_request, context)
            if result is None:
                result = await call(self.dispatch_request, context)
        except Exception as error:
            result = await call(self.handle_user_exception, context, error)
        try:
            return await call(self.finalize_request, context, result)
        except Exception as error:  # in an after_request function, or saving the session
            result = await call(self.handle_user_exception, context, error)
            return await call(self.finalize_request, context, result, from_error_handler=True)

    @takes_context(0)
    async def full_dispatch_websocket(self, context: Any) -> ResponseTypes | None:
        """Run the hooks and the handler of a WebSocket."""
        result: Any
        try:
            await self._begin(context)
            await self._send(websocket_started)
            result = await call(self.preprocess_websocket, context)
            if result is None:
                result = await call(self.dispatch_websocket, context)
        except Exception as error:
            result = await call(self.handle_user_exception, context, error)
        return await call(self.finalize_websocket, context, result)

    async def _begin(self, context: Any) -> None:
        if context.error is not None:
            raise context.error
        if self._first_request.pending:
            await self._first_request.run(self.ensure_async)

    @takes_context(0)
    async def preprocess_request(self, context: Any) -> ResponseReturnValue | None:
        """Run the before_request functions until one answers."""
        return await self._preprocess(context.request, self.before_request_funcs)

    @takes_context(0)
    async def preprocess_websocket(self, context: Any) -> ResponseReturnValue | None:
        """Run the before_websocket functions until one answers."""
        return await self._preprocess(context.websocket, self.before_websocket_funcs)

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
        """Turn the result of a view into a response.

        Raises:
            InvalidStatusError: If the status is none that HTTP has.
            NotAwaitedError: If the body is a call without ``await``.
            TypeError: If a tuple has other than two or three members, or the body is None.
        """
        body, status, headers = split_result(result)
        if body is None:
            view = request_context()
            raise TypeError(
                f"'{view.request.endpoint if view else 'The view'}' answered with None. "
                "Return a body, or ('', 204) for an empty answer."
            )
        try:
            if type(body) is str:
                response: ResponseTypes = self.response_class(body)
            else:
                response = await super().make_response(body)
        except TypeError as error:
            if (not_awaited := self._not_awaited(body)) is not None:
                raise not_awaited from None
            if hasattr(type(body), "to_dict"):
                error.add_note(
                    f"The view returned a '{type(body).__name__}'. Return 'value.to_dict()', or "
                    "its fields as a dict."
                )
            raise
        if isinstance(body, str) and (self.debug or self.testing):
            refuse_text_of_coroutine(body, self._place())
        if status is not None:
            response.status = check_status(status)
        if headers is not None:
            # Pairs of one name are all kept; 'update' would keep the last of them only.
            pairs = headers if isinstance(headers, Mapping) else Headers(headers)
            response.headers.update(pairs)
        return response

    def _not_awaited(self, value: object) -> NotAwaitedError | None:
        """Return the error of an answer that is a call without ``await``; None for others."""
        context = request_context()
        endpoint = context.request.endpoint if context else None
        return error_of(value, self.view_functions.get(endpoint or ""), self._place())

    def _place(self) -> str:
        context = request_context()
        endpoint = context.request.endpoint if context else None
        return f"in the answer of '{endpoint}'" if endpoint else ""

    @takes_context(1)
    async def finalize_request(
        self,
        context: Any,
        result: ResponseReturnValue | HTTPException,
        from_error_handler: bool = False,
    ) -> ResponseTypes:
        """Make the response, with 304 and 206 for files, and run ``after_request`` functions."""
        response = await self.make_response(result)
        try:
            if isinstance(response, Response) and response.is_file:
                response.encode_file_name()
                await self._make_file_conditional(response)
            response = await call(self.process_response, context, response)
            if request_finished.receivers:
                await self._send(request_finished, response=response)
        except Exception:
            if not from_error_handler:
                raise
            self.logger.exception("An error answer could not be finished")
        return response

    async def _make_file_conditional(self, response: Response) -> None:
        is_allowed = response.may_be_conditional and self.config["SEND_FILE_CONDITIONAL"]
        if response.status_code == 200 and is_allowed:
            await response.make_file_conditional(current_request_context().request)

    @takes_context(1)
    async def process_response(self, context: Any, response: ResponseTypes) -> ResponseTypes:
        """Run the after_request functions and save the session."""
        functions = [*context._after_request_functions]
        for name in (*context.request.blueprints, None):
            functions += reversed(self.after_request_funcs[name])
        for function in functions:
            response = cast(ResponseTypes, await self.ensure_async(function)(response))
        await context.save_session(response)
        return response

    @takes_context(1)
    async def postprocess_websocket(self, context: Any, response: ResponseTypes | None) -> Any:
        """Run the after_websocket functions and save the session."""
        functions = [*context._after_websocket_functions]
        for name in (*context.websocket.blueprints, None):
            functions += reversed(self.after_websocket_funcs[name])
        for function in functions:
            response = cast(Any, await self.ensure_async(function)(response))
        await context.save_session(response)
        return response

    # --- teardown -----------------------------------------------------------------

    async def handle_teardown_exception(self, error: Exception, context: Any = None) -> None:
        """Log an error that came after the answer was made; the answer stands."""
        await self._send(got_request_exception, exception=error)
        self._log_error(error, context)

    @takes_context()
    def log_exception(self, context: Any, exception_info: Any) -> None:
        """Log an error with the method and the path, from which secrets are masked."""
        request = connection_of(context)
        if request is None:
            self.logger.error("Exception", exc_info=exception_info)
            return
        self.logger.error(
            "Exception on %s %s",
            printable(getattr(request, "method", "WebSocket")),
            request.scope.get(LOG_PATH) or printable(request.path),
            exc_info=exception_info,
        )

    def _log_if_developed(self, error: Exception, context: Any) -> None:
        # The server logs an error that it gets; in debug mode it gets the traceback page instead.
        if self.debug and not self.testing:
            self._log_error(error, context)

    def _log_error(self, error: Exception, context: Any = None) -> None:
        context = context or request_context() or websocket_context() or app_context()
        call(self.log_exception, context, cast(Any, (type(error), error, error.__traceback__)))

    @takes_context(1)
    async def do_teardown_request(self, context: Any, exc: BaseException | None = None) -> None:
        """Run every teardown function of the request, also when one of them raises."""
        await self._teardown(
            self.teardown_request_funcs, context.request.blueprints, request_tearing_down, exc
        )

    @takes_context(1)
    async def do_teardown_websocket(self, context: Any, exc: BaseException | None = None) -> None:
        """Run every teardown function of the WebSocket, also when one of them raises."""
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

    @takes_context()
    async def do_teardown_appcontext(self, _: Any, exc: BaseException | None = None) -> None:
        """Run every teardown function of the app context, then raise the first error."""
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
