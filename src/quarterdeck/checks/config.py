"""The configuration keys of the checks, and the state of an app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quarterdeck._findings import Rule
from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, text_list

CONFIG = (
    ConfigKey(
        "CHECKS_SILENCED",
        (),
        text_list,
        "The ids of rules whose findings are accepted, such as `QD401`. They do not affect the "
        "exit code of `check`.",
    ),
)


@dataclass(frozen=True, slots=True)
class ChecksState:
    """The rules of one app itself.

    Attributes:
        rules: They run after those of the rooms.
        silenced: Ids of rules.
        written_as: Returns the name under which an operator sets a key.
    """

    rules: tuple[Rule, ...]
    silenced: frozenset[str]
    written_as: Callable[[str], str]


STATE: ExtensionState[ChecksState] = ExtensionState("checks", "Checks")
