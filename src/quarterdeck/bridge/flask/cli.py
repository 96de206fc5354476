"""Commands: plain functions that may wait, in the app context of their app."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
import quart.cli
from quart.cli import ScriptInfo, load_dotenv, pass_script_info
from quart.cli import run_command as run_command
from quart.cli import shell_command as shell_command

from quarterdeck._cli import AppGroup as KitGroup
from quarterdeck._cli import async_command, is_command, mark_command, run_inside
from quarterdeck._quart import app_context
from quarterdeck.bridge.waiting import asynchronous, in_bridge, wait

__all__ = [
    "AppGroup",
    "FlaskGroup",
    "ScriptInfo",
    "load_dotenv",
    "main",
    "pass_script_info",
    "run_command",
    "shell_command",
    "with_appcontext",
]

_OURS = "_quarterdeck_bridge"


def with_appcontext(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command in the context of its app."""
    return _bridged(function, with_context=True)


def _bridged(function: Callable[..., Any], *, with_context: bool) -> Callable[..., Any]:
    """Return a callback that may wait, both from a shell and inside a run of tests."""
    if hasattr(function, _OURS):
        return function
    outside = function if is_command(function) else _from_shell(function, with_context)

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if not in_bridge():
            return outside(*args, **options)
        info = click.get_current_context().find_object(ScriptInfo)
        app: Any = info.load_app() if info is not None and with_context else None

        def work() -> Any:
            with run_inside():
                return _finished(function(*args, **options))

        if app is None or getattr(app_context(), "app", None) is app:
            return work()
        context = app.app_context()
        wait(context.__aenter__())
        try:
            return work()
        finally:
            wait(context.__aexit__(None, None, None))

    setattr(call, _OURS, True)
    return mark_command(call)


def _from_shell(function: Callable[..., Any], with_context: bool) -> Callable[..., Any]:
    callback: Callable[..., Any] = async_command(app_context=with_context)(asynchronous(function))
    return callback


def _finished(result: Any) -> Any:
    while inspect.isawaitable(result):
        result = wait(result)
    return result


class AppGroup(KitGroup):
    """A group of commands; each runs in an app context unless ``with_appcontext=False``."""

    def command(self, name: Any = None, **attributes: Any) -> Any:
        """Register a command."""
        with_context = attributes.pop("with_appcontext", True)

        def decorate(function: Callable[..., Any]) -> click.Command:
            bridged = _bridged(function, with_context=with_context)
            given = None if callable(name) else name
            make: Callable[..., click.Command] = click.command(given, **attributes)
            made = make(bridged)
            self.add_command(made)
            return made

        return decorate(name) if callable(name) else decorate

    def group(self, *args: Any, **attributes: Any) -> Any:
        """Register a group of the same kind inside this one."""
        attributes.setdefault("cls", AppGroup)
        return click.Group.group(self, *args, **attributes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by name; one that was added by another way may wait too."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            _adopt(found)
        return found


def _adopt(command: click.Command) -> None:
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _adopt(inner)
    elif command.callback is not None and not _is_of_quart(command.callback):
        with_context = is_command(command.callback)
        command.callback = _bridged(command.callback, with_context=with_context)


def _is_of_quart(callback: Callable[..., Any]) -> bool:
    """Whether it starts an event loop of its own, as 'run' does."""
    return bool(inspect.unwrap(callback).__module__ == "quart.cli")


class FlaskGroup(quart.cli.QuartGroup, AppGroup):
    """The group of a program of its own: ``FlaskGroup(create_app=create_app)``."""


def main() -> None:
    """Run the program of the app that ``--app`` or FLASK_APP names."""
    FlaskGroup(name="flask")()
