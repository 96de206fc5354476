"""The access log: short lines, cheap to write, without forged lines and secrets.

In the format ``json`` a line also has the route, the user and the request id that the app noted.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from hypercorn.config import Config
from hypercorn.logging import AccessLogAtoms, Logger

from quarterdeck._exchange import EXCHANGE, Exchange
from quarterdeck._logs import (
    FIELDS,
    JSONFormatter,
    access_fields,
    active_formatter,
    json_access_line,
    setup,
)
from quarterdeck._redaction import (
    LOG_PATH,
    SafeFormatter,
    printable,
    redacted_header,
    redacted_query,
)

from .log_files import LineWriter

#: Address, method, path and protocol, status, bytes of the body, seconds.
SHORT_FORMAT = "%(h)s %(r)s %(s)s %(b)s %(L)ss"


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
_TIME = "[%Y-%m-%d %H:%M:%S %z]"
_LINE = "%(asctime)s [%(process)d] [%(levelname)s] %(message)s"


class AccessLogger(Logger):
    """The ``logger_class`` of our ``Config``, for the access log and the error log.

    Hypercorn's own writes paths and headers as they came, decodes every header, copies the whole
    environment for every line, and writes each line by itself.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        chosen = getattr(config, "log_format", None)
        if chosen is not None and active_formatter() is None:  # an app has not decided yet
            setup(chosen)
        formatter = active_formatter()
        self._writes_json = isinstance(formatter, JSONFormatter)
        is_own = config.logconfig is None and config.logconfig_dict is None
        self._writer = _writer_of(self.access_logger, config.accesslog) if is_own else None
        self._second = (0, "")
        loggers: tuple[logging.Logger | None, ...] = (self.access_logger, self.error_logger)
        for logger in loggers:
            for handler in logger.handlers if logger is not None else ():
                if self._writes_json:
                    handler.setFormatter(formatter)
                elif (plain := handler.formatter) is not None:
                    inner = logging.Formatter(_LINE, _TIME) if is_own else plain
                    handler.setFormatter(SafeFormatter(inner))
        if formatter is not None and self.error_logger is not None and self.error_logger.handlers:
            self.error_logger.propagate = False  # the root logger has a handler of its own

    async def access(self, request: Any, response: Any, request_time: float) -> None:
        """Write the line of a request."""
        logger = self.access_logger
        if logger is None or not logger.isEnabledFor(logging.INFO):
            return
        if self._writer is not None and self._writer.is_alone_at(logger):
            self._writer.write(self._line(request, response, request_time))
        else:
            logger.handle(self._record(logger, request, response, request_time))

    def flush(self) -> None:
        """Write the lines that wait."""
        if self._writer is not None:
            self._writer.flush()

    def atoms(self, request: Any, response: Any, request_time: float) -> Atoms:
        return Atoms(request, response, request_time)

    def _line(self, request: Any, response: Any, seconds: float) -> str:
        """Return a line without the cost of a log record, and of fields that it does not show."""
        if self._writes_json:
            return json_access_line("hypercorn.access", _exchange_of(request), response, seconds)
        if self.access_log_format == SHORT_FORMAT:
            message = _short_message(request, response, seconds)
        else:
            message = self.access_log_format % self.atoms(request, response, seconds)
        if not (message.isascii() and message.isprintable()):
            message = printable(message)
        return f"{self._beginning()}{message}"

    def _beginning(self) -> str:
        now = int(time.time())
        if self._second[0] != now:  # written once a second
            text = f"{time.strftime(_TIME, time.localtime(now))} [{os.getpid()}] [INFO] "
            self._second = (now, text)
        return self._second[1]

    def _record(
        self, logger: logging.Logger, request: Any, response: Any, seconds: float
    ) -> logging.LogRecord:
        if self._writes_json:
            fields = access_fields(_exchange_of(request), response, seconds)
            text = f"{fields['method']} {fields['path']} {fields.get('status', '-')}"
            record = logging.LogRecord(logger.name, logging.INFO, "", 0, text, None, None)
            setattr(record, FIELDS, fields)
            return record
        atoms = (self.atoms(request, response, seconds),)
        text = self.access_log_format
        return logging.LogRecord(logger.name, logging.INFO, "", 0, text, atoms, None)


def _writer_of(logger: logging.Logger | None, target: Any) -> LineWriter | None:
    """Put a ``LineWriter`` in the place of the handler that Hypercorn made for a target."""
    if logger is None or not isinstance(target, str):
        return None
    (handler,) = logger.handlers
    writer = LineWriter(target)
    writer.setFormatter(handler.formatter)
    logger.handlers = [writer]
    handler.close()
    return writer


def _exchange_of(request: Any) -> Exchange:
    return request.get(EXCHANGE) or Exchange(request)


def _short_message(request: Any, response: Any, seconds: float) -> str:
    path = request.get(LOG_PATH) or request["path"]
    version = request.get("http_version", "ws")
    status, size = "-", "-"
    if response is not None:
        status = response["status"]
        for name, value in response.get("headers", ()):
            if len(name) == 14 and name.lower() == b"content-length":
                size = value.decode("latin-1")
                break
    address = _address_of(request.get("client"))
    method = request.get("method", "GET")  # a WebSocket has none
    return f"{address} {method} {path} {version} {status} {size} {seconds:.6f}s"
