"""Connections of the test client: reasons, close codes and errors reach the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from quart.signals import got_request_exception, got_websocket_exception
from quart.testing import connections as quart_connections
from quart.testing.connections import TestHTTPConnection, TestWebsocketConnection
from quart.wrappers import Response

from quarterdeck._quart import only_error
from quarterdeck.app.connection import REASON_EXTENSION, TEST_EXTENSION

NORMAL_CLOSURE = 1000


if TYPE_CHECKING or hasattr(quart_connections, "WebsocketDisconnectError"):
    WebsocketDisconnectError = quart_connections.WebsocketDisconnectError
else:  # Quart 0.23 waits for a message that cannot come

    class WebsocketDisconnectError(Exception):
        """The app closed the WebSocket; ``args[0]`` is the close code."""


# The exceptions of one test request that no error handler took; its task inherits the list.
_unhandled: ContextVar[list[Exception]] = ContextVar("quarterdeck_test_unhandled")


async def _note(_app: Any, exception: Exception, **_: Any) -> None:
    if (found := _unhandled.get(None)) is not None:
        found.append(exception)


got_request_exception.connect(_note)
got_websocket_exception.connect(_note)


@contextmanager
def _noting(errors: list[Exception]) -> Iterator[None]:
    """Let the task that begins in this block note its errors in a list."""
    token = _unhandled.set(errors)
    try:
        yield
    finally:
        _unhandled.reset(token)


def _raise_unhandled(app: Any, errors: list[Exception]) -> None:
    """Raise the first error where the app propagates them; Quart's own app answers instead."""
    wanted = app.config["PROPAGATE_EXCEPTIONS"]
    if errors and (wanted or (wanted is None and (app.testing or app.debug))):
        raise errors[0]


def _extended(scope: Any, *names: str) -> Any:
    return {**scope, "extensions": {**scope.get("extensions", {}), **{name: {} for name in names}}}


class HTTPTestConnection(TestHTTPConnection):
    """A connection to a server that writes reasons, as HTTP/1 allows."""

    def __init__(self, app: Any, scope: Any, _preserve_context: bool = False) -> None:
        super().__init__(app, _extended(scope, REASON_EXTENSION, TEST_EXTENSION), _preserve_context)
        self.reason = ""
        self._errors: list[Exception] = []

    async def __aenter__(self) -> Any:
        with _noting(self._errors):
            return await super().__aenter__()

    async def _asgi_send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.reason = message.get("reason", b"").decode("latin-1")
        await super()._asgi_send(message)

    async def __aexit__(self, *args: Any) -> None:
        try:
            await super().__aexit__(*args)
        except BaseExceptionGroup as group:  # Quart 0.23 wraps an error in the group of its tasks
            raise only_error(group) from None
        _raise_unhandled(self.app, self._errors)

    async def as_response(self) -> Response:
        length = self.headers.get("Content-Length") if self.headers is not None else None
        response = await super().as_response()
        if length is not None:  # not that of the body, which an answer to HEAD has not
            response.headers["Content-Length"] = length
        if self.reason:
            response.status = f"{response.status_code} {self.reason}"
        return response


class WebsocketTestConnection(TestWebsocketConnection):
    """A WebSocket that reports the close code and keeps empty messages."""

    __test__ = False

    def __init__(self, app: Any, scope: Any) -> None:
        super().__init__(app, _extended(scope, TEST_EXTENSION))
        self._errors: list[Exception] = []

    async def __aenter__(self) -> Any:
        with _noting(self._errors):
            connection = await super().__aenter__()
        if isinstance(task := getattr(self, "_task", None), asyncio.Task):
            task.add_done_callback(self._pass_error_on)
        return connection

    def _pass_error_on(self, task: asyncio.Task[Any]) -> None:
        """Raise the error of a handler from ``receive``, which would wait forever otherwise."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._receive_queue.put_nowait(error)

    async def _asgi_send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            data = message.get("bytes")
            await self._receive_queue.put(message["text"] if data is None else data)
        elif message["type"] == "websocket.close":
            code = message.get("code", NORMAL_CLOSURE)
            await self._receive_queue.put(WebsocketDisconnectError(code))
        else:
            await super()._asgi_send(message)

    async def __aexit__(self, *args: Any) -> None:
        try:
            with suppress(WebsocketDisconnectError):  # the test does not wait for a message
                await super().__aexit__(*args)
        except BaseExceptionGroup as group:
            error = only_error(group)
            if not isinstance(error, asyncio.CancelledError):  # the handler, when the client left
                raise error from None
        if not isinstance(args[1], WebsocketDisconnectError | None):
            return  # an error of the test itself
        _raise_unhandled(self.app, self._errors)
