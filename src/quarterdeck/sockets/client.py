"""A client for programs: it enters rooms, yields what happens there, and comes back by itself.

::

    async with Client("https://crm.example.com/ws", token=TOKEN) as client:
        await client.subscribe("orders")
        async for happening in client:
            match happening:
                case Event(name=name, data=data):
                    print(name, data)
                case Gap(room=room):
                    ...  # events are missing: read the state anew

Needs the extra ``quarterdeck[client]``.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from quarterdeck.exceptions import (
    ClientClosedError,
    MessageRefusedError,
    NotAllowedError,
    NotSignedInError,
    SocketClientError,
    SocketRefusedError,
    SocketUnreachableError,
)

from .event import Event
from .following import Gap, Happening, Message, Presence, Rooms

__all__ = ["Client", "Event", "Gap", "Happening", "Presence"]

T = TypeVar("T")
logger = logging.getLogger("quarterdeck.sockets")

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
STEADY_SECONDS = 10.0  # a connection that held so long was none of a series of failures
CLOSE_SECONDS = 2.0
NOT_SIGNED_IN, NOT_ALLOWED = 4401, 4403
# Errors of protocol or size, ours or the server's: they would come back with the same events.
HOPELESS = {1002, 1003, 1007, 1009, 1010}
PASSING = {408, 425, 429}  # and everything from 500


class Client:
    """The events of one server, over connections that are made anew when they break.

    Each event comes once and in the order of its room, also over a lost connection or a
    restart of the server. What the server no longer has is told by a :class:`Gap`.

    Args:
        url: Of the WebSocket; ``http`` and ``https`` stand for ``ws`` and ``wss``.
        token: Sent as ``Authorization: Bearer ...``.
        cookie: Sent as ``Cookie``, for sessions that were begun elsewhere.
        headers: More headers of the handshake.
        queue_size: How many happenings wait to be taken before no more are read. The
            server then closes the connection, and the rest comes when there is room.
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
        self._taken = asyncio.Event()
        self._rooms = Rooms(self._send, self._queue.put_nowait)
        self._pong: asyncio.Future[None] | None = None
        self._socket: asyncio.Future[ClientConnection]

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            SocketUnreachableError: If nobody answers; later on, it is tried again and again.
            SocketRefusedError: If what answers serves no events.
            NotSignedInError: If the token or cookie is not accepted.
            NotAllowedError: If its owner is not let in.
        """
        self._socket = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep_connected())
        try:
            await self._unless_over(self._socket)
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
        """Return what happened next.

        Raises:
            MessageRefusedError: If the server refused what was said, or took us out of a
                room. Iteration may go on.
            SocketClientError: If the server does not want us any more.
        """
        happening = await self._queue.get()
        self._taken.set()
        if happening is None:
            self._queue.put_nowait(None)  # over for everybody who asks
            if isinstance(ending := self._ending(), ClientClosedError):
                raise StopAsyncIteration
            raise ending
        if isinstance(happening, MessageRefusedError):
            raise happening
        return happening

    async def subscribe(
        self, room: str, *, since: str | None = None, doing: str | None = None
    ) -> str:
        """Enter a room, and return the id up to which its events have been sent.

        Args:
            room: Its name.
            since: The last id that is known from before; later ones are sent first.
            doing: What others see us do there, if the server shows it.

        Raises:
            MessageRefusedError: If there is no such room, or it is not open to us.
            SocketClientError: If the server does not want us any more.
        """
        entered = await self._rooms.enter(room, since=since, doing=doing)
        self._taken.set()  # see _has_place
        return await self._unless_over(entered)

    async def unsubscribe(self, room: str) -> None:
        """Leave a room; what has arrived already is still to be taken."""
        await self._rooms.leave(room)

    async def say(self, room: str, text: str) -> None:
        """Say something to everybody in a room that was entered."""
        await self._unless_over(self._socket)
        if not await self._send({"type": "say", "room": room, "text": text}):
            raise SocketUnreachableError(self.url, "the connection broke")

    async def ping(self) -> float:
        """Return the seconds until the server answers, a new connection included."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self._pong is None:
            self._pong = loop.create_future()
            self._taken.set()  # see _has_place
            await self._send({"type": "ping"})
        await self._unless_over(self._pong)
        return loop.time() - began

    def last_id(self, room: str) -> str | None:
        """Return what to give as ``since`` to go on later after all that has arrived."""
        return self._rooms.last_id(room)

    # --- the connection -----------------------------------------------------------

    @property
    def _is_connected(self) -> bool:
        return self._socket.done()

    async def _stop(self) -> None:
        self._keeper.cancel()
        await asyncio.wait({self._keeper})
        self._ending()  # whether anybody still wants to know or not

    async def _unless_over(self, future: asyncio.Future[T]) -> T:
        """Wait for a future, or raise what ended the events."""
        either: set[asyncio.Future[Any]] = {future, self._keeper}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        raise self._ending()

    def _ending(self) -> BaseException:
        """Return why there will be nothing more."""
        if self._keeper.cancelled():
            return ClientClosedError()
        return self._keeper.exception() or ClientClosedError()

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        failures, first = 0, True
        try:
            while True:
                began = loop.time()
                try:
                    async with self._connection() as socket:
                        first = False
                        await self._converse(socket)
                except SocketClientError:  # an OSError, but no passing one
                    raise
                except (OSError, WebSocketException) as error:
                    if first or not _is_passing(error):
                        raise _explained(self.url, error) from error
                finally:
                    if self._is_connected:
                        self._socket = loop.create_future()
                failures = 0 if loop.time() - began > STEADY_SECONDS else failures + 1
                delay = _delay(failures)
                logger.warning("'%s' - not connected - trying again in %.1f s", self.url, delay)
                await asyncio.sleep(delay)
        finally:
            self._queue.put_nowait(None)

    def _connection(self) -> connect:
        return connect(self.url, additional_headers=self._headers, close_timeout=CLOSE_SECONDS)

    async def _converse(self, socket: ClientConnection) -> None:
        self._socket.set_result(socket)
        await self._rooms.enter_all()
        if self._pong:
            await self._send({"type": "ping"})
        async for text in socket:
            await self._receive(text)
            while not self._has_place():
                self._taken.clear()
                await self._taken.wait()

    def _has_place(self) -> bool:
        """Whether to read on; an answer that somebody waits for is read in any case."""
        waited_for = self._pong is not None or self._rooms.is_entering
        return waited_for or self._queue.qsize() < self._queue_size

    async def _receive(self, text: str | bytes) -> None:
        try:
            message = msgspec.json.decode(text, type=Message)
            if message.type == "pong" and self._pong:
                self._pong.set_result(None)
                self._pong = None
            await self._rooms.receive(message)
        except (msgspec.DecodeError, ValueError) as problem:
            raise SocketRefusedError(self.url, f"it sends what is no event: {problem}") from None

    async def _send(self, message: dict[str, Any]) -> bool:
        """Send if there is a connection; the next one begins with what is still of interest."""
        if not self._is_connected:
            return False
        try:
            await self._socket.result().send(msgspec.json.encode(message).decode())
        except ConnectionClosed:
            return False
        return True


