"""From ASGI scopes to requests, and from responses to ASGI messages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart.asgi import ASGIHTTPConnection
from quart.typing import ResponseTypes
from quart.wrappers import Response
from quart.wrappers.response import DataBody
from werkzeug.datastructures import Headers
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response as WerkzeugResponse

from quarterdeck._redaction import LOG_PATH, printable

from .headers import encode_headers, read_headers
from .request import Request
from .target import read_path
from .traceback_page import error_response

if TYPE_CHECKING:
    from .application import Quart

logger = logging.getLogger("quarterdeck.app")

#: An ASGI extension: a server that names it writes the "reason" of "http.response.start".
REASON_EXTENSION = "http.response.reason"

#: Our test client names this one: with TESTING, an error that no handler takes is raised.
TEST_EXTENSION = "quarterdeck.test"


class HTTPConnection(ASGIHTTPConnection):
    """One HTTP request and its answer, handled in the task of the server's call.

    A client that leaves cancels the handler, as in Quart, unless the answer is out.
    """

    app: Quart

    def __init__(self, app: Any, scope: Any) -> None:
        super().__init__(app, scope)
        self._task: Any = None
        self._watcher: asyncio.Task[None] | None = None
        self._answered = False
        self._stopped = False  # the client has left, or takes too long to read
        self._seconds_to_send: float | None = None
        self._limit: asyncio.TimerHandle | None = None

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        request = self._request = self._create_request_from_scope(send)
        request.body.connect(receive, self._leave)
        loop = self._loop = asyncio.get_running_loop()
        task: Any = asyncio.current_task(loop)
        self._task = task
        self.app.client_watch.add(self, loop)
        try:
            await self.handle_request(request, send)
        except asyncio.CancelledError:
            if not self._stopped or task.cancelling() > 1:
                raise
        finally:
            self._answered = True
            self.app.client_watch.discard(self)
            if self._limit is not None:
                self._limit.cancel()
            if self._stopped:
                task.uncancel()
            if self._watcher is not None:
                self._watcher.cancel()
                await asyncio.wait([self._watcher])

    def watch_client(self) -> None:
        """Notice from now on when the client leaves, or does not read the answer in time."""
        self._watcher = self._loop.create_task(self._watch())
        self._limit_sending()

    async def _watch(self) -> None:
        await self._request.body.watch()
        self._leave()

    def _leave(self) -> None:
        if not self._answered:
            self._stop()

    def _stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._task.cancel()

    def _create_request_from_scope(self, send: ASGISendCallable) -> Request:
        path, refusal = read_path(self.scope)
        scope: Any = self.scope
        if refusal is None:
            scope["path"] = path  # in place, as the server's access log reads it
        elif path != scope["path"]:
            self.scope = scope | {"path": path}
        request = self._make_request(send)
        request.refusal = refusal
        return request

    def _make_request(self, send: ASGISendCallable) -> Request:
        scope: Any = self.scope
        app: Any = self.app
        config = app.config
        if scope.get("root_path") or scope["http_version"] < "1.1" or scope["path"][:1] != "/":
            return cast(Request, super()._create_request_from_scope(send))
        request: Request = app.request_class(
            scope["method"],
            scope["scheme"],
            scope["path"],
            scope["query_string"],
            read_headers(scope),
            "",
            scope["http_version"],
            max_content_length=config["MAX_CONTENT_LENGTH"],
            body_timeout=config["BODY_TIMEOUT"],
            send_push_promise=partial(self._send_push_promise, send),
            scope=scope,
        )
        return request

    async def handle_request(self, request: Any, send: ASGISendCallable) -> None:
        """Have the app answer the request, and send the answer within RESPONSE_TIMEOUT."""
        try:
            response = await self.app.handle_request(request)
        except Exception as error:
            if reaches_the_test(self):
                raise
            response = error_response(self.app, self.scope, error)
        timeout = getattr(response, "timeout", ...)
        if timeout is ...:
            timeout = self.app.config["RESPONSE_TIMEOUT"]
        self._seconds_to_send = timeout
        if self._watcher is not None:
            self._limit_sending()
        await self._send_response(send, response)

    def _limit_sending(self) -> None:
        """Cut off an answer that is being sent, at the end of its time.

        Most are sent at once and need no timer; then this is called when the client is watched.
        """
        if self._seconds_to_send is not None:
            self._limit = self._loop.call_later(self._seconds_to_send, self._cut_off)

    def _cut_off(self) -> None:
        logger.warning(
            "The answer to %s %s is cut off after %g s. For longer ones set RESPONSE_TIMEOUT, or "
            "'response.timeout = None' in the view.",
            self.scope["method"],
            self._request.scope.get(LOG_PATH) or printable(self._request.path),
            self._seconds_to_send,
        )
        self._stop()

    async def _send_response(self, send: Any, response: ResponseTypes) -> None:
        await send(self._response_start(response))
        body = b""
        if self.scope["method"] == "HEAD":
            pass  # the headers are those of a GET, and the body is not sent
        elif isinstance(response, Response) and isinstance(response.response, DataBody):
            data = response.response
            body = data.data[data.begin : data.end]
        else:
            async with aclosing(pieces(response)) as parts:
                async for piece in parts:
                    message = {"type": "http.response.body", "body": piece, "more_body": True}
                    await send(message)
        self._answered = True
        message = {"type": "http.response.body", "body": body, "more_body": False}
        await send(message)

    def _response_start(self, response: ResponseTypes) -> dict[str, Any]:
        if response.status_code >= 300 or response.status_code == 201:
            _encode_location(response.headers)
        start: dict[str, Any] = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": encode_headers(response.headers),
        }
        if REASON_EXTENSION in (self.scope.get("extensions") or {}):
            start["reason"] = response.status.partition(" ")[2].encode("latin-1", "replace")
        return start


def _encode_location(headers: Headers) -> None:
    """Percent-encode what a URL may not hold: views give text with any letters and spaces."""
    location = headers.get("Location")
    if location and (not location.isascii() or not location.isprintable() or " " in location):
        headers["Location"] = iri_to_uri(location)


def reaches_the_test(connection: Any) -> bool:
    """Whether an error is raised in a test instead of being answered with its traceback.

    The app lets an error out with TESTING, DEBUG or PROPAGATE_EXCEPTIONS only.
    """
    return TEST_EXTENSION in (connection.scope.get("extensions") or {})


async def pieces(response: ResponseTypes) -> AsyncGenerator[bytes, None]:
    """Yield the body of a response as it is made."""
    if isinstance(response, WerkzeugResponse):
        for piece in response.response:
            yield piece.encode() if isinstance(piece, str) else piece
    else:
        async with response.response as body:
            async for piece in body:
                yield piece.encode() if isinstance(piece, str) else piece
