"""Plain decorators around async functions, run as their authors meant.

::

    def timed(view):
        @wraps(view)
        def wrapper(*args, **kwargs):
            started = time.monotonic()
            try:
                return view(*args, **kwargs)  # a coroutine: nothing has run yet
            finally:
                print(time.monotonic() - started)
        return wrapper

The wrapper runs in a thread of its own, with the async function in its closure replaced by a
plain one. That one hands the coroutine to the task of the request, waits for its result, and
returns it. The coroutine keeps the task, and so the db session, and sees the context variables
of the wrapper.

A decorator that keeps the function elsewhere than in its closure, as an object does, cannot be
rewritten; it is called on the event loop and gets the coroutine.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from types import CellType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary

_running: ContextVar[_Run | None] = ContextVar("quarterdeck_running_wrapper", default=None)
_rewritten: WeakKeyDictionary[Any, Callable[..., Any] | None] = WeakKeyDictionary()
_ORIGINAL = "__quarterdeck_original__"


def original_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the async function that a stand-in replaces; else the function itself."""
    original: Callable[..., Any] = getattr(function, _ORIGINAL, function)
    return original


def runner_of(wrapper: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]] | None:
    """Return an async function that runs a plain wrapper; None if it cannot be rewritten."""
    if not isinstance(wrapper, FunctionType):
        return None
    if wrapper not in _rewritten:
        _rewritten[wrapper] = _rewrite(wrapper)
    plain = _rewritten[wrapper]
    return None if plain is None else partial(_run, plain)


def _rewrite(wrapper: Any) -> Callable[..., Any] | None:
    """Return the wrapper with a stand-in for the function that it wraps; None if it has none."""
    wrapped = getattr(wrapper, "__wrapped__", None)
    if not isinstance(wrapper, FunctionType) or wrapped is None or not wrapper.__closure__:
        return None
    inner = _stand_in(wrapped) if inspect.iscoroutinefunction(wrapped) else _rewrite(wrapped)
    if inner is None:
        return None
    cells = [CellType(inner) if _holds(cell, wrapped) else cell for cell in wrapper.__closure__]
    if not any(_holds(cell, wrapped) for cell in wrapper.__closure__):
        return None
    plain = FunctionType(
        wrapper.__code__, wrapper.__globals__, wrapper.__name__, wrapper.__defaults__, tuple(cells)
    )
    plain.__kwdefaults__ = wrapper.__kwdefaults__
    return plain


def _holds(cell: CellType, value: object) -> bool:
    try:
        return cell.cell_contents is value
    except ValueError:  # it is empty
        return False


def _stand_in(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Return a plain function that returns the result of an async one, in a wrapper's thread."""

    def call(*args: Any, **kwargs: Any) -> Any:
        run = _running.get()
        if run is None or run.thread is not threading.current_thread():
            return function(*args, **kwargs)
        return run.wait_for(function(*args, **kwargs))

    call.__dict__ = {**function.__dict__, _ORIGINAL: function}
    call.__name__, call.__doc__ = getattr(function, "__name__", "view"), function.__doc__
    return call


async def _run(plain: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    run = _Run()
    context = copy_context()
    context.run(_running.set, run)
    work = partial(run.work, partial(plain, *args, **kwargs))
    # Not a thread of the pool: the function may itself wait for one of these.
    run.thread = threading.Thread(target=context.run, args=(work,), daemon=True)
    run.thread.start()
    try:
        result = await run.serve()
    finally:
        run.end()
    while inspect.isawaitable(result):  # a decorator that awaits nothing by itself
        result = await result
    return result


@dataclass
class _Request:
    """A coroutine that the thread waits for."""

    coroutine: Coroutine[Any, Any, Any]
    context: Context
    answer: Future[Any]

    def refuse(self) -> None:
        self.coroutine.close()
        self.answer.set_exception(asyncio.CancelledError("The request has ended."))


class _Run:
    """One call of a wrapper: its thread sends coroutines to the task, and at last the result."""

    thread: threading.Thread

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sent: asyncio.Queue[_Request | Future[Any]] = asyncio.Queue()
        self._has_ended = False

    # --- in the thread ------------------------------------------------------------

    def work(self, call: Callable[[], Any]) -> None:
        """Call the wrapper and send its result."""
        done: Future[Any] = Future()
        try:
            done.set_result(call())
        except BaseException as error:
            done.set_exception(error)
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._take, done)

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Have the task run a coroutine; return its result."""
        request = _Request(coroutine, copy_context(), Future())
        self._loop.call_soon_threadsafe(self._take, request)
        return request.answer.result()

    # --- in the task --------------------------------------------------------------

    def _take(self, sent: _Request | Future[Any]) -> None:
        if not self._has_ended:
            self._sent.put_nowait(sent)
        elif isinstance(sent, _Request):
            sent.refuse()

    async def serve(self) -> Any:
        """Run the coroutines that the thread sends; return or raise the result of the wrapper."""
        while True:
            sent = await self._sent.get()
            if isinstance(sent, Future):
                return sent.result()
            try:
                result = await _InContext(sent.coroutine, sent.context)
            except BaseException as error:
                sent.answer.set_exception(error)
            else:
                sent.answer.set_result(result)

    def end(self) -> None:
        """Refuse what the thread still waits for: the task was cancelled."""
        self._has_ended = True
        while not self._sent.empty():
            self._take(self._sent.get_nowait())


class _InContext:
    """Awaits a coroutine in a copy of a context, in the task that awaits this."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], context: Context) -> None:
        self._coroutine = coroutine
        self._context = context

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = partial(self._coroutine.send, None)
        while True:
            try:
                waited_for = self._context.run(step)
            except StopIteration as stop:
                return stop.value
            try:
                received = yield waited_for
            except BaseException as error:
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, received)
