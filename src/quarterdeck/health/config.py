"""The configuration keys of the health checks, and the state of an app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from quarterdeck._repeated_logs import OutageLog
from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, seconds

CONFIG = (
    ConfigKey(
        "HEALTH_TIMEOUT_SECONDS",
        2.0,
        seconds,
        "How long each dependency may take to answer. After that, it counts as down.",
        unit="seconds",
    ),
)

Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class HealthState:
    """The checks of one app, beside those of its rooms.

    Attributes:
        timeout: Seconds for each check.
        checks: Functions that raise if a dependency is down, by its name.
        outages: The logs of those that were asked, by name.
    """

    timeout: float
    checks: dict[str, Check] = field(default_factory=dict)
    outages: dict[str, OutageLog] = field(default_factory=dict)


STATE: ExtensionState[HealthState] = ExtensionState("health", "Health")
