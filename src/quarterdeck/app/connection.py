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

#: Seconds after which a client that leaves is noticed; most requests are answered before.
WATCH_AFTER = 0.05

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
        self._watcher: asyncio.Task[None] | None = None
        self._answered = False
        self._left = False

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        request = self._create_request_from_scope(send)
        request.body.connect(receive, self._leave)
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self._start_watching, request)
        try:
            await self.handle_request(request, send)
        except asyncio.CancelledError:
            if not self._left or self._task.cancelling() > 1:
                raise
        finally:
            self._answered = True
            timer.cancel()
            if self._left:
                self._task.uncancel()
            if self._watcher is not None:
                self._watcher.cancel()
                await asyncio.wait([self._watcher])

    def _start_watching(self, request: Request) -> None:
        self._watcher = asyncio.create_task(self._watch(request))

    async def _watch(self, request: Request) -> None:
        await request.body.watch()
        self._leave()

    def _leave(self) -> None:
        if not self._answered and not self._left:
            self._left = True
            self._task.cancel()

    def _create_request_from_scope(self, send: ASGISendCallable) -> Request:
        path, refusal = read_path(self.scope)
        if refusal is None:
            cast(Any, self.scope)["path"] = path  # in place, as the server's access log reads it
        elif path != self.scope["path"]:
            self.scope = cast(Any, {**self.scope, "path": path})
        request = self._make_request(send)
        request.refusal = refusal
        return request

    def _make_request(self, send: ASGISendCallable) -> Request:
        scope, config = cast(Any, self.scope), self.app.config
        if scope.get("root_path") or scope["http_version"] < "1.1" or scope["path"][:1] != "/":
            return cast(Request, super()._create_request_from_scope(send))
        return cast(Any, self.app).request_class(  # type: ignore[no-any-return]
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
        try:
            async with asyncio.timeout(timeout) as limit:
                await self._send_response(send, response)
        except TimeoutError:
            if not limit.expired():
                raise
            logger.warning(
                "The answer to %s %s is cut off after %g s. For longer ones set RESPONSE_TIMEOUT, "
                "or 'response.timeout = None' in the view.",
                self.scope["method"],
                request.scope.get(LOG_PATH) or printable(request.path),
                timeout,
            )

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        await send(cast(Any, self._response_start(response)))
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
                    await send(cast(Any, message))
        self._answered = True
        message = {"type": "http.response.body", "body": body, "more_body": False}
        await send(cast(Any, message))

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
