"""The configuration keys of the metrics, and the state of an app."""

from __future__ import annotations

from dataclasses import dataclass

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, seconds, text

from .collected import Collected

CONFIG = (
    ConfigKey(
        "METRICS_NAMESPACE",
        "quart",
        text,
        "The first word of the name of each metric.",
    ),
    ConfigKey(
        "METRICS_INTERVAL",
        1.0,
        seconds,
        "How often the delay of the event loop is measured, and the figures of the rooms are "
        "brought up to date for the other workers.",
        unit="seconds",
    ),
)


@dataclass(frozen=True, slots=True)
class MetricsState:
    """The metrics of one app."""

    collected: Collected


STATE: ExtensionState[MetricsState] = ExtensionState("metrics", "Metrics")
