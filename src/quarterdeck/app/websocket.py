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
from quart.utils import encode_headers
from quart.wrappers import Websocket as QuartWebsocket
from werkzeug.exceptions import HTTPException, ServiceUnavailable, TooManyRequests

from quarterdeck._repeated_logs import RepeatedWarning

from .connection import pieces, reaches_the_test
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
            config["WEBSOCKET_QUEUE_MESSAGES"], config["WEBSOCKET_QUEUE_BYTES"], self._leave
        )
        self.queue = cast("asyncio.Queue[Any]", self._inbox)  # the name in Quart 0.22
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
        websocket = self._create_websocket_from_scope(send)
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        receiver = asyncio.create_task(self._receive(receive, send))
        try:
            await self.handle_websocket(websocket, send)
        except asyncio.CancelledError:
            if not self._left or self._task.cancelling() > 1:
                raise
        finally:
            self._ended = True
            if self._left:
                self._task.uncancel()
            receiver.cancel()
            await asyncio.wait([receiver])

    # --- from the client ----------------------------------------------------------

    async def _receive(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if await self._fill_inbox(receive):
            self._inbox.end()
            await asyncio.sleep(FINISH_SECONDS)
        elif self._accepted and not self._closed:
            await self.close_connection(send, POLICY_VIOLATION, "Too far behind")
        self._leave()

    async def _fill_inbox(self, receive: ASGIReceiveCallable) -> bool:
        """Return True when the client has left, False when the handler is too far behind."""
        seconds = self.app.config["WEBSOCKET_QUEUE_SECONDS"]
        while True:
            event: Any = await receive()
            if event["type"] == "websocket.disconnect":
                self._closed = True
                return True
            if event["type"] == "websocket.receive":
                message = event.get("bytes")
                if message is None:
                    message = event["text"]
                if websocket_received.receivers:
                    await websocket_received.send_async(
                        message, _sync_wrapper=self.app.ensure_async
                    )
                self._inbox.put(message)
                if not await self._inbox.wait_for_room(seconds):
                    return False

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
        if path != self.scope["path"]:
            self.scope = cast(Any, {**self.scope, "path": path})
        websocket = super()._create_websocket_from_scope(send)
        cast(Any, websocket).refusal = refusal
        cast(Any, websocket).buffer = self._inbox  # the name in Quart 0.23
        return websocket


def _close_code(response: ResponseTypes | None) -> int:
    """Return the close code that matches the status of a handler's answer."""
    if response is None or response.status_code < 400:
        return NORMAL
    return POLICY_VIOLATION if response.status_code < 500 else INTERNAL_ERROR
