"""The connection of a client: it reconnects, resubscribes and yields the events."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from quarterdeck._propagation import trace_headers
from quarterdeck.exceptions import (
    ClientClosedError,
    MessageRefusedError,
    SocketClientError,
    SocketRefusedError,
    SocketUnreachableError,
)

from .errors import is_transient, translate
from .messages import Happening, ServerMessage
from .subscriptions import Subscriptions

T = TypeVar("T")
logger = logging.getLogger("quarterdeck.sockets")

BASE_DELAY, MAX_DELAY = 0.5, 30.0
STABLE_SECONDS = 10.0  # a connection that lasted longer resets the backoff
CLOSE_SECONDS = 2.0


class Client:
    """The events of one server, over connections that are re-established when they break.

    Each event comes once and in the order of its room, also over a lost connection or a
    restart of the server. A :class:`Gap` reports events that the server no longer has.

    Args:
        url: Of the WebSocket; ``http`` and ``https`` stand for ``ws`` and ``wss``.
        token: Sent as ``Authorization: Bearer ...``.
        cookie: Sent as ``Cookie``, for sessions that were begun elsewhere.
        headers: More headers of the handshake.
        queue_size: The number of waiting items at which reading stops. The server then closes
            the connection, and the client resumes when there is space.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        cookie: str | None = None,
        headers: Mapping[str, str] | None = None,
        queue_size: int = 1000,
    ) -> None:
        self.url = "ws" + url.removeprefix("http") if url.startswith("http") else url
        self._headers = dict(headers or {})
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        if cookie is not None:
            self._headers["Cookie"] = cookie
        self._queue: asyncio.Queue[Happening | MessageRefusedError | None] = asyncio.Queue()
        self._queue_size = queue_size
        self._consumed = asyncio.Event()
        self._subscriptions = Subscriptions(self._send, self._queue.put_nowait)
        self._pong: asyncio.Future[None] | None = None
        self._socket: asyncio.Future[ClientConnection]

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            SocketUnreachableError: If the server does not answer. Later failures are retried.
            SocketRefusedError: If the URL does not serve events.
            NotSignedInError: If the token or cookie is not accepted.
            NotAllowedError: If its owner has no access.
        """
        self._socket = asyncio.get_running_loop().create_future()
        self._connect_task = asyncio.create_task(self._stay_connected())
        try:
            await self._wait_or_raise(self._socket)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Happening:
        """Return the next item.

        Raises:
            MessageRefusedError: If the server refused a message or ended a subscription.
                Iteration may continue.
            SocketClientError: If the server ended the connection for good.
        """
        happening = await self._queue.get()
        self._consumed.set()
        if happening is None:
            self._queue.put_nowait(None)  # ends every other iteration too
            if isinstance(ending := self._final_error(), ClientClosedError):
                raise StopAsyncIteration
            raise ending
        if isinstance(happening, MessageRefusedError):
            raise happening
        return happening

    async def subscribe(
        self, room: str, *, since: str | None = None, doing: str | None = None
    ) -> str:
        """Subscribe to a room, and return the id up to which its events have been sent.

        Args:
            room: Its name.
            since: The last id known from before; later events are sent first.
            doing: The activity that other members see.

        Raises:
            MessageRefusedError: If the room does not exist, or we may not enter it.
            SocketClientError: If the server ended the connection for good.
        """
        entered = await self._subscriptions.subscribe(room, since=since, doing=doing)
        self._consumed.set()  # see _may_read
        return await self._wait_or_raise(entered)

    async def unsubscribe(self, room: str) -> None:
        """Leave a room; items that have already arrived are still yielded."""
        await self._subscriptions.unsubscribe(room)

    async def say(self, room: str, text: str) -> None:
        """Send a text to all members in a subscribed room."""
        await self._wait_or_raise(self._socket)
        if not await self._send({"type": "say", "room": room, "text": text}):
            raise SocketUnreachableError(self.url, "the connection broke")

    async def ping(self) -> float:
        """Return the seconds until the server answers, including a reconnect."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self._pong is None:
            self._pong = loop.create_future()
            self._consumed.set()  # see _may_read
            await self._send({"type": "ping"})
        await self._wait_or_raise(self._pong)
        return loop.time() - began

    def last_id(self, room: str) -> str | None:
        """Return the id to pass as ``since`` in order to resume later."""
        return self._subscriptions.last_id(room)

    # --- the connection -----------------------------------------------------------

    @property
    def _is_connected(self) -> bool:
        return self._socket.done()

    async def _stop(self) -> None:
        self._connect_task.cancel()
        await asyncio.wait({self._connect_task})
        self._final_error()  # marks the exception as retrieved

    async def _wait_or_raise(self, future: asyncio.Future[T]) -> T:
        """Wait for a future, or raise the error that ended the client."""
        either: set[asyncio.Future[Any]] = {future, self._connect_task}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        raise self._final_error()

    def _final_error(self) -> BaseException:
        """Return the error that ended the client."""
        if self._connect_task.cancelled():
            return ClientClosedError()
        return self._connect_task.exception() or ClientClosedError()

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        failures, first = 0, True
        try:
            while True:
                began = loop.time()
                try:
                    async with self._connection() as socket:
                        first = False
                        await self._read_messages(socket)
                except SocketClientError:  # may be an OSError, but is final
                    raise
                except (OSError, WebSocketException) as error:
                    if first or not is_transient(error):
                        raise translate(self.url, error) from error
                finally:
                    if self._is_connected:
                        self._socket = loop.create_future()
                failures = 0 if loop.time() - began > STABLE_SECONDS else failures + 1
                delay = _delay(failures)
                logger.warning("'%s' - not connected - retrying in %.1f s", self.url, delay)
                await asyncio.sleep(delay)
        finally:
            self._queue.put_nowait(None)

    def _connection(self) -> connect:
        headers = self._headers | trace_headers()
        return connect(self.url, additional_headers=headers, close_timeout=CLOSE_SECONDS)

    async def _read_messages(self, socket: ClientConnection) -> None:
        self._socket.set_result(socket)
        await self._subscriptions.resubscribe()
        if self._pong:
            await self._send({"type": "ping"})
        async for text in socket:
            await self._receive(text)
            while not self._may_read():
                self._consumed.clear()
                await self._consumed.wait()

    def _may_read(self) -> bool:
        """Whether to read on; a pending answer is read even if the queue is full."""
        waited_for = self._pong is not None or self._subscriptions.is_waiting
        return waited_for or self._queue.qsize() < self._queue_size

    async def _receive(self, text: str | bytes) -> None:
        try:
            message = msgspec.json.decode(text, type=ServerMessage)
            if message.type == "pong" and self._pong:
                self._pong.set_result(None)
                self._pong = None
            await self._subscriptions.receive(message)
        except (msgspec.DecodeError, ValueError) as problem:
            raise SocketRefusedError(self.url, f"it sent an invalid message: {problem}") from None

    async def _send(self, message: dict[str, Any]) -> bool:
        """Send if connected; a new connection repeats pending messages itself."""
        if not self._is_connected:
            return False
        try:
            await self._socket.result().send(msgspec.json.encode(message).decode())
        except ConnectionClosed:
            return False
        return True


def _delay(failures: int) -> float:
    """Return a random delay, so that clients do not reconnect at the same moment."""
    return random.uniform(0, min(MAX_DELAY, BASE_DELAY * 2**failures))  # noqa: S311 - no secret
