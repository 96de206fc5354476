"""The configuration keys of the logs, and the state of an app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quarterdeck._logs import FORMATS
from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, boolean, mapping, seconds, text

from .checks import RULES

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

CONFIG = (
    ConfigKey(
        "LOG_FORMAT",
        None,
        text,
        "How this process writes its log records: `text` for people, `json` for one JSON object a "
        "line. None leaves Python's logging as it is.",
        choices=FORMATS,
    ),
    ConfigKey(
        "LOG_LEVEL",
        "INFO",
        text,
        "Records below this level are not written. Used if `LOG_FORMAT` is set.",
        choices=LEVELS,
    ),
    ConfigKey(
        "LOG_LEVELS",
        {},
        mapping,
        "Levels of single loggers, such as `{'sqlalchemy.engine': 'INFO'}` for all statements.",
    ),
    ConfigKey(
        "LOG_REQUEST_ID_HEADER",
        "X-Request-ID",
        text,
        "The header of every response with the id of the request.",
    ),
    ConfigKey(
        "LOG_TRUST_REQUEST_ID",
        False,
        boolean,
        "Whether the id is taken from this header of the request. Set it only if every request "
        "comes through a proxy that sets or removes the header. Requests from `TRUSTED_PROXIES` "
        "need no such setting.",
    ),
    ConfigKey(
        "LOG_SLOW_REQUEST_SECONDS",
        1.0,
        seconds,
        "A request whose response begins later is logged as slow. 0 is never.",
        unit="seconds",
    ),
)


@dataclass(frozen=True, slots=True)
class LoggingState:
    """The checked configuration of one app."""

    rules = RULES  # of 'quarterdeck check'

    config: dict[str, Any]


STATE: ExtensionState[LoggingState] = ExtensionState("logging", "Logging")
