"""The session of the current context: made when first used, closed when the context ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from quart import Websocket, g

from .session import Session

_SESSION = "_quarterdeck_sqlalchemy_session"
_OWNER = "_quarterdeck_sqlalchemy_owner"


async def claim() -> None:
    """Note the task of a request, so that no task started inside it gets the session."""
    setattr(g, _OWNER, asyncio.current_task())


def current(make: Callable[[asyncio.Task[Any] | None], Session]) -> Session:
    """Return the session of the current context."""
    session: Session | None = g.get(_SESSION)
    if session is None:
        session = make(g.get(_OWNER))
        setattr(g, _SESSION, session)
    return session


def existing() -> Session | None:
    """Return the session of the current context if it was used."""
    return g.get(_SESSION)  # type: ignore[no-any-return]


async def release(_error: BaseException | None = None) -> None:
    """Close the session of the current context, also when the request is being cancelled."""
    session: Session | None = g.pop(_SESSION, None)
    if session is not None:
        await asyncio.shield(asyncio.create_task(session.close()))


def with_session_per_message(base: type[Websocket]) -> type[Websocket]:
    """Return a WebSocket class on which ``db.session`` ends when the next message is awaited.

    It also ends when the handshake is accepted, so that a connection which only sends does
    not keep the session of its user loader.
    """

    class SessionPerMessage(base):  # type: ignore[valid-type, misc]
        _handshake_done = False

        async def receive(self) -> str | bytes:
            await _end_of_message()
            return await super().receive()  # type: ignore[no-any-return]

        async def accept(self, *args: Any, **options: Any) -> None:
            if not self._handshake_done:
                self._handshake_done = True
                await _end_of_message()
            await super().accept(*args, **options)

    return SessionPerMessage


async def _end_of_message() -> None:
    session = existing()
    if session is not None and session.is_idle_in_its_task:
        await session.close()
