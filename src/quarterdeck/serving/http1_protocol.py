"""HTTP/1.1, parsed with httptools where its bytes arrive.

Only plain HTTP/1.1 is handled here. A request that is odd in any way is given, with all its
bytes, to the connection that parses with h11: HTTP/1.0 and 2, methods that are not registered,
``CONNECT``, upgrades except to a WebSocket, and all that httptools refuses. So h11 decides
whether that is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httptools
from hypercorn.utils import parse_socket_addr

from .client_protocol import ClientProtocol
from .error_responses import error_response
from .http1_head import OddError, TooLongError, examine, http_scope
from .proxy_protocol import ProxyHeader
from .request_cycle import RequestCycle
from .response_head import response_head
from .websocket import WebSocket
from .websocket_handshake import Request

if TYPE_CHECKING:
    from .server import Server

#: Seconds in which an idle client can send a request while the server stops. The request may be
#: on its way already, and would be lost; its response ends the connection.
REQUEST_SECONDS_AT_STOP = 1.0
#: Bytes that are parsed at once where a request may begin: more would be read of a client that
#: sends many requests without waiting for responses.
HEAD_PIECE = 4096
#: The same within a body.
BODY_PIECE = 16_384
#: How much longer than an incomplete head a head may be whose end comes with it. With h11 it
#: depends on the pieces in which it arrives.
MAX_WHOLE = 2


class Http1Protocol(ClientProtocol):
    """One connection that speaks HTTP/1.1, until a request asks for a WebSocket.

    Requests are answered one after the other. While one is under way, what the client sends
    beyond it is not parsed, except that it came with the end of that request.
    """

    __slots__ = (
        "_client", "_count", "_cycle", "_failed", "_fixed", "_fixed_of", "_head", "_head_size",
        "_headers", "_heard_at", "_idle_since", "_in_head", "_is_between", "_is_over", "_is_tls",
        "_local", "_may_begin", "_moved", "_parser", "_proxy", "_queue", "_quiet", "_receiving",
        "_unread", "_unsent", "_upgrade", "_url",
    )  # fmt: skip

    def __init__(self, server: Server, header: ProxyHeader) -> None:
        super().__init__(server)
        self._proxy = header
        self._parser: Any = httptools.HttpRequestParser(self)
        self._cycle: RequestCycle | None = None  # that is being answered
        self._receiving: RequestCycle | None = None  # whose body is being read
        self._queue: list[RequestCycle] = []
        self._unsent: RequestCycle | None = None  # answered, but the client has not read it
        self._unread = b""
        self._upgrade: tuple[Request, bytes] | None = None
        self._failed = 0  # status of the response to what cannot be parsed
        self._is_between = True  # between two requests
        self._in_head = self._may_begin = self._moved = self._is_over = False
        self._head: bytes | None = b""  # the bytes of the request so far, if they are known
        self._head_size = self._quiet = self._count = 0
        self._url, self._headers = b"", list[tuple[bytes, bytes]]()
        self._heard_at = self._idle_since = self.loop.time()
        self._fixed = b""
        self._fixed_of: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        ssl_object = transport.get_extra_info("ssl_object")
        peer = transport.get_extra_info("peername")
        if peer is None:  # it left before it was served
            transport.abort()
            return
        if ssl_object is not None and ssl_object.selected_alpn_protocol() == "h2":
            self._hand_over(b"")
            return
        family = transport.get_extra_info("socket").family
        local = transport.get_extra_info("sockname")
        self._client = self._proxy.client or parse_socket_addr(family, peer)
        self._local = self._proxy.server or parse_socket_addr(family, local)
        self._is_tls = ssl_object is not None or self._proxy.is_tls
        self.server.connections.add(self)
        self._watch()

    # --- from the client ----------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        if self._linger is not None:
            self._linger.keep()
        elif self._unread:
            self._unread += data
        elif not self._is_over:
            self._parse(data)

    def eof_received(self) -> None:  # returning None closes the connection
        self._leave_cycles()

    def connection_lost(self, error: Exception | None) -> None:
        self._leave_cycles()
        super().connection_lost(error)

    def _leave_cycles(self) -> None:
        self._is_over = True
        self._queue.clear()
        self._unread = b""
        if self._cycle is not None:
            self._cycle.leave()

    def _parse(self, data: bytes) -> None:
        if self._is_between:
            self._head = data
        elif self._in_head and self._head is not None:
            self._head += data
        self._may_begin = self._is_between
        at, end = 0, len(data)
        while at < end:
            if self._must_wait:
                self._unread = data[at:]
                break
            size = HEAD_PIECE if self._receiving is None else BODY_PIECE
            piece = data[at : at + size]  # no copy of what is short
            self._moved = False
            try:
                self._parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                self._become_websocket(data[at + upgrade.args[0] :])
                return
            except httptools.HttpParserError as error:
                self._fail(error)
                return
            at += len(piece)
            self._quiet = 0 if self._moved else self._quiet + len(piece)
            if self._quiet > MAX_WHOLE * self.config.h11_max_incomplete_size:
                break
        if self._quiet > self.config.h11_max_incomplete_size:
            self._refuse(431 if self._in_head else 400)
        elif self._unread or self._queue:
            self.pause_reading()
        elif self._timer is None:
            self._watch()

    @property
    def _must_wait(self) -> bool:
        """Whether a request waits until the one before it is answered."""
        return bool(self._queue) or (self._cycle is not None and self._is_between)

    def _fail(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__
        if isinstance(cause, TooLongError):
            self._refuse(431)
        elif cause is not None and not isinstance(cause, OddError):
            raise cause  # an error of ours
        elif self._cycle is not None and self._is_between and not self._cycle.keeps_alive:
            pass  # nothing follows a last request
        elif self._head is not None and self._cycle is None:
            self._hand_over(self._head)
        else:
            self._refuse(400)

    def _hand_over(self, data: bytes) -> None:
        """Let a connection that speaks all protocols serve the client."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self.server.connections.discard(self)
        self.resume_reading()
        protocol = self.server.stream_protocol(self._proxy)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if data:
            protocol.data_received(data)

    def _refuse(self, status: int) -> None:
        """Answer what is no request, after those before it."""
        if self._cycle is not None and self._receiving is not self._cycle:
            if self._receiving is not None:
                self._queue.remove(self._receiving)
            self._failed = status
            self._is_between = True
            self.pause_reading()
            return
        answered = False
        if self._cycle is not None:
            answered = self._cycle.has_head
            self._cycle.leave()
        if not answered and not self.transport.is_closing():
            headers, text = error_response(status)
            self.transport.write(response_head(status, headers, self.fixed_headers()) + text)
        self._end(is_receiving=True)

    def _end(self, *, is_receiving: bool = False) -> None:
        self._is_over = True
        self.finish(is_receiving=is_receiving)

    # --- the callbacks of httptools -----------------------------------------------

    def on_message_begin(self) -> None:
        if not self._may_begin:
            self._head = None
        self._may_begin = self._is_between = False
        self._in_head = self._moved = True
        self._head_size = 0
        self._url, self._headers = b"", []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4
        if self._head_size > MAX_WHOLE * self.config.h11_max_incomplete_size:
            raise TooLongError
        if self._in_head:  # otherwise it is a trailer
            self._headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self._url) + self._head_size > MAX_WHOLE * self.config.h11_max_incomplete_size:
            raise TooLongError
        is_websocket, wants_continue = examine(self._parser, self._headers)
        if is_websocket:
            self._upgrade = self._websocket_request(), b""
            return
        cycle = RequestCycle(
            self,
            self._scope(),
            keeps_alive=self._parser.should_keep_alive(),
            wants_continue=wants_continue,
        )
        self._receiving, self._head = cycle, None
        if self._cycle is None:
            self._begin(cycle)
        else:
            self._queue.append(cycle)

    def on_body(self, body: bytes) -> None:
        self._moved = True
        if self._receiving is not None:
            self._receiving.feed(body)

    def on_message_complete(self) -> None:
        self._is_between = self._moved = True
        if self._receiving is not None:
            self._receiving.complete()
            self._receiving = None

    def _scope(self) -> dict[str, Any]:
        return http_scope(
            self._parser.get_method().decode(),
            self._url,
            self._headers,
            is_tls=self._is_tls,
            client=self._client,
            server=self._local,
            root_path=self.config.root_path,
            state=self.server.state,
        )

    # --- one request after the other ----------------------------------------------

    def _begin(self, cycle: RequestCycle) -> None:
        self._cycle = cycle
        self._count += 1
        names = self.config.server_names
        if names:
            host = next(value for name, value in cycle.scope["headers"] if name == b"host")
            if host.decode("latin-1") not in names:
                self._run(self._refuse_host(cycle))
                return
        self._run(cycle.run())

    async def _refuse_host(self, cycle: RequestCycle) -> None:
        cycle.keeps_alive = False
        await cycle.refuse(404)
        self.has_answered(cycle)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unsent is not None:
            cycle, self._unsent = self._unsent, None
            self.loop.call_soon(self.has_answered, cycle)

    def may_keep_alive(self) -> bool:
        """Whether another request may follow the one that is answered now."""
        if self.server.context.terminated.is_set():
            return False
        return self._count < self.config.keep_alive_max_requests

    def fixed_headers(self) -> bytes:
        """Return the headers of every response, made once a second."""
        headers = self.config.response_headers("h11")
        if headers is not self._fixed_of:
            self._fixed_of = headers
            self._fixed = b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._fixed

    def has_answered(self, cycle: RequestCycle) -> None:
        """Go on after a response, when the client has read it or nearly so.

        Otherwise the responses to a client that reads nothing would fill the memory, and the
        connection would be closed under a response that is read slowly.
        """
        if self._is_over or self._cycle is not cycle:
            return
        is_last = not cycle.keeps_alive or not cycle.is_complete
        if is_last:
            # Wait for all of it. With 0, TLS would wait though nothing is left.
            self.transport.set_write_buffer_limits(high=1, low=0)
        if self.writing_paused:
            self._unsent = cycle
            return
        self._cycle = None
        if is_last:
            self._end(is_receiving=not cycle.is_complete)
        elif self._queue:
            self._begin(self._queue.pop(0))
            self.go_on_reading()  # for the rest of its body
        elif self._failed:
            self._refuse(self._failed)
        elif self.server.context.terminated.is_set():
            self._end()
        elif self._upgrade is not None:
            self._become_websocket(self._upgrade[1])
        else:
            self._idle_since = self.loop.time()
            self.go_on_reading()

    def go_on_reading(self) -> None:
        """Read on after a pause, unless a request waits."""
        if self._unread and not self._must_wait:
            data, self._unread = self._unread, b""
            self._parse(data)
        if not self._unread and not self._must_wait and not self._is_over:
            self._heard_at = self.loop.time()
            self.resume_reading()
            if self._timer is None:
                self._watch()

    # --- WebSockets ---------------------------------------------------------------

    def _websocket_request(self) -> Request:
        return Request(
            headers=self._headers,
            version="1.1",
            target=self._url,
            client=self._client,
            server=self._local,
            is_tls=self._is_tls,
            state=self.server.state,
        )

    def _become_websocket(self, early: bytes) -> None:
        assert self._upgrade is not None  # noqa: S101 - or the request was odd
        request, _ = self._upgrade
        if self._cycle is not None:
            self._upgrade = request, early
            self.pause_reading()
            return
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self.server.connections.discard(self)
        self.resume_reading()
        self._parser = None
        WebSocket(self.server, request).begin(self.transport, early)

    # --- time limits --------------------------------------------------------------

    def _watch(self) -> None:
        """Look again when the client may have been silent for too long."""
        deadline = self._deadline()
        if deadline is not None and not self._is_over:
            self._timer = self.loop.call_at(deadline, self._look)
        else:
            self._timer = None

    def _deadline(self) -> float | None:
        """Return when the client is cut off if it stays silent; None if nothing is expected."""
        silent = self.config.read_timeout
        if self._cycle is None:
            seconds = self.config.keep_alive_timeout
            if self.server.context.terminated.is_set():
                seconds = REQUEST_SECONDS_AT_STOP
            end = self._idle_since + seconds
            return end if silent is None else min(end, self._heard_at + silent)
        if silent is None or self._receiving is not self._cycle or not self._is_reading:
            return None
        if self._unsent is not None:  # ``write_timeout`` is its limit
            return None
        return self._heard_at + silent

    def _look(self) -> None:
        deadline = self._deadline()
        if deadline is None or self._is_over or deadline > self.loop.time():
            self._watch()
        elif self._cycle is not None or self._in_head:
            self._refuse(408)
        else:
            self._end()

    def stop(self) -> None:
        """Begin to close because the server stops; running requests are still answered."""
        if self._linger is not None:
            self.transport.abort()
        elif self._cycle is None:
            self._idle_since = self.loop.time()
            if self._timer is not None:
                self._timer.cancel()
            self._watch()
