"""Whether those who are connected may stay: one question for all, again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import messages
from .connection import NOT_SIGNED_IN, Member
from .switchboard import USER, Switchboard

if TYPE_CHECKING:
    from quart import Quart

logger = logging.getLogger("quarterdeck.sockets")

Recheck = Callable[[Sequence[Any]], Awaitable[Collection[Any]]]
MayEnter = Callable[[Member, str], Awaitable[bool]]


class Supervision:
    """Asks the app about everybody at once, and about single members when told to.

    Args:
        app: Whose context the questions are asked in.
        board: The connections.
        recheck: Says which members may stay; None if nobody registered such a function.
        may_enter: Says whether a member may be in a room.
    """

    def __init__(
        self, app: Quart, board: Switchboard, recheck: Recheck | None, may_enter: MayEnter
    ) -> None:
        self._app = app
        self._board = board
        self._recheck = recheck
        self._may_enter = may_enter
        self._doubted: set[str] = set()
        self._wake = asyncio.Event()

    def doubt(self, member_id: str) -> None:
        """Ask about one member soon, about their rooms too."""
        self._doubted.add(member_id)
        self._wake.set()

    async def run(self) -> None:
        """Go on asking, for as long as the app serves."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._board.config["SOCKETS_RECHECK_SECONDS"]):
                    await self._wake.wait()
            self._wake.clear()
            doubted, self._doubted = self._doubted, set()
            try:
                async with self._app.app_context():
                    await self.look(doubted)
            except Exception as error:
                self._doubted |= doubted
                logger.warning("who may stay cannot be said at the moment: %r", error)

    async def look(self, doubted: Collection[str] = ()) -> None:
        """Close the connections of those who may not stay; leave rooms for the doubted."""
        await self._look_at_members()
        for member_id in doubted:
            await self._look_at_rooms(member_id)

    async def _look_at_members(self) -> None:
        members = {connection.member for connection in self._board.connections}
        if self._recheck is None or not members:
            return
        staying = set(await self._recheck(list(members)))
        for connection in tuple(self._board.connections):
            if connection.member in members and connection.member not in staying:
                connection.close(NOT_SIGNED_IN, "Not signed in any more")

    async def _look_at_rooms(self, member_id: str) -> None:
        for connection in self._board.of_member(member_id):
            for room in tuple(connection.seats):
                if room.startswith(USER) or await self._may_enter(connection.member, room):
                    continue
                if room in connection.seats:  # it may have left meanwhile
                    self._board.leave(connection, room)
                    detail = "You may no longer be in this room."
                    connection.push(messages.error("not_allowed", detail, room))
