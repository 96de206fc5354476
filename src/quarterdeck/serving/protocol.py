"""HTTP/1.1 of Hypercorn, and the choice between it and HTTP/2."""

from __future__ import annotations

from typing import Any, cast

import h11
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Request as StreamRequest
from hypercorn.protocol.events import Response
from hypercorn.protocol.h11 import (
    STREAM_ID,
    H2CProtocolRequiredError,
    H2ProtocolAssumedError,
    H11Protocol,
)

from .config import Config
from .error_responses import error_response
from .events import Upgrade
from .http2 import Http2
from .http_stream import HttpStream
from .websocket_handshake import Request, asks_for_websocket


class Http1(H11Protocol):
    """One connection that speaks HTTP/1.1, until a request asks for another protocol."""

    config: Config
    _head = b""

    @property
    def expects_data(self) -> bool:
        """Whether the server waits for a request, or for the rest of one."""
        return self.stream is None or self.connection.their_state is h11.SEND_BODY

    @property
    def is_receiving(self) -> bool:
        """Whether the body of a request is still on its way."""
        return self.connection.their_state is h11.SEND_BODY

    async def time_out(self) -> None:
        """Send 408 to a client that stopped within a request; nothing to an idle client."""
        begun = bool(self.connection.trailing_data[0]) or self.stream is not None
        if begun and self.connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await self._send_error_response(408)

    async def stream_send(self, event: StreamEvent) -> None:
        if isinstance(event, Response) and self._closes_after(event):
            event.headers.append((b"connection", b"close"))
        await super().stream_send(event)

    def _closes_after(self, answer: Response) -> bool:
        """Whether this is the last response, so that it needs ``Connection: close``.

        The rest of a body that the app does not read is not a request, so nothing can follow it.
        """
        is_last = self.is_receiving or self.context.terminated.is_set()
        return is_last and answer.status_code >= 200

    async def _send_error_response(self, status_code: int) -> None:
        headers, text = error_response(status_code)
        headers += self.config.response_headers("h11")
        await self._send_h11_event(h11.Response(status_code=status_code, headers=headers))
        await self._send_h11_event(h11.Data(data=text))
        await self._send_h11_event(h11.EndOfMessage())

    async def _send_h11_event(self, event: Any) -> None:
        """Write the head of a response together with the start of its body."""
        try:
            data = self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state != h11.ERROR:
                raise
            return
        if isinstance(event, h11.Response):
            self._head = data
            return
        if self._head:
            data, self._head = self._head + data, b""
        if data:
            await self.send(RawData(data=data))

    async def _check_protocol(self, event: h11.Request) -> None:
        if self.config.http2_cleartext:
            await super()._check_protocol(event)

    async def _create_stream(self, request: h11.Request) -> None:
        if request.http_version == b"2.0":
            await self._refuse(505)
        elif _is_ambiguous(request):
            await self._refuse(400)
        elif asks_for_websocket(request.method, list(request.headers)):
            wanted = Request(
                headers=list(request.headers),
                version=request.http_version.decode(),
                target=request.target,
                client=self.client,
                server=self.server,
                is_tls=self.ssl,
                state=cast(Any, self.connection_state),
            )
            await self.send(Upgrade(wanted, self.connection.trailing_data[0]))
        else:
            await self._begin(request)

    async def _begin(self, request: h11.Request) -> None:
        self.stream = HttpStream(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
        )
        is_raw = self.config.h11_pass_raw_headers
        await self.stream.handle(
            StreamRequest(
                stream_id=STREAM_ID,
                headers=request.headers.raw_items() if is_raw else list(request.headers),
                http_version=request.http_version.decode(),
                method=request.method.decode("ascii").upper(),
                raw_path=request.target,
                state=self.connection_state,
            )
        )
        self.keep_alive_requests += 1
        await self.context.mark_request()

    async def _refuse(self, status: int) -> None:
        await self._send_error_response(status)
        await self.send(Closed())


def _is_ambiguous(request: h11.Request) -> bool:
    """Whether two servers could find different ends of the body (RFC 9112, section 6.1)."""
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" not in names:
        return False
    return b"content-length" in names or request.http_version < b"1.1"


class Protocol:
    """The protocol of a connection, which an upgrade may change."""

    def __init__(self, *args: Any, alpn_protocol: str) -> None:
        self._args = args
        self.protocol: Http1 | Http2 = (Http2 if alpn_protocol == "h2" else Http1)(*args)

    @property
    def expects_data(self) -> bool:
        """Whether a client that stays silent should be disconnected."""
        return not isinstance(self.protocol, Http1) or self.protocol.expects_data

    @property
    def is_receiving(self) -> bool:
        """Whether the client has not sent the whole of its request yet."""
        return isinstance(self.protocol, Http1) and self.protocol.is_receiving

    async def time_out(self) -> None:
        """Answer a client that stopped sending, if the protocol allows it."""
        if isinstance(self.protocol, Http1):
            await self.protocol.time_out()

    async def initiate(self) -> None:
        await self.protocol.initiate()

    async def handle(self, event: Event) -> None:
        try:
            await self.protocol.handle(event)
        except H2ProtocolAssumedError as error:
            await self._become_http2(error.data)
        except H2CProtocolRequiredError as error:
            await self._become_http2(error.data, error.headers, error.settings)

    async def _become_http2(self, data: bytes, *upgrade: Any) -> None:
        self.protocol = Http2(*self._args)
        await self.protocol.initiate(*upgrade)
        if data:
            await self.protocol.handle(RawData(data=data))
