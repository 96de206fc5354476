"""The configuration keys of Moment, and its state for one app."""

from __future__ import annotations

from dataclasses import dataclass

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, text

CONFIG = (
    ConfigKey(
        "MOMENT_DEFAULT_FORMAT",
        "LLL",
        text,
        "The format of `moment(t).format()` without tokens.",
    ),
)


@dataclass(frozen=True, slots=True)
class MomentState:
    """The checked configuration of one app."""

    default_format: str


STATE: ExtensionState[MomentState] = ExtensionState("moment", "Moment")
