"""One WebSocket: its queue is bounded, and the close code gives the reason of its end."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart.asgi import ASGIWebsocketConnection
from quart.signals import websocket_received, websocket_sent
from quart.typing import ResponseTypes
from quart.wrappers import Websocket as QuartWebsocket
from werkzeug.exceptions import HTTPException, ServiceUnavailable, TooManyRequests

from quarterdeck._repeated_logs import RepeatedWarning
from quarterdeck._websocket import EXTENSION, DirectWebsocket

from .connection import pieces, reaches_the_test
from .headers import encode_headers
from .inbox import Inbox
from .target import read_path
from .traceback_page import error_response

if TYPE_CHECKING:
    from .application import Quart

logger = logging.getLogger("quarterdeck.app")

#: Seconds that a handler has for the messages of a client that has left.
FINISH_SECONDS = 5.0
#: Messages that a handler may send before others get a turn, however fast its client is.
SENT_AT_ONCE = 32
#: Seconds after which a client whose handshake was refused may try again.
RETRY_SECONDS = 10

REFUSAL_EXTENSION = "websocket.http.response"

NORMAL, POLICY_VIOLATION, INTERNAL_ERROR = 1000, 1008, 1011


class OpenWebsockets:
    """How many WebSockets are open in this process, in total and by client.

    Attributes:
        by_client: Those of one address on one path, so that an address of strangers' choice,
            such as an echo, does not use up the budget of another.
    """

    def __init__(self) -> None:
        self.total = 0
        self.by_client: Counter[tuple[str, str]] = Counter()
        self._full = RepeatedWarning(logger)
        self._full_for_client = RepeatedWarning(logger)

    def refusal(
        self, client: tuple[str, str], *, max_total: int, max_per_client: int
    ) -> HTTPException | None:
        """Return the error for one more than may be open."""
        if self.total >= max_total:
            text = "WebSockets are refused: %d are open (WEBSOCKET_MAX_CONNECTIONS)"
            self._full.warning(text, max_total)
            return ServiceUnavailable("Too many WebSockets are open.", retry_after=RETRY_SECONDS)
        if self.by_client[client] >= max_per_client:
            self._full_for_client.warning(
                "WebSockets of %s are refused: %d are open from there "
                "(WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS). If that is a proxy, set TRUSTED_PROXIES.",
                client[0],
                max_per_client,
            )
            text = "Too many WebSockets are open from this address."
            return TooManyRequests(text, retry_after=RETRY_SECONDS)
        return None

    @contextmanager
    def one_more(self, client: tuple[str, str]) -> Iterator[None]:
        """Count one WebSocket for the length of the block."""
        self.total += 1
        self.by_client[client] += 1
        try:
            yield
        finally:
            self.total -= 1
            self.by_client[client] -= 1
            if not self.by_client[client]:
                del self.by_client[client]


class Websocket(QuartWebsocket):
    """The object behind ``quart.websocket``."""

    _is_accepted = False
    _sent = 0
    direct: DirectWebsocket | None = None

    async def accept(self, headers: Any = None, subprotocol: str | None = None) -> None:
        """Accept the handshake, once; sending and receiving do so too."""
        if not self._is_accepted:
            self._is_accepted = True
            await super().accept(headers, subprotocol)

    async def send(self, data: str | bytes) -> None:
        """Send a message; returns when the server has taken it."""
        self._sent += 1
        if self._sent % SENT_AT_ONCE == 0:
            await asyncio.sleep(0)  # Quart does so each time, a turn of the loop for each message
        await self.accept()
        await self._send(data)

    def write_frame(self, frame: bytes) -> bool:
        """Write a text message that is encoded as a frame already, without waiting.

        Returns:
            Whether it was written. If not, ``send`` the message: the client reads slowly, the
            server is another one, or the signal ``websocket_sent`` has receivers.
        """
        if self.direct is None or websocket_sent.receivers:
            return False
        return self.direct.write(frame)


class WebsocketConnection(ASGIWebsocketConnection):
    """One WebSocket, handled in the task of the server's call.

    A client that leaves ends the handler once it has had all messages. A handler that does
    not take messages holds the client back, and after a while is cancelled with 1008.
    """

    app: Quart

    def __init__(self, app: Any, scope: Any) -> None:
        super().__init__(app, scope)
        config = app.config
        self._inbox = Inbox(
            config["WEBSOCKET_QUEUE_MESSAGES"],
            config["WEBSOCKET_QUEUE_BYTES"],
            self._leave,
            self._has_space,
        )
        self.queue = cast("asyncio.Queue[Any]", self)  # the name in Quart 0.22
        self._direct: DirectWebsocket | None = None
        self._receiver: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None  # of a handler that does not receive
        self._space: asyncio.Future[None] | None = None
        self._left = False
        self._ended = False

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        address = (self.scope.get("client") or ["<local>"])[0]
        client = (address, self.scope["path"])
        refusal = self.app.open_websockets.refusal(
            client,
            max_total=self.app.config["WEBSOCKET_MAX_CONNECTIONS"],
            max_per_client=self.app.config["WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS"],
        )
        if refusal is not None:
            await self._refuse(cast(ResponseTypes, refusal.get_response()), send)
            return
        with self.app.open_websockets.one_more(client):
            await self._serve(receive, send)

    async def _serve(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self._direct = _direct(self.scope, receive, send)
        websocket = self._create_websocket_from_scope(send)
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._send = send
        if self._direct is not None:
            await receive()  # that the client has connected
            self._direct.listen(self._take, self._client_left)
        else:
            self._receiver = asyncio.create_task(self._receive(receive))
        try:
            await self.handle_websocket(websocket, send)
        except asyncio.CancelledError:
            if not self._left or self._task.cancelling() > 1:
                raise
        finally:
            self._ended = True
            if self._left:
                self._task.uncancel()
            if self._timer is not None:
                self._timer.cancel()
            if self._receiver is not None:
                self._receiver.cancel()
                await asyncio.wait([self._receiver])

    # --- from the client ----------------------------------------------------------

    async def _receive(self, receive: ASGIReceiveCallable) -> None:
        """Take the messages of a server that offers nothing shorter than ASGI."""
        while True:
            event: Any = await receive()
            if event["type"] == "websocket.disconnect":
                self._client_left()
                return
            if event["type"] == "websocket.receive":
                message = event.get("bytes")
                self._take(event["text"] if message is None else message)
                while self._inbox.is_full:
                    self._space = asyncio.get_running_loop().create_future()
                    await self._space

    def _take(self, message: str | bytes) -> None:
        self._inbox.put(message)
        if self._inbox.is_full and self._timer is None and not self._ended:
            if self._direct is not None:
                self._direct.hold()
            seconds = self.app.config["WEBSOCKET_QUEUE_SECONDS"]
            self._timer = asyncio.get_running_loop().call_later(seconds, self._give_up)

    def _has_space(self) -> None:
        if self._timer is not None and not self._inbox.ended:  # that of the end stays
            self._timer.cancel()
            self._timer = None
        if self._direct is not None:
            self._direct.release()
        elif self._space is not None and not self._space.done():
            self._space.set_result(None)

    def _give_up(self) -> None:
        """End a handler that takes no messages."""
        if not self._ended:
            self._closing = asyncio.create_task(self._close_behind())

    async def _close_behind(self) -> None:
        if self._accepted and not self._closed:
            await self.close_connection(self._send, POLICY_VIOLATION, "Too far behind")
        self._leave()

    def _client_left(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if not self._ended:
            self._timer = asyncio.get_running_loop().call_later(FINISH_SECONDS, self._leave)
            self._inbox.end()

    async def get(self) -> str | bytes:
        """Return the next message for the handler."""
        message = await self._inbox.get()
        if websocket_received.receivers:
            await websocket_received.send_async(message, _sync_wrapper=self.app.ensure_async)
        return message

    def _leave(self) -> None:
        if not self._ended and not self._left:
            self._left = True
            self._task.cancel()

    # --- to the client ------------------------------------------------------------

    async def send_data(self, send: ASGISendCallable, data: str | bytes) -> None:
        """Send a message as text or binary."""
        if isinstance(data, str):
            await send({"type": "websocket.send", "bytes": None, "text": data})
        elif isinstance(data, bytes | bytearray | memoryview):
            await send({"type": "websocket.send", "bytes": data, "text": None})
        else:
            raise TypeError(
                f"'{type(data).__name__}' is no WebSocket message. Send text or bytes, "
                "or use send_json()."
            )
        if websocket_sent.receivers:
            await websocket_sent.send_async(data, _sync_wrapper=self.app.ensure_async)

    async def close_connection(self, send: ASGISendCallable, code: int, reason: str) -> None:
        """Close it, unless the client has left already."""
        if self._inbox.ended:
            return
        await super().close_connection(send, code, reason)

    async def handle_websocket(self, websocket: QuartWebsocket, send: ASGISendCallable) -> None:
        """Have the app handle the WebSocket, then refuse or close it as need be."""
        try:
            response = await self.app.handle_websocket(websocket)
        except Exception as error:
            if self._accepted and not self._closed:
                await self.close_connection(send, INTERNAL_ERROR, "")
            if reaches_the_test(self):
                raise
            response = error_response(self.app, self.scope, error)
        if self._closed:
            return
        if self._accepted:
            await self.close_connection(send, _close_code(response), "")
        elif response is not None:
            await self._refuse(response, send)

    async def _refuse(self, response: ResponseTypes, send: ASGISendCallable) -> None:
        if REFUSAL_EXTENSION not in (self.scope.get("extensions") or {}):
            await send(cast(Any, {"type": "websocket.close", "code": NORMAL}))
            return
        start = {
            "type": f"{REFUSAL_EXTENSION}.start",
            "status": response.status_code,
            "headers": encode_headers(response.headers),
        }
        await send(cast(Any, start))
        body = {"type": f"{REFUSAL_EXTENSION}.body", "body": b"", "more_body": True}
        async with aclosing(pieces(response)) as parts:
            async for part in parts:
                await send(cast(Any, {**body, "body": part}))
        await send(cast(Any, {**body, "more_body": False}))

    def _create_websocket_from_scope(self, send: ASGISendCallable) -> QuartWebsocket:
        path, refusal = read_path(self.scope)
        if refusal is None:
            cast(Any, self.scope)["path"] = path  # in place, as the server's access log reads it
        elif path != self.scope["path"]:
            self.scope = cast(Any, {**self.scope, "path": path})
        websocket = super()._create_websocket_from_scope(send)
        cast(Any, websocket).refusal = refusal
        cast(Any, websocket).direct = self._direct
        cast(Any, websocket).buffer = self  # the name in Quart 0.23
        return websocket


def _close_code(response: ResponseTypes | None) -> int:
    """Return the close code that matches the status of a handler's answer."""
    if response is None or response.status_code < 400:
        return NORMAL
    return POLICY_VIOLATION if response.status_code < 500 else INTERNAL_ERROR


def _direct(scope: Any, receive: Any, send: Any) -> DirectWebsocket | None:
    """Return the server's end, unless something between it and the app has to see messages."""
    direct: DirectWebsocket | None = (scope.get("extensions") or {}).get(EXTENSION)
    if direct is None or receive != direct.receive or send != direct.send:
        return None
    return direct
