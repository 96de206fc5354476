"""One WebSocket: bounded in both directions, and closed with the right code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from time import time
from typing import TYPE_CHECKING, Any

from quarterdeck._websocket import (
    BINARY,
    CLOSE,
    EXTENSION,
    PING,
    PONG,
    TEXT,
    encode_frame,
)

from .client_protocol import ClientProtocol
from .deflate import Deflate
from .error_responses import error_response
from .request_cycle import no_thread
from .response_head import response_head
from .websocket_frames import FrameError, MessageReader
from .websocket_handshake import Request, accept

if TYPE_CHECKING:
    from .server import Server

NORMAL, NO_STATUS, ABNORMAL_CLOSURE, INTERNAL_ERROR, SERVICE_RESTART = 1000, 1005, 1006, 1011, 1012

#: Messages that wait for an app that calls ``receive``, before the client is held back.
MAX_WAITING = 16
#: Frames of one client that are looked at before others get a turn: 64 KB hold 10,000.
MAX_FRAMES_AT_ONCE = 100
#: Bytes of the longest reason in a close frame.
MAX_REASON = 123

_COMPRESSED = 0x80 | 0x40
_DISCONNECT = "websocket.disconnect"


class State(Enum):
    """How far a WebSocket is."""

    HANDSHAKE = "the app has not answered"
    REFUSING = "the app sends a response instead"
    OPEN = "messages go in both directions"
    CLOSED = "nothing more is sent"


class WebSocket(ClientProtocol):
    """The protocol of a connection after its handshake; a ``DirectWebsocket``.

    Frames are read where they arrive, and written at once: the only task is the app's. What the
    app has not taken is bounded: the client is held back while ``MAX_WAITING`` messages wait, or
    after ``hold``. What a slow client has not read is bounded too: ``send`` waits, ``write``
    refuses.

    Args:
        server: Its app is called.
        request: The request for the WebSocket.
        keep: Kept as long as the connection, because the end of these objects would close it.
    """

    __slots__ = (
        "_deflate", "_ended", "_events", "_has_turn", "_heard", "_held", "_keep", "_late_pong",
        "_on_end", "_on_message", "_reader", "_refused", "_request", "_response", "_scope",
        "_started", "_state", "_waiter",
    )  # fmt: skip

    def __init__(self, server: Server, request: Request, keep: Any = None) -> None:
        super().__init__(server)
        self._keep = keep
        self._request: Request | None = request  # until it is answered, and so is the next
        self._scope: Any = None
        self._refused = 0
        self._started = time()
        self._state = State.HANDSHAKE
        self._ended = False
        self._reader = MessageReader(self.config.websocket_max_message_size)
        self._deflate: Deflate | None = None
        self._events: list[dict[str, Any]] = [{"type": "websocket.connect"}]
        self._waiter: asyncio.Future[None] | None = None
        self._on_message: Callable[[str | bytes], None] | None = None
        self._on_end: Callable[[], None] | None = None
        self._held = self._has_turn = False
        self._heard = True
        self._late_pong: bytes | None = None
        self._response: Any = None

    def begin(self, transport: asyncio.Transport, early: bytes = b"") -> None:
        """Take the connection over.

        Args:
            transport: Its bytes come here from now on.
            early: Those that came with the handshake; there must be none.
        """
        assert self._request is not None  # noqa: S101 - it was not answered yet
        self.transport = transport
        transport.set_protocol(self)
        self.server.connections.add(self)
        self._scope = self._request.scope(self.config.root_path)
        refusal = self._request.refusal(self.config.server_names)
        if refusal is None and early:
            refusal = 400, []
        if refusal is None:
            self._scope["extensions"][EXTENSION] = self
            self._run(self._run_app())
        else:
            self._refuse(*refusal)
            self._run(self._log(refusal[0]))

    # --- from the client ----------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._linger is not None:
            self._linger.keep()
        elif self._state is State.OPEN:
            self._heard = True
            self._reader.feed(data)
            self._read()
        elif self._state is State.HANDSHAKE and not self._ended:  # it must wait for the answer
            self._refuse(400)

    def eof_received(self) -> None:  # returning None closes the connection
        self._end(ABNORMAL_CLOSURE)
        self._state = State.CLOSED

    def connection_lost(self, error: Exception | None) -> None:
        self._end(ABNORMAL_CLOSURE)
        self._state = State.CLOSED
        super().connection_lost(error)
        self._keep = None

    def _read(self) -> None:
        """Handle frames until none is whole, the app is held, or others need a turn."""
        if self._has_turn:
            return
        for _ in range(MAX_FRAMES_AT_ONCE):
            if self._held or self._ended:
                return
            try:
                frame = self._reader.next()
            except FrameError as error:
                self.close(error.code, error.reason)
                return
            if frame is None:
                self.resume_reading()
                return
            self._handle(*frame)
        self._has_turn = True
        self.pause_reading()
        self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        self._has_turn = False
        self._read()

    def _handle(self, opcode: int, content: Any) -> None:
        if opcode in {TEXT, BINARY}:
            if self._on_message is not None:
                self._on_message(content)
            else:
                self._queue(opcode, content)
        elif opcode == PING:
            if self.writing_paused:  # it may read nothing: only the last one is answered
                self._late_pong = content
            else:
                self.transport.write(encode_frame(PONG, content))
        elif opcode == PONG:
            self._schedule_ping()
        elif opcode == CLOSE:
            self.close(*content)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._late_pong is not None:
            if self._state is State.OPEN:
                self.transport.write(encode_frame(PONG, self._late_pong))
            self._late_pong = None

    # --- to the app ---------------------------------------------------------------

    def _queue(self, opcode: int, content: Any) -> None:
        is_text = opcode == TEXT
        text, data = (content, None) if is_text else (None, content)
        self._put({"type": "websocket.receive", "bytes": data, "text": text})
        if len(self._events) >= MAX_WAITING:
            self.hold()

    def _put(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Any:
        """Return the next event for the app; after the last one, always the disconnect."""
        while not self._events:
            self._waiter = self.loop.create_future()
            await self._waiter
        if self._events[0]["type"] == _DISCONNECT:
            return self._events[0]
        event = self._events.pop(0)
        if self._held and self._on_message is None:
            self.release()
        return event

    def listen(self, on_message: Callable[[str | bytes], None], on_end: Callable[[], None]) -> None:
        """Hand over each message as it arrives, and then once that the client has left."""
        self._on_message, self._on_end = on_message, on_end
        if self._ended:
            on_end()

    def hold(self) -> None:
        """Hand over no more messages, and hold the client back."""
        self._held = True
        self.pause_reading()

    def release(self) -> None:
        """Go on after ``hold``."""
        if self._held:
            self._held = False
            if not self._has_turn:  # not within the call of a handler that takes a message
                self._has_turn = True
                self.loop.call_soon(self._read_on)

    # --- from the app -------------------------------------------------------------

    async def _run_app(self) -> None:
        await self.server.context.mark_request()
        try:
            await self.server.app(self._scope, self.receive, self.send, no_thread, no_thread)
        except Exception:
            await self.config.log.exception("Error in ASGI Framework")
        finally:
            if self._state is State.OPEN:
                self.close(INTERNAL_ERROR)
            elif self._state is State.REFUSING:  # within its response
                self.transport.abort()
            elif self._state is State.HANDSHAKE and not self._ended:
                self._refuse(500)
            if self._refused:
                await self._log(self._refused)
            self._on_message = self._on_end = None

    async def send(self, message: Any) -> None:
        """Handle a message of the app; after a close of either side, ignore it."""
        kind = message["type"]
        if self._ended or self.transport.is_closing():
            # Lets the loss be noted, and a task that sends in a loop be cancelled.
            await asyncio.sleep(0)
        elif kind == "websocket.send" and self._state is State.OPEN:
            data = message.get("bytes")
            if data is None:
                self.transport.write(self._frame(TEXT, message["text"].encode()))
            else:
                self.transport.write(self._frame(BINARY, bytes(data)))
            if self.writing_paused:
                await self.drain()
        elif kind == "websocket.accept" and self._state is State.HANDSHAKE:
            await self._accept(message)
        elif kind == "websocket.close" and self._state is State.OPEN:
            self.close(int(message.get("code", NORMAL)), message.get("reason") or "")
        elif kind == "websocket.close" and self._state is State.HANDSHAKE:
            self._refuse(403)
        elif kind == "websocket.http.response.start" and self._state is State.HANDSHAKE:
            self._response = message
        elif kind == "websocket.http.response.body" and self._response is not None:
            await self._send_response(message)
        else:
            raise RuntimeError(f"'{kind}' is not possible when {self._state.value}.")

    def _frame(self, opcode: int, payload: bytes) -> bytes:
        if self._deflate is None:
            return encode_frame(opcode, payload)
        return encode_frame(opcode, self._deflate.deflate(payload), first_byte=_COMPRESSED)

    def write(self, frame: bytes) -> bool:
        """Write a whole frame at once; False if it has to wait, and was not written."""
        if self.writing_paused or self._state is not State.OPEN or self._deflate is not None:
            return False
        self.transport.write(frame)
        return True

    # --- the response to the handshake --------------------------------------------

    async def _accept(self, message: Any) -> None:
        assert self._request is not None  # noqa: S101 - it was not answered yet
        headers, self._deflate = accept(self._request, message, self.config)
        head = response_head(101, [*headers, *self.config.response_headers("h11")])
        self._state = State.OPEN
        if self._deflate is not None:
            self._reader = MessageReader(self.config.websocket_max_message_size, self._deflate)
        self.transport.write(head)
        await self._log(101)
        if self.server.context.terminated.is_set():
            self.close(SERVICE_RESTART)
        else:
            self._schedule_ping()

    async def _send_response(self, message: Any) -> None:
        """Send a part of the app's response; its end is that of the connection."""
        status = int(self._response["status"])
        body = b"" if status in {204, 304} else bytes(message.get("body", b""))
        if self._state is State.HANDSHAKE:
            self._state = State.REFUSING
            headers = [*self._response["headers"], *self.config.response_headers("h11")]
            body = response_head(status, [*headers, (b"connection", b"close")]) + body
        self.transport.write(body)
        if message.get("more_body", False):
            await self.drain()
            return
        self._end(ABNORMAL_CLOSURE)
        self._state = State.CLOSED
        self.finish()
        await self._log(status)

    def _refuse(self, status: int, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """Answer in place of the app, whose task then writes the line of the access log."""
        fixed, text = error_response(status)
        fixed += [*(headers or []), *self.config.response_headers("h11")]
        if not self.transport.is_closing():
            self.transport.write(response_head(status, fixed) + text)
        self._refused = status
        self._end(ABNORMAL_CLOSURE)
        self._state = State.CLOSED
        self.finish()

    async def _log(self, status: int) -> None:
        scope: Any = self._scope
        answer: Any = {"status": status, "headers": []}
        self._request = self._scope = None
        await self.config.log.access(scope, answer, time() - self._started)

    # --- how it ends --------------------------------------------------------------

    def stop(self) -> None:
        """Begin to close because the server stops."""
        if self._state is State.OPEN:
            self.close(SERVICE_RESTART, "Restarting")
        elif self._linger is not None:
            self.transport.abort()

    def close(self, code: int, reason: str = "") -> None:
        """Send the close frame, first or in answer to that of the client.

        Raises:
            ValueError: If the reason is no valid Unicode. The WebSocket stays open.
            OverflowError: The same if the code does not fit into 2 bytes.
        """
        if self._state is not State.OPEN or self._ended:
            return
        frame = encode_frame(CLOSE, _close_payload(code, reason))  # before anything is changed
        self._state = State.CLOSED
        self._end(code, reason)
        if not self.transport.is_closing():
            self.transport.write(frame)
            self.finish()

    def _end(self, code: int, reason: str = "") -> None:
        """Tell the app that nothing more comes."""
        if self._ended:
            return
        self._ended = True
        self._reader = MessageReader(0)
        self._held = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._put({"type": _DISCONNECT, "code": code, "reason": reason})
        if self._on_end is not None:
            self._on_end()

    # --- whether the client is there ----------------------------------------------

    def _schedule_ping(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.config.websocket_ping_interval:
            self._timer = self.loop.call_later(self.config.websocket_ping_interval, self._ping)

    def _ping(self) -> None:
        self._heard = False
        if not self.writing_paused:
            self.transport.write(encode_frame(PING, b""))
        self._timer = self.loop.call_later(self.config.websocket_pong_timeout, self._check_pong)

    def _check_pong(self) -> None:
        # While the app holds the client back, nothing can be heard.
        if self._heard or not self._is_reading:
            self._schedule_ping()
        else:
            self.transport.abort()


def _close_payload(code: int, reason: str) -> bytes:
    if code == NO_STATUS:
        return b""
    text = reason.encode()
    if len(text) > MAX_REASON:
        text = text[:MAX_REASON].decode("utf-8", "ignore").encode()
    return (NORMAL if code == ABNORMAL_CLOSURE else code).to_bytes(2) + text
