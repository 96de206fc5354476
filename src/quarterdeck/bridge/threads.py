"""Threads: for a function that blocks, and for work that goes on beside the request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial, wraps
from typing import Any, TypeVar, cast

from greenlet import greenlet
from quart import current_app, has_app_context

from quarterdeck._quart import unwrap
from quarterdeck._state import states_of

from .colours import coloured
from .waiting import asynchronous, drive, outside, run, wait

F = TypeVar("F", bound=Callable[..., Any])


class _GreenletInThread(greenlet):
    """Runs a function in a worker thread; its waits are done by the event loop of the caller."""

    __sqlalchemy_greenlet_provider__ = True
    is_in_thread = True


def in_thread(function: F) -> F:
    """Make a function that blocks run in a thread, so that other requests go on.

    For a call, ``in_thread(requests.get)(url)``, and as the innermost decorator of a view. The
    function may use the db session and everything else that waits. Its caller awaits it in an
    ``async def``.
    """

    @wraps(function)
    async def call(*args: Any, **options: Any) -> Any:
        return await call_in_thread(partial(function, *args, **options))

    name = getattr(function, "__qualname__", repr(function))
    return cast("F", coloured(call, name=f"in_thread({name})"))


async def call_in_thread(work: Callable[[], Any]) -> Any:
    """Call a plain function in a thread, in a copy of the context of the caller."""
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(_work_in_thread, work, loop)


def _work_in_thread(work: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> Any:
    inner = _GreenletInThread(work)
    inner.gr_context = copy_context()
    result = inner.switch()
    while not inner.dead:
        context = inner.gr_context
        try:
            value = _on_loop(result, loop, context)
        except BaseException as error:
            result = inner.throw(error)
        else:
            result = inner.switch(value)
    return result


def _on_loop(awaitable: Any, loop: asyncio.AbstractEventLoop, context: Any) -> Any:
    async def finish() -> Any:
        return await awaitable

    started = context.copy().run(partial(asyncio.run_coroutine_threadsafe, drive(finish()), loop))
    return started.result()


class Thread(threading.Thread):
    """A thread for work beside the request; its target may wait as a view may.

    It has an event loop of its own. The context variables of the code that starts it are
    copied. In an app context the target runs in a new one of the same app: ``current_app``
    works, ``g`` and ``db.session`` are its own.
    """

    def __init__(
        self, group: None = None, target: Callable[..., Any] | None = None, *rest: Any, **more: Any
    ) -> None:
        super().__init__(group, None if target is None else _finishing(target), *rest, **more)

    def start(self) -> None:
        """Start the thread, with a copy of the context of the caller."""
        app = unwrap(current_app) if has_app_context() else None
        work = partial(copy_context().run, _run_beside, self.run, app)
        setattr(self, "run", work)  # noqa: B010 - also the method of a subclass
        super().start()


def _finishing(target: Callable[..., Any]) -> Callable[..., None]:
    @wraps(target)
    def call(*args: Any, **options: Any) -> None:
        wait(asynchronous(target)(*args, **options))

    return call


def _run_beside(work: Callable[[], None], app: Any) -> None:
    try:
        run(work if app is None else partial(_run_in_context, work, app))
    finally:
        outside.close()


def _run_in_context(work: Callable[[], None], app: Any) -> None:
    context = app.app_context()
    wait(context.__aenter__())
    try:
        work()
    finally:
        wait(context.__aexit__(None, None, None))
        wait(_leave_loop(app))


async def _leave_loop(app: Any) -> None:
    """Close what belongs to the event loop of a thread that ends."""
    for state in states_of(app):
        if (leave := getattr(state, "leave_loop", None)) is not None:
            await leave()
