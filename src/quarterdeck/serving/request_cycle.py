"""One request of an HTTP/1.1 connection and its response, between the connection and the app."""

from __future__ import annotations

import asyncio
from time import time
from typing import TYPE_CHECKING, Any

from .error_responses import error_response
from .response_head import response_head

if TYPE_CHECKING:
    from .http1_protocol import Http1Protocol

#: Bytes of a body that wait for the app before the client is held back.
MAX_WAITING = 65_536
#: Bytes of a body that are joined with the head of the response, to be written at once.
MAX_JOINED = 65_536

DISCONNECT: Any = {"type": "http.disconnect"}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class RequestCycle:
    """The ``receive`` and ``send`` of one request.

    Args:
        protocol: The connection.
        scope: The ASGI scope.
        keeps_alive: Whether the client wants to send another request afterwards.
        wants_continue: Whether the client waits for ``100 Continue`` before it sends the body.
    """

    __slots__ = (
        "_body", "_is_chunked", "_is_done", "_left", "_protocol", "_response", "_size", "_started",
        "_waiter", "_wants_continue", "_was_received", "has_head", "has_left", "is_complete",
        "keeps_alive", "scope",
    )  # fmt: skip

    def __init__(
        self,
        protocol: Http1Protocol,
        scope: Any,
        *,
        keeps_alive: bool,
        wants_continue: bool,
    ) -> None:
        self._protocol = protocol
        self.scope = scope
        self.keeps_alive = keeps_alive
        self.is_complete = False  # the whole request is there
        self.has_left = False  # the client, or its request became invalid
        self.has_head = False  # the head of the response is written
        self._wants_continue = wants_continue
        self._body: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._response: Any = None
        self._is_chunked = self._is_done = self._was_received = False
        self._left: int | None = None  # bytes that the app has still to send
        self._started = time()

    # --- from the client ----------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self._is_done:
            return
        self._wants_continue = False
        self._body.append(data)
        self._size += len(data)
        if self._size >= MAX_WAITING:
            self._protocol.pause_reading()
        self._wake()

    def complete(self) -> None:
        """Note the end of the body."""
        self.is_complete = True
        self._wake()

    def leave(self) -> None:
        """Note that the client is gone, or cannot be understood."""
        self.has_left = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Any:
        """Return the next part of the body; after the last one, wait for the client to leave."""
        if self._wants_continue and not (self.has_head or self.has_left):
            self._wants_continue = False
            self._protocol.transport.write(_CONTINUE)
        while not self._has_news:
            self._waiter = self._protocol.loop.create_future()
            await self._waiter
        if self.has_left or self._is_done:
            return DISCONNECT
        body, self._body, self._size = self._body, [], 0
        is_last = self._was_received = self.is_complete
        if not is_last:
            self._protocol.go_on_reading()
        data = body[0] if len(body) == 1 else b"".join(body)
        return {"type": "http.request", "body": data, "more_body": not is_last}

    @property
    def _has_news(self) -> bool:
        if self.has_left or self._is_done or self._body:
            return True
        return self.is_complete and not self._was_received

    # --- from the app -------------------------------------------------------------

    async def run(self) -> None:
        """Call the app."""
        protocol = self._protocol
        config = protocol.config
        await protocol.server.context.mark_request()
        try:
            await protocol.server.app(self.scope, self.receive, self.send, no_thread, no_thread)
        except Exception:
            await config.log.exception("Error in ASGI Framework")
        finally:
            if not self._is_done:
                self._is_done = True
                self.keeps_alive = False
                if self.has_left or self.has_head:
                    await config.log.access(self.scope, self._response, time() - self._started)
                else:
                    await self.refuse(500)
                protocol.has_answered(self)

    async def refuse(self, status: int) -> None:
        """Answer in place of the app."""
        self._is_done = True
        headers, text = error_response(status)
        fixed = self._protocol.fixed_headers()
        head = response_head(status, headers, fixed)
        self._protocol.transport.write(head if self.scope["method"] == "HEAD" else head + text)
        answer: Any = {"status": status, "headers": headers}
        await self._protocol.config.log.access(self.scope, answer, time() - self._started)

    async def send(self, message: Any) -> None:
        """Handle a message of the app; ignore it if the client has left."""
        if self.has_left or self._is_done or self._protocol.transport.is_closing():
            # Lets the loss be noted, and a task that sends in a loop be cancelled.
            await asyncio.sleep(0)
            return
        kind = message["type"]
        if kind == "http.response.body" and self._response is not None:
            await self._send_body(bytes(message.get("body", b"")), message.get("more_body", False))
        elif kind == "http.response.start" and self._response is None:
            self._response = message
        else:
            raise RuntimeError(f"'{kind}' is not possible now.")

    async def _send_body(self, body: bytes, more: bool) -> None:
        protocol = self._protocol
        head = b"" if self.has_head else self._make_head(body, more)
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("The body is not as long as its Content-Length.")
        elif self._is_chunked:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            if not more:
                body += b"0\r\n\r\n"
        else:
            body = b""
        self.has_head = True
        if len(body) > MAX_JOINED:
            if head:
                protocol.transport.write(head)
            protocol.transport.write(body)
        elif head or body:
            protocol.transport.write(head + body)
        if more:
            if protocol.writing_paused:
                await protocol.drain()
            return
        self._is_done = True
        log = protocol.config.log
        await log.access(self.scope, self._response, time() - self._started)
        protocol.has_answered(self)

    def _make_head(self, body: bytes, more: bool) -> bytes:
        """Return the head, and decide how the end of the body is marked (RFC 9112, section 6)."""
        status = int(self._response["status"])
        headers, length = [], None
        for name, value in self._response.get("headers", ()):
            size = len(name)  # a quick look: few names are as long
            if size == 14 and name.lower() == b"content-length":
                length = int(value)
            elif size == 17 and name.lower() == b"transfer-encoding":
                continue
            elif size == 10 and name.lower() == b"connection":
                if b"close" in value.lower():
                    self.keeps_alive = False
                continue
            headers.append((name, value))
        if self.scope["method"] == "HEAD" or status < 200 or status in {204, 304}:
            pass
        elif length is not None:
            self._left = length
        elif more:
            self._is_chunked = True
            headers.append((b"transfer-encoding", b"chunked"))
        else:
            self._left = len(body)
            headers.append((b"content-length", b"%d" % len(body)))
        if not self.is_complete or not self._protocol.may_keep_alive():
            self.keeps_alive = False
        if not self.keeps_alive:
            headers.append((b"connection", b"close"))
        return response_head(status, headers, self._protocol.fixed_headers())


def no_thread(*args: Any) -> Any:
    """Take the place of functions that only WSGI apps use, which are served by another protocol."""
    raise NotImplementedError
