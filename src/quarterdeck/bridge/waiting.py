"""Waiting in plain functions, by greenlets.

A request, a command or a run of tests executes in one greenlet. A plain function in it that
waits for a coroutine runs the coroutine in the same greenlet, and hands the futures that it
yields to the event loop. The task is suspended meanwhile and other tasks go on. SQLAlchemy's
synchronous sessions find a greenlet of the kind that they look for, so they work as well.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, ContextVar, Token, copy_context
from functools import wraps
from typing import Any, TypeVar, cast

from greenlet import getcurrent
from sqlalchemy.util.concurrency import await_only, greenlet_spawn, in_greenlet

from quarterdeck.exceptions import BridgeError

T = TypeVar("T")

_UNSET: Any = object()


class _Yielded:
    """A future that a coroutine has yielded, to be yielded once more by the task."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self._future)


def in_bridge() -> bool:
    """Whether the caller may wait here: it runs in a greenlet of the bridge or of SQLAlchemy."""
    return in_greenlet()


def wait(awaitable: Awaitable[T]) -> T:
    """Wait for an awaitable in a plain function; ``await`` does the same in an ``async def``.

    Outside of any event loop, as in a script, a loop of the thread runs it.

    Raises:
        BridgeError: If the event loop runs, but the caller is not in a greenlet of the bridge.
    """
    current = getcurrent()
    if getattr(current, "__sqlalchemy_greenlet_provider__", False):
        if getattr(current, "is_in_thread", False):
            return await_only(awaitable)
        return _finish(_coroutine_of(awaitable))
    refuse_running_loop(awaitable)
    return cast(T, outside.run(drive(_coroutine_of(awaitable))))


def run(function: Callable[..., T], *args: Any, **options: Any) -> T:
    """Call a plain function so that it may wait: a script, or the body of a thread.

    Raises:
        BridgeError: As ``wait``.
    """
    if in_greenlet():
        return function(*args, **options)
    refuse_running_loop(None)
    return cast(T, outside.run(greenlet_spawn(function, *args, **options)))


async def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine so that the plain functions below it may wait."""
    if in_greenlet():
        return await coroutine
    return await greenlet_spawn(_finish, coroutine)


def asynchronous(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return an async function that calls a plain one on the event loop, where it may wait.

    If the function returns an awaitable, as a decorator of an async function does, it is awaited.
    """

    @wraps(function)
    async def call(*args: Any, **options: Any) -> Any:
        if in_greenlet():
            result = function(*args, **options)
        else:
            result = await greenlet_spawn(function, *args, **options)
        while inspect.isawaitable(result):
            result = await result
        return result

    return call


def refuse_running_loop(awaitable: Any) -> None:
    """Raise if an event loop runs in this thread.

    Raises:
        BridgeError: With the remedy.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    if inspect.iscoroutine(awaitable):
        awaitable.close()
    raise BridgeError(
        "A plain function was to wait in a task that does not run in the bridge. Write 'await' "
        "in an async function, or start the task with 'quarterdeck.bridge.drive(coroutine)'."
    )


def _finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in the current greenlet."""
    try:
        future = coroutine.send(None)
        while True:
            try:
                value = await_only(_Yielded(future))
            except BaseException as error:
                future = coroutine.throw(error)
            else:
                future = coroutine.send(value)
    except StopIteration as stop:
        return cast(T, stop.value)


def _coroutine_of(awaitable: Awaitable[T]) -> Coroutine[Any, Any, T]:
    if inspect.iscoroutine(awaitable):
        return cast("Coroutine[Any, Any, T]", awaitable)

    async def finish() -> T:
        return await awaitable

    return finish()


class _Outside(threading.local):
    """The event loop of a thread in which none runs: that of a script, or of plain unittest.

    It runs everything in one context, whose variables are made equal to those of the caller
    before and after: a context that one call has pushed is current in the next one.
    """

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self._context: Context | None = None
        self._tokens: dict[ContextVar[Any], Token[Any]] = {}

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if self._runner is None or self._context is None:
            self._runner, self._context = asyncio.Runner(), copy_context()
        context = self._context
        for variable, value in copy_context().items():
            if context.get(variable, _UNSET) is not value:
                context.run(variable.set, value)
        try:
            return self._runner.run(coroutine, context=context)
        finally:
            self._copy_back(context)

    def _copy_back(self, context: Context) -> None:
        for variable, value in context.items():
            before = variable.get(_UNSET)
            if before is not value:
                token = variable.set(value)
                if before is _UNSET:
                    self._tokens[variable] = token
        for variable in self._tokens.keys() - set(context):
            variable.reset(self._tokens.pop(variable))

    def close(self) -> None:
        """Close the event loop; a later call makes another one."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()


outside = _Outside()
