"""The receiving half of a connection: it handles the messages of a client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from quart import Websocket

from quarterdeck.exceptions import EventRefusedError, SayRefusedError

from . import messages
from .connection import INTERNAL_ERROR, MESSAGE_TOO_BIG, POLICY_VIOLATION, Connection, Member
from .event import Position, parse_id
from .manager import USER, ConnectionManager
from .messages import Ping, Refusal, Say, Subscribe, Unsubscribe
from .rate_limiter import RateLimiter

CATCH_UP_SECONDS = 1.0  # the longest wait for a process that lags behind another one

MayEnter = Callable[[Member, str], Awaitable[bool]]
RefuseSay = Callable[[Member, str], Awaitable[str | None]]
KeepSay = Callable[[Member, str, str], Awaitable[bool]]
Publish = Callable[[str, str, Any], Awaitable[str]]


class ConnectionHandler:
    """Serve one accepted WebSocket until it is closed."""

    def __init__(
        self,
        manager: ConnectionManager,
        websocket: Websocket,
        member: Member,
        may_enter: MayEnter,
        refuse_say: RefuseSay,
        keep_say: KeepSay,
        publish: Publish,
    ) -> None:
        self._manager = manager
        self._config = manager.config
        self._websocket = websocket
        self._may_enter = may_enter
        self._refuse_say = refuse_say
        self._keep_say = keep_say
        self._publish = publish
        self._rate_limiter = RateLimiter(
            self._config["SOCKETS_RATE"], self._config["SOCKETS_BURST"]
        )
        write = getattr(websocket, "write_frame", None)  # of an app of this kit
        size = self._config["SOCKETS_QUEUE_SIZE"]
        self.connection = Connection(member, websocket.send, write, size)

    async def run(self) -> None:
        """Handle messages until one side closes; then send the close code."""
        connection = self.connection
        self._manager.connect(connection)
        try:
            await self._listen_until_closed()
        except Exception:
            connection.close(INTERNAL_ERROR, "Internal error")
            raise
        finally:
            self._manager.disconnect(connection)
            await connection.drop()
            if connection.closing is not None:
                await self._close(connection.closing.code, connection.closing.reason)

    async def _listen_until_closed(self) -> None:
        """Handle messages, in the task of the handler, so that ``db.session`` is its own."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as scope:  # a scope that others can end
                self.connection.on_close = lambda: scope.reschedule(loop.time())
                try:
                    await self._listen()
                finally:
                    self.connection.on_close = None
        except TimeoutError:
            if self.connection.closing is None:
                raise

    async def _listen(self) -> None:
        while self.connection.closing is None:
            raw = await self._websocket.receive()
            if _size(raw) > self._config["SOCKETS_MAX_MESSAGE_SIZE"]:
                self.connection.close(MESSAGE_TOO_BIG, "Message too big")
                return
            try:
                self._check_rate()
                await self._handle(messages.decode(raw))
            except Refusal as refusal:
                self.connection.push(refusal.frame)

    def _check_rate(self) -> None:
        if self._rate_limiter.allows():
            return
        if self._rate_limiter.is_flooding:
            self.connection.close(POLICY_VIOLATION, "Too many messages")
        raise Refusal("too_fast", "Too many messages. Wait a moment.")

    async def _handle(self, message: messages.ClientMessage) -> None:
        match message:
            case Subscribe():
                await self._subscribe(message)
            case Unsubscribe(room):
                self._check_subscribed(room)
                self._manager.leave(self.connection, room)
            case Say(room, text):
                await self._say(room, text)
            case Ping():
                self.connection.push(messages.PONG)

    async def _subscribe(self, message: Subscribe) -> None:
        room, connection = message.room, self.connection
        since = _position(message)
        await self._check_entry(room)
        if since is not None:
            await self._manager.log.wait_for(since, CATCH_UP_SECONDS)
        self._manager.subscribe(connection, room, message.doing, since)
        await connection.wait_until_replayed()

    async def _check_entry(self, room: str) -> None:
        subscriptions, member = self.connection.subscriptions, self.connection.member
        if room not in subscriptions and len(subscriptions) > self._config["SOCKETS_MAX_ROOMS"]:
            raise Refusal("too_many_rooms", "Leave another room first.", room)
        if room != USER + member.id and not await self._may_enter(member, room):
            raise Refusal("not_allowed", "You may not be in this room.", room)

    async def _say(self, room: str, text: str) -> None:
        self._check_subscribed(room)
        member = self.connection.member
        if not member.may_say:
            raise Refusal("not_allowed", "You may read this room but not write in it.", room)
        if len(text) > self._config["SOCKETS_MAX_TEXT"]:
            limit = self._config["SOCKETS_MAX_TEXT"]
            raise Refusal(
                "too_long", f"The text is too long. Use at most {limit} characters.", room
            )
        if not text.strip():
            raise Refusal("bad_message", "The text is empty. Write something.", room)
        if (reason := await self._refuse_say(member, room)) is not None:
            raise Refusal("too_fast", reason, room)
        try:
            is_kept = await self._keep_say(member, room, text)
        except SayRefusedError as error:
            raise Refusal("bad_message", str(error), room) from None
        by = {"id": member.id, "name": member.name}
        try:
            await self._publish(room, "said", {"by": by, "text": text})
        except EventRefusedError:
            if is_kept:  # sent again, it would be kept twice
                return
            raise Refusal(
                "unavailable",
                "Live events are unavailable, so the message was not sent. Try again.",
                room,
            ) from None

    def _check_subscribed(self, room: str) -> None:
        if room not in self.connection.subscriptions or room.startswith(USER):
            raise Refusal("not_subscribed", "Subscribe to the room first.", room)

    async def _close(self, code: int, reason: str) -> None:
        """Send the close frame; the server limits how long that may take."""
        with suppress(RuntimeError):  # closed already
            await self._websocket.close(code, reason)


def _size(raw: str | bytes) -> int:
    return len(raw.encode("utf-8", "surrogatepass")) if isinstance(raw, str) else len(raw)


def _position(message: Subscribe) -> Position | None:
    if message.since is None:
        return None
    try:
        return parse_id(message.since)
    except ValueError as error:
        raise Refusal("bad_message", str(error), message.room) from None
