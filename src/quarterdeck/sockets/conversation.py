"""The receiving half of a connection: what each message of a client does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from quart import Websocket

from quarterdeck.exceptions import EventRefusedError

from . import messages
from .connection import MISBEHAVING, OUR_ERROR, TOO_BIG, Connection, Member
from .event import Position, parse_id
from .messages import Ping, Refusal, Say, Subscribe, Unsubscribe
from .rate import Rate
from .switchboard import USER, Switchboard

REACH_SECONDS = 1.0  # for a process that is behind another one

MayEnter = Callable[[Member, str], Awaitable[bool]]
Publish = Callable[[str, str, Any], Awaitable[str]]


class Conversation:
    """Serves one accepted WebSocket to its end."""

    def __init__(
        self,
        board: Switchboard,
        websocket: Websocket,
        member: Member,
        may_enter: MayEnter,
        publish: Publish,
    ) -> None:
        self._board = board
        self._config = board.config
        self._websocket = websocket
        self._may_enter = may_enter
        self._publish = publish
        self._rate = Rate(self._config["SOCKETS_RATE"], self._config["SOCKETS_BURST"])
        self.connection = Connection(member, websocket.send, self._config["SOCKETS_QUEUE_SIZE"])

    async def run(self) -> None:
        """Talk until one side has enough; then close with the right code."""
        connection = self.connection
        writer = asyncio.create_task(connection.write(), name="sockets-writer")
        writer.add_done_callback(self._writer_ended)
        self._board.connect(connection)
        try:
            await self._listen_until_closed()
        except Exception:
            connection.close(OUR_ERROR, "Internal error")
            raise
        finally:
            self._board.disconnect(connection)
            writer.cancel()
            await asyncio.wait([writer])
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
                self.connection.close(TOO_BIG, "Message too big")
                return
            try:
                self._check_rate()
                await self._handle(messages.decode(raw))
            except Refusal as refusal:
                self.connection.push(refusal.frame)

    def _check_rate(self) -> None:
        if self._rate.allows():
            return
        if self._rate.is_flooded:
            self.connection.close(MISBEHAVING, "Too many messages")
        raise Refusal("too_fast", "Too many messages. Wait a moment.")

    async def _handle(self, message: messages.Message) -> None:
        match message:
            case Subscribe():
                await self._subscribe(message)
            case Unsubscribe(room):
                self._need_seat(room)
                self._board.leave(self.connection, room)
            case Say(room, text):
                await self._say(room, text)
            case Ping():
                self.connection.push(messages.PONG)

    async def _subscribe(self, message: Subscribe) -> None:
        room, connection = message.room, self.connection
        since = _position(message)
        await self._check_entry(room)
        if since is not None:
            await self._board.log.reach(since, REACH_SECONDS)
        self._board.subscribe(connection, room, message.doing, since)
        await connection.caught_up()

    async def _check_entry(self, room: str) -> None:
        seats, member = self.connection.seats, self.connection.member
        if room not in seats and len(seats) > self._config["SOCKETS_MAX_ROOMS"]:
            raise Refusal("too_many_rooms", "Leave another room first.", room)
        if room != USER + member.id and not await self._may_enter(member, room):
            raise Refusal("not_allowed", "You may not be in this room.", room)

    async def _say(self, room: str, text: str) -> None:
        self._need_seat(room)
        member = self.connection.member
        if not member.may_say:
            raise Refusal("not_allowed", "You may listen only.", room)
        if len(text) > self._config["SOCKETS_MAX_TEXT"]:
            most = self._config["SOCKETS_MAX_TEXT"]
            raise Refusal("too_long", f"Say it in at most {most} characters.", room)
        if not text.strip():
            raise Refusal("bad_message", "There is nothing in the text.", room)
        by = {"id": member.id, "name": member.name}
        try:
            await self._publish(room, "said", {"by": by, "text": text})
        except EventRefusedError:
            raise Refusal("unavailable", "Nobody can be told just now. Try again.", room) from None

    def _need_seat(self, room: str) -> None:
        if room not in self.connection.seats or room.startswith(USER):
            raise Refusal("not_subscribed", "Subscribe to the room first.", room)

    def _writer_ended(self, writer: asyncio.Task[None]) -> None:
        """End the connection if nothing can be sent any more."""
        if not writer.cancelled() and writer.exception() is not None:
            self.connection.close(OUR_ERROR, "Internal error")

    async def _close(self, code: int, reason: str) -> None:
        """Say why; how long a client may take to read that is for the server to limit."""
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
