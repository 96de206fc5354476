"""The session of the current context: made when first used, closed when the context ends.

A request has a scope of its own even where it shares ``g`` with another one, as in a test
that pushed an app context. Without a request the scope lies in ``g``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast

from quart import Websocket, g

from quarterdeck._quart import unwrap

from .session import Session

_KEY = "_quarterdeck_sqlalchemy"
_request_scope: ContextVar[Scope] = ContextVar("quarterdeck_sqlalchemy_scope")
_closing: set[asyncio.Task[None]] = set()


class Scope:
    """One unit of work: at most one session, of one task."""

    def __init__(self, context: object, owner: asyncio.Task[Any] | None) -> None:
        self.context = context
        self.owner = owner
        self.session: Session | None = None

    async def close(self) -> None:
        """Close the session, also while the request is being cancelled."""
        session, self.session = self.session, None
        if session is None:
            return
        if session.has_transaction:
            task = asyncio.create_task(session.close())
            _closing.add(task)
            task.add_done_callback(_closing.discard)
            await asyncio.shield(task)
        else:
            await session.close()


async def wait_until_closed() -> None:
    """Wait for sessions that close although their task was cancelled: they need the pool."""
    loop = asyncio.get_running_loop()
    while tasks := [task for task in _closing if task.get_loop() is loop]:
        await asyncio.wait(tasks)


async def open_request(_app: object, **_: object) -> None:
    """Begin the scope of a request; a task started in it will not be the owner.

    A signal calls it and not a hook: it must come before all hooks, or one that loads the user
    would have a session of its own, and the request two connections.
    """
    _request_scope.set(Scope(_globals(), asyncio.current_task()))


async def close_request(_error: BaseException | None = None) -> None:
    scope = _current()
    if scope.context is not None:
        if scope.session is not None:  # the response was checked already
            scope.session.unawaited.clear()
        await scope.close()
        scope.context = None  # what comes later in the same task is another unit of work


async def close_context(error: BaseException | None = None) -> None:
    scope: Scope | None = g.pop(_KEY, None)
    if scope is not None:
        session = scope.session
        await scope.close()
        if session is not None:
            session.unawaited.end(failed=error is not None)


def session(make: Callable[[asyncio.Task[Any] | None], Session]) -> Session:
    """Return the session of the current context."""
    scope = _current()
    if scope.session is None:
        scope.session = make(scope.owner)
    return scope.session


def existing() -> Session | None:
    """Return the session of the current context if it was used."""
    return _current().session


def _current() -> Scope:
    context = _globals()
    scope = _request_scope.get(None)
    # A background task inherits the variable from its request, but not 'g'.
    if scope is None or scope.context is not context:
        scope = cast("Scope | None", g.get(_KEY))
    if scope is None:
        scope = Scope(context, None)
        setattr(g, _KEY, scope)
    return scope


def _globals() -> object:
    return unwrap(g)


def with_session_per_message(base: type[Websocket]) -> type[Websocket]:
    """Return a WebSocket class on which ``db.session`` ends when the next message is awaited.

    It also ends when the handshake is accepted, so that a connection which only sends does
    not keep the session of its user loader.
    """

    class SessionPerMessage(base):  # type: ignore[valid-type, misc]  # no fixed base
        _handshake_done = False

        async def receive(self) -> str | bytes:
            await _end_of_message()
            message: str | bytes = await super().receive()
            return message

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
        session.unawaited.check()
