"""The ``Commands`` extension: async commands on the ``cli`` of any Quart app."""

from __future__ import annotations

from dataclasses import dataclass

from quart import Quart

from quarterdeck._cli import AppGroup
from quarterdeck._state import ExtensionState

_state: ExtensionState[CommandsState] = ExtensionState("commands", "Commands")


@dataclass(frozen=True, slots=True)
class CommandsState:
    """The commands of an app."""

    expected: tuple[type[Exception], ...]


class Commands:
    """Makes ``app.cli`` an :class:`AppGroup`.

    Args:
        app: Initialised at once when given.
        expected: Exception classes that end a command with their text and exit code 1
            instead of a traceback. Errors of the kit are always among them.
    """

    def __init__(
        self, app: Quart | None = None, *, expected: tuple[type[Exception], ...] = ()
    ) -> None:
        self.expected = expected
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Let the commands of ``app`` be async; those registered already are kept.

        Raises:
            ExtensionAlreadyInitializedError: If it was called for ``app`` before.
        """
        _state.attach(app, CommandsState(self.expected))
        if not isinstance(app.cli, AppGroup):
            app.cli = AppGroup(name=app.cli.name, commands=app.cli.commands)
