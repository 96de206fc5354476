"""The extension: rules of an app itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from quarterdeck._findings import Rule
from quarterdeck.config import read

from .config import CONFIG, STATE, ChecksState

if TYPE_CHECKING:
    from quart import Quart


class Checks:
    """Adds rules to those of the rooms.

    Args:
        app: Initialise for this app at once.
        rules: The rules of the app.
        written_as: Returns the name under which an operator sets a key, for example with the
            prefix of environment variables. Findings show this name.
    """

    def __init__(
        self,
        app: Quart | None = None,
        *,
        rules: Iterable[Rule] = (),
        written_as: Callable[[str], str] = str,
    ) -> None:
        self.rules = tuple(rules)
        self.written_as = written_as
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration.

        Raises:
            ConfigurationError: If a key has a wrong value.
            ExtensionAlreadyInitializedError: If it was called for ``app`` before.
        """
        STATE.refuse_second(app)
        silenced = frozenset(read(app, CONFIG)["CHECKS_SILENCED"])
        STATE.attach(app, ChecksState(self.rules, silenced, self.written_as), self)
