"""Hypercorn's access log without forged lines, secrets, and the cost of fields not shown.

In the format ``json`` a line also has the route, the user and the request id that the app noted.
"""

from __future__ import annotations

import logging
from typing import Any

from hypercorn.config import Config
from hypercorn.logging import AccessLogAtoms, Logger

from quarterdeck._exchange import EXCHANGE, Exchange
from quarterdeck._logs import FIELDS, JSONFormatter, active_formatter, fields_of, setup
from quarterdeck._redaction import (
    LOG_PATH,
    SafeFormatter,
    printable,
    redacted_header,
    redacted_query,
)


class Atoms(dict[str, Any]):
    """The fields of a line: the usual ones at once, all others when the format asks for them."""

    def __init__(self, request: Any, response: Any, seconds: float) -> None:
        client = request.get("client")
        method = printable(request.get("method", "GET"))  # a WebSocket has none
        self._path = request.get(LOG_PATH) or printable(request["path"])
        self._method = method
        self._protocol = request.get("http_version", "ws")
        super().__init__(
            h=_address_of(client),
            r=f"{method} {self._path} {self._protocol}",
            s="-" if response is None else str(response["status"]),
            L=f"{seconds:.6f}",
        )
        self._sources = (request, response, seconds)
        self._rare: AccessLogAtoms | None = None  # Hypercorn's, which decode every header

    def __missing__(self, name: str) -> Any:
        if name in {"b", "B"}:
            return self._content_length()
        if name in {"q", "U", "Uq", "R"}:
            return self._address(name)
        if self._rare is None:
            self._rare = AccessLogAtoms(*self._sources)
        value = self._rare[name]
        if name.startswith("{") and not name.endswith("e"):
            return redacted_header(name[1:].partition("}")[0], value)
        return printable(str(value))

    def _address(self, name: str) -> str:
        query = redacted_query(self._sources[0]["query_string"].decode("latin-1"))
        with_query = f"{self._path}?{query}" if query else self._path
        return {
            "q": query,
            "U": self._path,
            "Uq": with_query,
            "R": f"{self._method} {with_query} {self._protocol}",
        }[name]

    def _content_length(self) -> str:
        response = self._sources[1]
        headers = () if response is None else response.get("headers", ())
        sizes = (value for name, value in headers if name.lower() == b"content-length")
        return next((value.decode("latin-1") for value in sizes), "-")


def _address_of(client: Any) -> str | None:
    """Return ``ADDRESS:PORT``, or the address alone if a proxy gave no port."""
    if not client or len(client) != 2:
        return None
    return f"{client[0]}:{client[1]}" if client[1] else str(client[0])


# Hypercorn's, with the format of the time.
_LINE = (
    "%(asctime)s [%(process)d] [%(levelname)s] %(message)s",
    "[%Y-%m-%d %H:%M:%S %z]",
)


class _Lines(logging.Formatter):
    """Hypercorn's form of a line; the time is written once a second."""

    _second = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        if self._second[0] != int(record.created):
            self._second = (int(record.created), super().formatTime(record, datefmt))
        return self._second[1]


class AccessLogger(Logger):
    """The ``logger_class`` of our ``Config``, for the access log and the error log.

    Hypercorn's own writes paths and headers as they came, decodes every header and copies the
    whole environment for every line.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        chosen = getattr(config, "log_format", None)
        if chosen is not None and active_formatter() is None:  # an app has not decided yet
            setup(chosen)
        formatter = active_formatter()
        self._writes_json = isinstance(formatter, JSONFormatter)
        loggers: tuple[logging.Logger | None, ...] = (self.access_logger, self.error_logger)
        for logger in loggers:
            for handler in logger.handlers if logger is not None else ():
                if self._writes_json:
                    handler.setFormatter(formatter)
                elif (plain := handler.formatter) is not None:
                    is_own = config.logconfig is None and config.logconfig_dict is None
                    inner = _Lines(*_LINE) if is_own else plain
                    handler.setFormatter(SafeFormatter(inner))
        if formatter is not None and self.error_logger is not None and self.error_logger.handlers:
            self.error_logger.propagate = False  # the root logger has a handler of its own

    async def access(self, request: Any, response: Any, request_time: float) -> None:
        """Write the line of a request without the search for its place in the code."""
        logger = self.access_logger
        if logger is None or not logger.isEnabledFor(logging.INFO):
            return
        if self._writes_json:
            fields = _fields(request, response, request_time)
            text = f"{fields['method']} {fields['path']} {fields.get('status', '-')}"
            record = logging.LogRecord(logger.name, logging.INFO, "", 0, text, None, None)
            setattr(record, FIELDS, fields)
        else:
            atoms = (self.atoms(request, response, request_time),)
            text = self.access_log_format
            record = logging.LogRecord(logger.name, logging.INFO, "", 0, text, atoms, None)
        logger.handle(record)

    def atoms(self, request: Any, response: Any, request_time: float) -> Atoms:
        return Atoms(request, response, request_time)


def _fields(request: Any, response: Any, seconds: float) -> dict[str, Any]:
    fields = fields_of(request.get(EXCHANGE) or Exchange(request))
    if response is not None:
        fields["status"] = response["status"]
    fields["duration"] = round(seconds, 6)
    return fields
