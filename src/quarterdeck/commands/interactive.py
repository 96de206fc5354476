"""The ``shell`` command: Python with top-level ``await`` inside an app context."""

from __future__ import annotations

import ast
import code
import inspect
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import click
from quart import current_app
from quart.cli import ScriptInfo

from quarterdeck._cli import AppTask, clear_errors

FILENAME = "<shell>"


@click.command()
@click.option("--command", "-c", "source", help="Run this text and leave.")
@click.pass_context
def shell(ctx: click.Context, source: str | None) -> None:
    """Open a Python shell that takes 'await', with the app at hand.

    Text that is piped in is run as one program.
    """
    if source is None and not sys.stdin.isatty():
        source = sys.stdin.read()
    with clear_errors():
        app = ctx.ensure_object(ScriptInfo).load_app()
    with AppTask(app) as task:
        namespace = task.run(_namespace)
        if source is None:
            console = Console(task, namespace)
            _prepare_terminal(namespace)
            console.interact(task.run(_banner), exitmsg="")
        else:
            _run_program(task, source, namespace)


class Console(code.InteractiveConsole):
    """A console. Its statements run in one task, inside one app context.

    So the db session of one statement is still good in the next. The event loop stands
    still while a statement is being typed; Ctrl-C ends the statement, not the shell.
    """

    def __init__(self, task: AppTask, namespace: dict[str, Any]) -> None:
        super().__init__(namespace, FILENAME)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._task = task
        self._namespace = namespace

    def runcode(self, code: CodeType) -> None:
        """Run one statement; show its error and go on."""
        try:
            self._task.run(lambda: _execute(code, self._namespace))
        except SystemExit:
            raise
        except KeyboardInterrupt:
            self.write("\nKeyboardInterrupt\n")
        except BaseException as error:
            self.write(_traceback(error))


def _run_program(task: AppTask, source: str, namespace: dict[str, Any]) -> None:
    try:
        program = compile(source, FILENAME, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        task.run(lambda: _execute(program, namespace))
    except Exception as error:
        click.echo(_traceback(error), err=True, nl=False)
        raise click.exceptions.Exit(1) from error


async def _execute(code: CodeType, namespace: dict[str, Any]) -> None:
    function = FunctionType(code, namespace)
    if code.co_flags & inspect.CO_COROUTINE:
        await function()
    else:
        with _interruptible():
            function()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end code that never awaits; asyncio's own handler waits for an await."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _traceback(error: BaseException) -> str:
    """Format an error from the first line that was typed, without our own frames."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename != FILENAME:
        tb = tb.tb_next
    return "".join(traceback.format_exception(error.with_traceback(tb)))


def _namespace() -> dict[str, Any]:
    return {"__name__": "__console__", "__builtins__": __builtins__} | (
        current_app.make_shell_context()
    )


def _banner() -> str:
    return (
        f"Python {sys.version.split()[0]}, app '{current_app.name}'. "
        f"'await' works here; Ctrl-D leaves."
    )


def _prepare_terminal(namespace: dict[str, Any]) -> None:
    """Line editing, completion and history as in Python's own prompt; PYTHONSTARTUP too."""
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and Path(startup).is_file():
        exec(compile(Path(startup).read_text("utf-8"), startup, "exec"), namespace)  # noqa: S102 - the person's own start-up file
    if (hook := getattr(sys, "__interactivehook__", None)) is not None:
        hook()
    try:
        import readline
        from rlcompleter import Completer
    except ImportError:
        return
    readline.set_completer(Completer(namespace).complete)
