"""The periodic check whether connected members may stay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from quarterdeck._repeated_logs import OutageLog

from . import messages
from .connection import NOT_SIGNED_IN, Member
from .manager import USER, ConnectionManager

if TYPE_CHECKING:
    from quart import Quart

logger = logging.getLogger("quarterdeck.sockets")

Recheck = Callable[[Sequence[Any]], Awaitable[Collection[Any]]]
MayEnter = Callable[[Member, str], Awaitable[bool]]


class Rechecker:
    """Call the app's ``recheck`` function periodically, and earlier on request.

    Args:
        app: The functions run in its app context.
        manager: The connections.
        recheck: Returns the members that may stay; None if no function is registered.
        may_enter: Returns whether a member may be in a room.
    """

    def __init__(
        self, app: Quart, manager: ConnectionManager, recheck: Recheck | None, may_enter: MayEnter
    ) -> None:
        self._app = app
        self._manager = manager
        self._recheck = recheck
        self._may_enter = may_enter
        self._requested: set[str] = set()
        self._wake = asyncio.Event()
        self._outages = OutageLog(logger, "The recheck of members")

    def request(self, member_id: str) -> None:
        """Check one member and its rooms soon."""
        self._requested.add(member_id)
        self._wake.set()

    async def run(self) -> None:
        """Check periodically until the task is cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._manager.config["SOCKETS_RECHECK_SECONDS"]):
                    await self._wake.wait()
            self._wake.clear()
            requested, self._requested = self._requested, set()
            try:
                async with self._app.app_context():
                    await self.check(requested)
            except Exception as error:
                self._requested |= requested
                self._outages.failed(error)
            else:
                self._outages.works()

    async def check(self, requested: Collection[str] = ()) -> None:
        """Close connections that may not stay; recheck the rooms of the given members."""
        await self._check_members()
        for member_id in requested:
            await self._check_rooms(member_id)

    async def _check_members(self) -> None:
        members = {connection.member for connection in self._manager.connections}
        if self._recheck is None or not members:
            return
        staying = set(await self._recheck(list(members)))
        for connection in tuple(self._manager.connections):
            if connection.member in members and connection.member not in staying:
                connection.close(NOT_SIGNED_IN, "Not signed in any more")

    async def _check_rooms(self, member_id: str) -> None:
        for connection in self._manager.of_member(member_id):
            for room in tuple(connection.subscriptions):
                if room.startswith(USER) or await self._may_enter(connection.member, room):
                    continue
                if room in connection.subscriptions:  # it may have left during the check
                    self._manager.leave(connection, room)
                    detail = "You may no longer be in this room."
                    connection.push(messages.error("not_allowed", detail, room))
