"""The configuration keys of the traces, and the state of an app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, text

CONFIG = (
    ConfigKey(
        "OTEL_SERVICE",
        None,
        text,
        "The name of the service in traces. None is `OTEL_SERVICE_NAME` of the environment, or the "
        "name of the app.",
    ),
)


@dataclass(slots=True)
class OpenTelemetryState:
    """The traces of one app.

    Attributes:
        shutdown: Exports the last spans; None until the app serves with an exporter.
    """

    shutdown: Callable[[], Any] | None = None


STATE: ExtensionState[OpenTelemetryState] = ExtensionState("otel", "OpenTelemetry")