def _delay(failures: int) -> float:
    """Return how long to wait: at random, so that not all come back at the same moment."""
    return random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2**failures))  # noqa: S311 - no secret


def _close_code(closed: ConnectionClosed) -> int:
    close = closed.rcvd or closed.sent
    return close.code if close else 1006


def _is_passing(error: Exception) -> bool:
    """Whether the same may work a little later."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return status >= 500 or status in PASSING
    if isinstance(error, ConnectionClosed):
        return _close_code(error) not in HOPELESS | {NOT_SIGNED_IN, NOT_ALLOWED}
    return isinstance(error, OSError) or isinstance(error.__cause__, EOFError)


def _explained(url: str, error: Exception) -> SocketClientError:
    """Return our word for an error of the library."""
    code = 0
    if isinstance(error, InvalidStatus):
        code = error.response.status_code
    elif isinstance(error, ConnectionClosed):
        code = _close_code(error)
    if code in {401, NOT_SIGNED_IN}:
        return NotSignedInError(url)
    if code in {403, NOT_ALLOWED}:
        return NotAllowedError(url)
    if isinstance(error, OSError) or code in PASSING or 500 <= code < 600:
        return SocketUnreachableError(url, str(error) or type(error).__name__)
    return SocketRefusedError(url, str(error))
