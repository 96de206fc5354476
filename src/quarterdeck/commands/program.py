"""The base of a console script: a click group over the commands of one app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from quart import Quart
from quart.cli import ScriptInfo

from quarterdeck._cli import AppGroup, clear_errors
from quarterdeck.exceptions import QuarterdeckError

from .configuration import config
from .environment import WithEnvironment
from .routes import routes
from .shell import shell


class CommandProgram(WithEnvironment, AppGroup):
    """A group that offers its own commands and those of ``app.cli``.

    The app is built when a command or the list of commands asks for it, once per
    invocation, after ``.env`` and ``.flaskenv`` were read. Made by :func:`create_group`.
    """

    def __init__(self, create_app: Callable[[], Quart], **attributes: Any) -> None:
        super().__init__(**attributes)
        self.create_app = create_app

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Remember how the app is built."""
        extra.setdefault("obj", ScriptInfo(create_app=self.create_app, set_debug_flag=False))
        return super().make_context(info_name, args, parent=parent, **extra)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command of this group, or else of the app.

        Raises:
            click.ClickException: If the app refuses to be built.
        """
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        with clear_errors():
            app = ctx.ensure_object(ScriptInfo).load_app()
        return app.cli.get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands; when the app refuses to be built, say so and name our own."""
        names = set(super().list_commands(ctx))
        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx))
        except QuarterdeckError as error:
            click.echo(f"Error: {error}\n", err=True)
        return sorted(names)


def create_group(
    create_app: Callable[[], Quart], *, name: str | None = None, help: str | None = None
) -> CommandProgram:
    """Return the click group of a console script, with ``config``, ``routes`` and ``shell``.

    Args:
        create_app: The application factory; called without arguments.
        name: The name of the program; by default, how it was called.
        help: Shown above the list of commands.
    """
    group = CommandProgram(create_app, name=name, help=help)
    group.add_command(config)
    group.add_command(shell)
    group.add_command(routes)
    return group
