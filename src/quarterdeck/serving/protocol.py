"""HTTP/1.1 and HTTP/2 of Hypercorn with our WebSockets."""

from __future__ import annotations

from typing import Any, cast

import h2.events
import h2.settings
import h11
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import Data, EndData, Request
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.h11 import (
    STREAM_ID,
    H2CProtocolRequiredError,
    H2ProtocolAssumedError,
    H11Protocol,
    H11WSConnection,
)

from .config import Config
from .events import Abort, Finish
from .websocket import Gone, WebsocketStream


class Http1(H11Protocol):
    """One connection that speaks HTTP/1.1, until it becomes a WebSocket."""

    config: Config
    _head = b""

    @property
    def expects_data(self) -> bool:
        """Whether it is for the client to send: a request, or the rest of one."""
        if isinstance(self.stream, WebsocketStream):
            return False
        return self.stream is None or self.connection.their_state is h11.SEND_BODY

    async def handle(self, event: Event) -> None:
        if isinstance(event, RawData) and isinstance(self.stream, WebsocketStream):
            await self.stream.handle(Data(stream_id=STREAM_ID, data=event.data))
        else:
            await super().handle(event)

    async def stream_send(self, event: StreamEvent) -> None:
        if isinstance(event, Data):
            await self.send(RawData(data=event.data))
        elif isinstance(event, EndData):
            await self.send(Finish())
        elif isinstance(event, Gone):
            await self.send(Abort())
        else:
            await super().stream_send(event)

    async def _send_h11_event(self, event: Any) -> None:
        """Write the head of an answer together with the beginning of its body."""
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
            await self._send_error_response(505)
            await self.send(Closed())
        elif _asks_for_websocket(request):
            self.stream = WebsocketStream(
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
            self.connection = H11WSConnection(cast(h11.Connection, self.connection))
            await self.stream.handle(
                Request(
                    stream_id=STREAM_ID,
                    headers=list(request.headers),
                    http_version=request.http_version.decode(),
                    method="GET",
                    raw_path=request.target,
                    state=self.connection_state,
                )
            )
            await self.context.mark_request()
        else:
            await super()._create_stream(request)


def _asks_for_websocket(request: h11.Request) -> bool:
    tokens: dict[bytes, bytes] = {b"upgrade": b"", b"connection": b""}
    for name, value in request.headers:  # h11 has made the names lower case
        if name in tokens:
            tokens[name] += b"," + value.lower()
    return (
        request.method == b"GET"
        and b"websocket" in _split(tokens[b"upgrade"])
        and b"upgrade" in _split(tokens[b"connection"])
    )


def _split(value: bytes) -> list[bytes]:
    return [part.strip() for part in value.split(b",")]


class Http2(H2Protocol):
    """One connection that speaks HTTP/2; browsers open another one for WebSockets."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connection.local_settings.pop(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL, None)

    async def _create_stream(self, request: h2.events.RequestReceived) -> None:
        if (b":method", b"CONNECT") in cast(Any, request.headers):
            self.connection.reset_stream(request.stream_id)
            await self._flush()
        else:
            await super()._create_stream(request)


class Protocol:
    """What a connection speaks, which may change in its course."""

    def __init__(self, *args: Any, alpn_protocol: str) -> None:
        self._args = args
        self.protocol: Http1 | Http2 = (Http2 if alpn_protocol == "h2" else Http1)(*args)

    @property
    def expects_data(self) -> bool:
        """Whether a client that is silent for long should be sent away."""
        return not isinstance(self.protocol, Http1) or self.protocol.expects_data

    @property
    def websocket(self) -> WebsocketStream | None:
        stream = getattr(self.protocol, "stream", None)
        return stream if isinstance(stream, WebsocketStream) else None

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
