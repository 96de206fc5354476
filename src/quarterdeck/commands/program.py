"""The base of a console script: a click group over the commands of one app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from quarterdeck._async_group import AsyncGroup
from quarterdeck.exceptions import QuarterdeckError

from .environment import WithEnvironment

if TYPE_CHECKING:
    from quart import Quart
    from quart.cli import ScriptInfo


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command in the list of a program, which is imported when it is called.

    Attributes:
        summary: Its short help.
        import_path: Where it is, as ``module:attribute``; None for a command of ``app.cli``.
    """

    summary: str
    import_path: str | None = None


#: Of every program that :func:`create_group` makes.
OWN = {
    "config": CommandEntry(
        "Show the effective configuration of the app and the source of each value.",
        "quarterdeck.commands.configuration:config",
    ),
    "routes": CommandEntry(
        "Show every route: rule, methods, endpoint and access condition.",
        "quarterdeck.commands.url_rules:routes",
    ),
    "shell": CommandEntry(
        "Open a Python shell that takes 'await', with the app at hand.",
        "quarterdeck.commands.interactive:shell",
    ),
}


class CommandProgram(WithEnvironment, AsyncGroup):
    """A group that offers its own commands and those of ``app.cli``.

    The app is built when a command or the list of commands asks for it, once per
    invocation, after ``.env`` and ``.flaskenv`` were read. With ``entries``, the list of commands
    is made from them, without Quart, and only a command builds the app. Made by
    :func:`create_group`.
    """

    def __init__(
        self,
        create_app: Callable[[], Quart],
        *,
        entries: Mapping[str, CommandEntry] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(**attributes)
        self.create_app = create_app
        self.entries = entries or {}
        self.own: Mapping[str, CommandEntry] = {}

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Remember how the app is built."""
        if not self.entries:  # the list of commands needs it
            extra.setdefault("obj", self._script_info())
        made = super().make_context(info_name, args, parent=parent, **extra)
        if "obj" not in extra:
            made.obj = self._script_info()
        return made

    def _script_info(self) -> ScriptInfo:
        from quart.cli import ScriptInfo

        return ScriptInfo(create_app=self.create_app, set_debug_flag=False)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command of this group, or else of the app.

        Raises:
            click.ClickException: If the app refuses to be built.
        """
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        entry = self.own.get(cmd_name) or self.entries.get(cmd_name)
        if entry is not None and entry.import_path is not None:
            module, _, attribute = entry.import_path.partition(":")
            self.add_command(getattr(import_module(module), attribute), cmd_name)
            return super().get_command(ctx, cmd_name)
        from quart.cli import ScriptInfo

        from quarterdeck._cli import clear_errors

        with clear_errors():
            app = ctx.ensure_object(ScriptInfo).load_app()
        return app.cli.get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands; when the app refuses to be built, say so and name our own."""
        names = {*super().list_commands(ctx), *self.own, *self.entries}
        if self.entries:
            return sorted(names)
        from quart.cli import ScriptInfo

        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx))
        except QuarterdeckError as error:
            click.echo(f"Error: {error}\n", err=True)
        return sorted(names)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands into the help."""
        if not self.entries:
            return super().format_commands(ctx, formatter)
        listed = click.Group(commands=dict(self.commands))
        for name, entry in {**self.own, **self.entries}.items():
            listed.add_command(click.Command(name, help=entry.summary))
        return listed.format_commands(ctx, formatter)


def create_group(
    create_app: Callable[[], Quart],
    *,
    name: str | None = None,
    help: str | None = None,
    entries: Mapping[str, CommandEntry] | None = None,
) -> CommandProgram:
    """Return the click group of a console script, with ``config``, ``routes`` and ``shell``.

    Args:
        create_app: The application factory; called without arguments.
        name: The name of the program; by default, how it was called.
        help: Shown above the list of commands.
        entries: All other commands by name, so that ``--help`` builds no app and imports nothing.
    """
    group = CommandProgram(create_app, name=name, help=help, entries=entries)
    group.own = OWN
    return group
