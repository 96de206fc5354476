"""One WebSocket: bounded in both directions, and closed with the right code."""

from __future__ import annotations

import asyncio
import binascii
import struct
from base64 import b64decode
from collections import deque
from time import time
from typing import Any, cast
from urllib.parse import unquote

from hypercorn.protocol.events import (
    Body,
    Data,
    EndBody,
    EndData,
    Event,
    Request,
    Response,
    StreamClosed,
)
from hypercorn.protocol.ws_stream import ASGIWebsocketState as State
from hypercorn.protocol.ws_stream import Handshake as HypercornHandshake
from hypercorn.protocol.ws_stream import WSStream
from hypercorn.utils import valid_server_name
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, TextMessage
from wsproto.handshake import WEBSOCKET_VERSION, server_extensions_handshake

from .config import Config
from .deflate import BoundedDeflate
from .error_responses import error_response

ABNORMAL_CLOSURE, POLICY_VIOLATION, MESSAGE_TOO_BIG, INTERNAL_ERROR, SERVICE_RESTART = (
    1006,
    1008,
    1009,
    1011,
    1012,
)

#: Messages that wait for the app before the client is held back.
MAX_WAITING = 16
#: Frames of one client that are looked at before others get a turn: 64 KB hold 10,000.
MAX_EVENTS_AT_ONCE = 100
#: Fragments of a message that are kept apart before they are joined.
MAX_FRAGMENTS = 1000
#: Bytes that each fragment of a long message must bring on average. Each costs as much to read
#: as a message, so 400,000 empty ones in 2.4 MB would take seconds of the CPU.
MIN_FRAGMENT_SIZE = 16


class ClientGone(Event):
    """The client no longer answers."""


class Handshake(HypercornHandshake):
    """The opening handshake, with permessage-deflate only where it was configured."""

    def __init__(self, headers: Any, http_version: str, config: Config) -> None:
        super().__init__(headers, http_version)
        self.offered, self.extensions = self.extensions, None
        self.is_deflated = False
        self._config = config

    @property
    def refusal(self) -> tuple[int, list[tuple[bytes, bytes]]] | None:
        """The status and headers of the response to an invalid handshake."""
        if self.version != WEBSOCKET_VERSION:
            return 426, [(b"sec-websocket-version", WEBSOCKET_VERSION), (b"upgrade", b"websocket")]
        return None if _is_key(self.key) and self.is_valid() else (400, [])

    def accept(
        self, subprotocol: str | None, additional_headers: Any
    ) -> tuple[int, list[tuple[bytes, bytes]], Connection]:
        """Return the status and headers of the response, and the new connection."""
        status, headers, connection = super().accept(subprotocol, additional_headers)
        if self._config.websocket_deflate and self.offered:
            deflate = BoundedDeflate(self._config.websocket_max_message_size)
            accepted = server_extensions_handshake(self.offered, [deflate])
            if accepted:
                headers.append((b"sec-websocket-extensions", accepted))
                connection = Connection(ConnectionType.SERVER, [deflate])
                self.is_deflated = True
        return status, headers, connection


