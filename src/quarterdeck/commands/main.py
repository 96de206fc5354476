"""The ``quarterdeck`` program: commands that work on any Quart app."""

from __future__ import annotations

import importlib
from typing import Any

import click

from .environment import WithEnvironment

# Each command with "module:attribute". A module is imported when its command is used, so that
# the packages of a room are needed only for the commands of that room.
COMMANDS = {
    "babel": "quarterdeck.babel.cli:commands",
    "check": "quarterdeck.checks.command:check_of_app",
    "config": "quarterdeck.commands.configuration:config_of_app",
    "new": "quarterdeck.commands.new:new",
    "port": "quarterdeck.commands.port:port",
    "serve": "quarterdeck.serving.command:serve",
}


class LazyGroup(click.Group):
    """A group that imports its commands when they are used.

    Args:
        lazy: ``"module:attribute"`` of each command, by name.
        attributes: As for :class:`click.Group`.
    """

    def __init__(self, lazy: dict[str, str], **attributes: Any) -> None:
        super().__init__(**attributes)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands without importing them."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; one with missing packages names them when it is run."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            return _unavailable(cmd_name, error)
        return command


def _unavailable(name: str, error: ModuleNotFoundError) -> click.Command:
    problem = f"'{name}' needs '{error.name}', which is not installed."

    def fail() -> None:
        raise click.ClickException(f"{problem} Install it with pip.") from error

    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(name, callback=fail, short_help=problem, context_settings=anything)


class Program(WithEnvironment, LazyGroup):
    """The ``quarterdeck`` program."""


main = Program(COMMANDS, name="quarterdeck", help="Work on any Quart app.")
