"""The configuration keys of the bridge."""

from __future__ import annotations

from typing import Any

from quarterdeck.config import ConfigKey, boolean, seconds, type_name


@type_name("list of text")
def _endpoints(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str):
        return tuple(raw.replace(",", " ").split())
    if not all(isinstance(each, str) for each in raw):
        raise ValueError("a list of endpoints")
    return tuple(raw)


CONFIG = (
    ConfigKey(
        "BRIDGE_THREADED_VIEWS",
        (),
        _endpoints,
        "Endpoints of views that run in a thread, because they block: `reports.export`; `*` for "
        "all views.",
    ),
    ConfigKey(
        "BRIDGE_BLOCKING_SECONDS",
        0.05,
        seconds,
        "In debug mode, code that holds up the event loop for this long is logged with its place. "
        "0 switches this off.",
        unit="seconds",
    ),
    ConfigKey(
        "BRIDGE_ABSOLUTE_LOCATION",
        False,
        boolean,
        "Whether redirects name scheme and host, as Werkzeug before 2.1 sent them.",
    ),
)