class WebsocketStream(WSStream):
    """The stream of one WebSocket, in place of Hypercorn's.

    Data after a close of either side is dropped. The queue of messages for the app is bounded:
    the reader of the connection waits in ``handle`` until there is space.
    """

    config: Config
    handshake: Handshake

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._events: deque[dict[str, Any]] = deque([{"type": "websocket.connect"}])
        self._arrived = asyncio.Event()
        self._space = asyncio.Event()
        self._fragments: list[Any] = []
        self._size = 0
        self._count = 0
        self._ended = False
        self._heard = True
        self._timer: asyncio.TimerHandle | None = None

    # --- from the connection ------------------------------------------------------

    async def handle(self, event: Event) -> None:
        """Handle an event of the connection."""
        if self.closed:
            return
        if isinstance(event, Request):
            await self._start(event)
        elif isinstance(event, StreamClosed):
            self.connection_lost()
        elif not self.handshake.accepted:  # the client must wait for the answer
            await self._refuse(400)
        elif isinstance(event, Data | Body) and not self._ended:
            await self._receive_data(event.data)

    async def _start(self, request: Request) -> None:
        self.start_time = time()
        self.handshake = Handshake(request.headers, request.http_version, self.config)
        path, _, query_string = request.raw_path.partition(b"?")
        scope: dict[str, Any] = {
            "type": "websocket",
            "asgi": {"spec_version": "2.3", "version": "3.0"},
            "scheme": self.scheme,
            "http_version": request.http_version,
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query_string,
            "root_path": self.config.root_path,
            "headers": request.headers,
            "client": self.client,
            "server": self.server,
            "state": request.state.copy(),
            "subprotocols": self.handshake.subprotocols or [],
            "extensions": {"websocket.http.response": {}},
        }
        self.scope = cast(Any, scope)
        if not valid_server_name(self.config, request):
            await self._refuse(404)
        elif self.handshake.refusal is not None:
            await self._refuse(*self.handshake.refusal)
        else:
            self.task_group.spawn(self._run_app)

    async def _refuse(self, status: int, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        await self._send_error_response(status, headers)
        await self.send(StreamClosed(stream_id=self.stream_id))

    async def _send_error_response(
        self, status: int, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        self.state = State.HTTPCLOSED
        fixed, text = error_response(status)
        fixed += headers or []
        await self.send(Response(stream_id=self.stream_id, status_code=status, headers=fixed))
        await self.send(Body(stream_id=self.stream_id, data=text))
        await self.send(EndBody(stream_id=self.stream_id))
        answer: Any = {"status": status, "headers": []}
        await self.config.log.access(self.scope, answer, time() - self.start_time)

    async def _receive_data(self, data: bytes) -> None:
        self._heard = True
        self.connection.receive_data(data)
        for count, event in enumerate(self.connection.events(), 1):
            if count % MAX_EVENTS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if isinstance(event, Message):
                await self._receive_fragment(event)
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):  # theirs, or wsproto's word for an error
                await self.close(event.code, event.reason or "")
            if self._ended:
                return

    async def _receive_fragment(self, fragment: Message[Any]) -> None:
        data = fragment.data
        self._size += len(data) if isinstance(data, bytes) or data.isascii() else len(data.encode())
        if self._size > self.config.websocket_max_message_size:
            self._fragments.clear()
            await self.close(MESSAGE_TOO_BIG, "Too big")
            return
        self._count += 1
        if self._count > MAX_FRAGMENTS and self._size < self._count * MIN_FRAGMENT_SIZE:
            self._fragments.clear()
            await self.close(POLICY_VIOLATION, "Fragments too small")
            return
        is_text = isinstance(fragment, TextMessage)
        self._fragments.append(data)
        if fragment.message_finished or len(self._fragments) >= MAX_FRAGMENTS:
            self._fragments = [("" if is_text else b"").join(self._fragments)]
        if not fragment.message_finished:
            return
        whole = self._fragments[0]
        self._fragments, self._size, self._count = [], 0, 0
        self._put(
            {
                "type": "websocket.receive",
                "bytes": None if is_text else whole,
                "text": whole if is_text else None,
            }
        )
        while len(self._events) >= MAX_WAITING and not self._ended:
            self._space.clear()
            await self._space.wait()

    # --- to and from the app ------------------------------------------------------

    async def _run_app(self) -> None:
        try:
            await self.app(self.scope, self._receive, self.app_send, cast(Any, None), _no_thread)
        except Exception:
            await self.config.log.exception("Error in ASGI Framework")
        finally:
            await self.app_send(None)

    def _put(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        self._arrived.set()

    async def _receive(self) -> Any:
        while not self._events:
            self._arrived.clear()
            await self._arrived.wait()
        if self._events[0]["type"] == "websocket.disconnect":
            return self._events[0]  # at every further call
        self._space.set()
        return self._events.popleft()

    async def app_send(self, message: Any) -> None:
        """Handle a message of the app; after a close of either side, ignore it."""
        kind = None if message is None else message["type"]
        if self._ended and self.state is not State.HTTPCLOSED:
            await asyncio.sleep(0)  # lets a task that sends in a loop be cancelled
            return
        if kind == "websocket.send" and self.state is State.CONNECTED:
            await self._send_message(message.get("bytes"), message.get("text"))
        elif kind == "websocket.close" and self.state is State.CONNECTED:
            await self.close(int(message.get("code", 1000)), message.get("reason") or "")
        elif kind is None and self.state is State.CONNECTED:
            await self.close(INTERNAL_ERROR)
        elif kind is None and self.state is State.HANDSHAKE:  # Hypercorn logs this twice
            await self._refuse(500)
        else:
            await super().app_send(message)

    async def _send_message(self, data: bytes | None, text: str | None) -> None:
        if self.handshake.is_deflated:
            event = TextMessage(data=text or "") if data is None else BytesMessage(data=bytes(data))
            await self._send_wsproto_event(event)
        else:
            whole = frame(0x1, (text or "").encode()) if data is None else frame(0x2, data)
            await self.send(Data(stream_id=self.stream_id, data=whole))

    async def _accept(self, message: Any) -> None:
        await super()._accept(message)
        if self.context.terminated.is_set():
            await self.close(SERVICE_RESTART)

    # --- how it ends --------------------------------------------------------------

    async def close(self, code: int, reason: str = "") -> None:
        """Send the close frame, first or in answer to that of the client."""
        if self.state is not State.CONNECTED or self._ended:
            return
        self.state = State.CLOSED
        self._end(code, reason)
        try:
            await self._send_wsproto_event(CloseConnection(code=code, reason=reason))
        finally:  # the app may be cancelled, having heard that this is the end
            await self.send(EndData(stream_id=self.stream_id))

    def connection_lost(self) -> None:
        """Note that the connection is lost, and disconnect the app."""
        self.closed = True
        self._end(ABNORMAL_CLOSURE)

    def _end(self, code: int, reason: str = "") -> None:
        if self._ended:
            return
        self._ended = True
        self._fragments.clear()
        self._put({"type": "websocket.disconnect", "code": code, "reason": reason})
        self._space.set()
        if self._timer is not None:
            self._timer.cancel()

    # --- whether the client is there ----------------------------------------------

    async def _send_pings(self) -> None:
        self._schedule_ping()  # with a timer: Hypercorn keeps a task for each WebSocket

    def _schedule_ping(self) -> None:
        if self.config.websocket_ping_interval and not self._ended:
            self._timer = self._later(self.config.websocket_ping_interval, self._ping)

    def _ping(self) -> None:
        self._heard = False
        self.task_group.spawn(self._send_wsproto_event, Ping())
        self._timer = self._later(self.config.websocket_pong_timeout, self._check_pong)

    def _check_pong(self) -> None:
        # While the app holds the client back, nothing can be heard.
        if self._heard or len(self._events) >= MAX_WAITING:
            self._schedule_ping()
        else:
            self.task_group.spawn(self.send, ClientGone(stream_id=self.stream_id))

    @staticmethod
    def _later(seconds: float, call: Any) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, call)


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a message as one frame, in a tenth of the time that wsproto takes."""
    size = len(payload)
    if size <= 125:
        head = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 2**16:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + payload


def _is_key(key: bytes | None) -> bool:
    try:
        return key is not None and len(b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def _no_thread(*args: Any) -> Any:
    raise NotImplementedError
