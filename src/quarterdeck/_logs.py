"""How log records are written: as readable lines, or as one JSON object a line.

The format belongs to the process, because Python's loggers do. The server and the logging room
share this module.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ._exchange import Exchange, current_exchange
from ._masking import is_secret_name, masked
from ._redaction import LOG_PATH, printable

FORMATS = ("text", "json")
#: Attribute of a record with the fields of an access line.
FIELDS = "quarterdeck_fields"

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", FIELDS}
_encode = msgspec.json.Encoder(enc_hook=str).encode
_active: logging.Formatter | None = None


def setup(format: str = "text", level: str | int = "INFO") -> None:
    """Write all log records of this process in one format, on standard error.

    Handlers that other code has added to the root logger stay. A second call replaces the format
    and the level.

    Args:
        format: ``"text"``, or ``"json"`` for one JSON object a line.
        level: Of the root logger.
    """
    global _active
    _active = JSONFormatter() if format == "json" else TextFormatter()
    root = logging.getLogger()
    handler = next((one for one in root.handlers if isinstance(one, _Handler)), None)
    if handler is None:
        handler = _Handler()
        root.addHandler(handler)
    handler.setFormatter(_active)
    root.setLevel(level)


def active_formatter() -> logging.Formatter | None:
    """Return the formatter that :func:`setup` has set, None if it was not called."""
    return _active


class _Handler(logging.StreamHandler[Any]):
    """The one handler that :func:`setup` adds; it writes to the present ``sys.stderr``."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


class JSONFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, worker, request and extra fields.

    Values of ``extra`` are written under their names; those with the name of a secret are masked.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "time": timestamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields: Mapping[str, Any] | None = getattr(record, FIELDS, None)
        if fields is None:
            line |= fields_of(current_exchange())
            line |= _extra(record)
            if record.exc_info and record.exc_info[0] is not None:
                line["exception"] = self.formatException(record.exc_info)
            if record.stack_info:
                line["stack"] = record.stack_info
        else:
            line |= fields
        line["worker"] = os.getpid()
        return _encode(line).decode()


class _AccessLine(msgspec.Struct, omit_defaults=True):
    """The line of a request, which msgspec writes faster than a dictionary."""

    time: str
    level: str
    logger: str
    message: str
    request_id: str | None = None
    trace_id: str | None = None
    method: str = ""
    path: str = ""
    route: str | None = None
    endpoint: str | None = None
    user: str | None = None
    address: str | None = None
    status: int | None = None
    duration: float = -1
    worker: int = 0


def json_access_line(logger: str, exchange: Exchange, response: Any, seconds: float) -> str:
    """Return the line of a request without a log record, in the form of ``JSONFormatter``."""
    scope = exchange.scope
    method, path = exchange.method, scope.get(LOG_PATH) or printable(scope["path"])
    status = None if response is None else response["status"]
    client = scope.get("client")
    line = _AccessLine(
        timestamp(time.time()),
        "INFO",
        logger,
        f"{method} {path} {'-' if status is None else status}",
        exchange.request_id,
        exchange.trace_id,
        method,
        path,
        exchange.route,
        exchange.endpoint,
        exchange.user_id,
        client[0] if client else None,
        status,
        round(seconds, 6),
        os.getpid(),
    )
    return _encode(line).decode()


def access_fields(exchange: Exchange, response: Any, seconds: float) -> dict[str, Any]:
    """Return the fields of a request and its response for an access line."""
    fields = fields_of(exchange)
    if response is not None:
        fields["status"] = response["status"]
    fields["duration"] = round(seconds, 6)
    return fields


class TextFormatter(logging.Formatter):
    """A line for people, with the first digits of the request id; control characters escaped."""

    def __init__(self) -> None:
        super().__init__("[%(asctime)s] %(levelname)s %(name)s: %(message)s%(request)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line, followed by the indented lines of a traceback."""
        exchange = current_exchange()
        name = None if exchange is None else exchange.request_id
        record.request = "" if name is None else f" (request {name[:8]})"
        text = super().format(record)
        if text.isascii() and text.isprintable():
            return text
        return "\n    ".join(printable(line) for line in text.split("\n"))


def fields_of(exchange: Exchange | None) -> dict[str, Any]:
    """Return the fields of a request for a log line."""
    if exchange is None:
        return {}
    client = exchange.scope.get("client")
    fields = {
        "request_id": exchange.request_id,
        "trace_id": exchange.trace_id,
        "method": exchange.method,
        "path": exchange.scope.get(LOG_PATH) or printable(exchange.scope["path"]),
        "route": exchange.route,
        "endpoint": exchange.endpoint,
        "user": exchange.user_id,
        "address": client[0] if client else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


_second = (0, "")


def timestamp(seconds: float) -> str:
    """Return a time in UTC with milliseconds, as RFC 3339 has it."""
    global _second
    whole = int(seconds)
    if _second[0] != whole:  # the date is written once a second
        _second = (whole, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)))
    return f"{_second[1]}.{int((seconds - whole) * 1000):03}Z"


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: masked(value, secret=is_secret_name(name))
        for name, value in vars(record).items()
        if name not in _ORDINARY
    }
