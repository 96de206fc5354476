"""Commands that may be ``async``: one event loop and one app context for each.

The loop belongs to the outermost command. The app context, the lifespan if it was asked
for, and the closing of the extensions all happen in one task, the one that runs the command.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from copy import copy
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Self, TypeVar, overload

import click
import quart.cli
from quart import Quart
from quart.cli import ScriptInfo
from quart.utils import cancel_tasks

from ._async_group import AsyncGroup
from ._quart import only_error
from ._state import close_extensions, loop_of
from .exceptions import CommandInLoopError, QuarterdeckError

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 130  # what a shell reports for a program that SIGINT ended
_MARK = "__quarterdeck_command__"
_inside_command: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "quarterdeck_inside_command", default=False
)


@asynccontextmanager
async def command_scope(app: Quart, *, lifespan: bool = False) -> AsyncIterator[None]:
    """Enter an app context for a command; leave nothing open at the end.

    Tasks added with ``app.add_background_task`` are waited for, as the server does.

    Args:
        app: The app of the context.
        lifespan: Whether ``before_serving`` and ``after_serving`` run around it.
    """
    try:
        if lifespan:
            await app.startup()
        try:
            async with app.app_context():
                yield
                await _finish_background_tasks(app)
        finally:
            if lifespan:
                await app.shutdown()
    except BaseExceptionGroup as group:
        error = only_error(group)
        if isinstance(error, QuarterdeckError):  # its message says more than that of the group
            raise error from group
        raise
    finally:
        await close_extensions(app)


async def _finish_background_tasks(app: Quart) -> None:
    if not app.background_tasks:
        return
    try:
        timeout = app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"]
        await asyncio.wait_for(asyncio.gather(*app.background_tasks), timeout)
    except TimeoutError:
        await cancel_tasks(app.background_tasks)


class AppTask:
    """One task inside the context of an app, for calls that are handed in from outside.

    The event loop stands still between calls. The scope is entered, used and left by the
    same task, so objects bound to a task (a db session, a task group) work in all calls.

    Args:
        app: The app; None for an event loop without an app context.
        lifespan: Whether ``before_serving`` and ``after_serving`` run around it.
    """

    def __init__(self, app: Quart | None, *, lifespan: bool = False) -> None:
        self._scope: AbstractAsyncContextManager[None] = (
            command_scope(app, lifespan=lifespan) if app else nullcontext()
        )
        self._context = contextvars.copy_context()
        self._context.run(_inside_command.set, True)
        self._runner = asyncio.Runner()
        self._calls: asyncio.Queue[_Call | None] = asyncio.Queue()

    def __enter__(self) -> Self:
        loop = self._runner.get_loop()
        self._task = loop.create_task(self._work(), context=self._context)
        try:
            self._hand_over(self._scope.__aenter__())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: Any
    ) -> None:
        try:
            self._hand_over(self._scope.__aexit__(kind, error, tb))
        finally:
            self._end()

    def run(self, function: Callable[[], Any]) -> Any:
        """Call a plain or an async function and return its result.

        A plain function runs while the loop stands still: it may use ``asyncio.run``.
        """
        outcome = self._context.run(function)
        return self._hand_over(outcome) if inspect.isawaitable(outcome) else outcome

    def _hand_over(self, awaitable: Awaitable[Any]) -> Any:
        value, error = self._runner.run(self._reply(awaitable))
        if error is not None:
            raise error
        return value

    async def _reply(self, awaitable: Awaitable[Any]) -> tuple[Any, BaseException | None]:
        call = _Call(awaitable, asyncio.get_running_loop().create_future())
        self._calls.put_nowait(call)
        try:
            return await asyncio.shield(call.reply)
        except asyncio.CancelledError:  # Ctrl-C: the call is told, and may clean up
            self._task.cancel()
            await call.reply
            raise

    async def _work(self) -> None:
        while (call := await self._calls.get()) is not None:
            try:
                call.reply.set_result((await call.awaitable, None))
            except BaseException as error:  # raised again outside the loop
                if isinstance(error, asyncio.CancelledError):
                    self._task.uncancel()
                call.reply.set_result((None, error))

    def _end(self) -> None:
        self._calls.put_nowait(None)
        with self._runner:
            self._runner.run(asyncio.wait({self._task}))


@dataclass(frozen=True, slots=True)
class _Call:
    awaitable: Awaitable[Any]
    reply: asyncio.Future[tuple[Any, BaseException | None]]


def run_in_scope(app: Quart | None, call: Callable[[], Any], *, lifespan: bool = False) -> Any:
    """Call a plain or an async function in the context of ``app`` and return its result.

    If the app is being served, in another thread, the call runs on the event loop of the app:
    connections, hubs and schedulers belong to that loop, and go on after the command.
    """
    if app is not None and (loop := loop_of(app)) is not None:
        beside = _run_beside(app, call, click.get_current_context(silent=True))
        return asyncio.run_coroutine_threadsafe(beside, loop).result()
    with AppTask(app, lifespan=lifespan) as task:
        return task.run(call)


async def _run_beside(app: Quart, call: Callable[[], Any], command: click.Context | None) -> Any:
    """Call a function in the context of an app that is being served; nothing is closed.

    A plain function runs in a thread: it may block. Click keeps its context by thread.
    """

    def call_in_thread() -> Any:
        with command.scope(cleanup=False) if command else nullcontext():
            return call()

    async with app.app_context():
        _inside_command.set(True)
        outcome = await asyncio.to_thread(call_in_thread)
        if not inspect.isawaitable(outcome):
            return outcome
        with command.scope(cleanup=False) if command else nullcontext():
            return await outcome


@contextmanager
def clear_errors(expected: Callable[[], tuple[type[Exception], ...]] = tuple) -> Iterator[None]:
    """Turn errors that are no surprise into one sentence and exit code 1, Ctrl-C into 130."""
    try:
        yield
    except KeyboardInterrupt:
        _exit_interrupted()
    except click.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):  # Ctrl-C at a prompt
            _exit_interrupted()
        raise
    except Exception as error:
        if isinstance(error, (QuarterdeckError, *expected())):
            raise click.ClickException(str(error)) from error
        raise


def _exit_interrupted() -> None:
    click.echo("\nAborted!", err=True)
    raise click.exceptions.Exit(INTERRUPTED) from None


@overload
def async_command(function: F, /) -> F: ...


@overload
def async_command(*, app_context: bool = True, lifespan: bool = False) -> Callable[[F], F]: ...


def async_command(
    function: Callable[..., Any] | None = None,
    *,
    app_context: bool = True,
    lifespan: bool = False,
) -> Any:
    """Make a click callback of a plain or an async function.

    It runs on an event loop of its own, inside the context of the app that the ``quart``
    program or :func:`create_group` found; without either, in no app context. Called from
    another command (``ctx.invoke``) it returns the awaitable, to run in the same context.

    Args:
        function: The function; left out when options are given.
        app_context: False to run without an app context.
        lifespan: Whether the app's ``before_serving`` and ``after_serving`` run as well.

    Raises:
        CommandInLoopError: If it is started inside a running event loop.
    """
    if function is None:
        return partial(async_command, app_context=app_context, lifespan=lifespan)

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        call = partial(function, *args, **kwargs)
        if _inside_command.get():
            return call()
        _refuse_running_loop(function.__name__)
        info = click.get_current_context().find_object(ScriptInfo) if app_context else None
        app: Quart | None = None
        with clear_errors(lambda: _expected_errors(app)):
            app = info.load_app() if info else None
            return run_in_scope(app, call, lifespan=lifespan)

    return mark_command(run)


def is_command(function: Callable[..., Any]) -> bool:
    """Whether a callback of click runs on an event loop by itself."""
    return hasattr(function, _MARK)


def mark_command(function: F) -> F:
    """Mark a callback of click that runs on an event loop by itself."""
    setattr(function, _MARK, True)
    return function


@contextmanager
def run_inside() -> Iterator[None]:
    """Let the commands that the block calls run on the event loop of the caller."""
    token = _inside_command.set(True)
    try:
        yield
    finally:
        _inside_command.reset(token)


def with_app_argument(command: click.Command) -> click.Command:
    """Return a copy of a command that takes the app as its first argument.

    For programs that know no app, such as ``quarterdeck``. The argument has the form of
    ``quart --app``: ``module``, ``module:app`` or ``module:create_app()``.
    """
    made = copy(command)
    made.params = [
        click.Argument(["app"], expose_value=False, is_eager=True, callback=_set_app),
        *command.params,
    ]
    return made


def _set_app(ctx: click.Context, _: click.Parameter, value: str) -> None:
    ctx.obj = ScriptInfo(app_import_path=value, set_debug_flag=False)


def _refuse_running_loop(command: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise CommandInLoopError(command)


def _expected_errors(app: Quart | None) -> tuple[type[Exception], ...]:
    state = app.extensions.get("commands") if app else None
    return tuple(getattr(state, "expected", ()))


class AppGroup(AsyncGroup, quart.cli.AppGroup):
    """A click group. Its commands may be async and run inside an app context.

    Async commands that came by another door (a blueprint's ``cli``, ``add_command``) are
    made to run as well. ``with_appcontext=False`` opts a command out of the app context,
    ``lifespan=True`` runs ``before_serving`` and ``after_serving`` around it.
    """


def adopt(command: click.Command) -> click.Command:
    """See to it that async callbacks are awaited; calling it again changes nothing."""
    callback = command.callback
    if (
        callback
        and not hasattr(callback, _MARK)
        and inspect.iscoroutinefunction(inspect.unwrap(callback))
    ):
        command.callback = async_command(callback)
    if isinstance(command, click.Group):
        for child in command.commands.values():
            adopt(child)
    return command
