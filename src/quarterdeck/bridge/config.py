"""The configuration keys of the bridge."""

from __future__ import annotations

from collections.abc import Iterable
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
    ConfigKey(
        "BRIDGE_CASCADE_BACKREFS",
        False,
        boolean,
        "Whether a new object joins the session of the one that it is assigned to, "
        "`Post(author=user)`, as in SQLAlchemy before 2.",
    ),
)


def leave_out_none(app: Any, table: Iterable[ConfigKey]) -> None:
    """Give the keys of a table that are None their defaults.

    Flask apps write ``MAIL_SERVER = os.environ.get("MAIL_SERVER")``.
    """
    for key in table:
        if key.default is not None and app.config.get(key.name, key.default) is None:
            del app.config[key.name]
