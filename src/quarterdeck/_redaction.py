"""Text that is safe to log: no control characters, no secrets.

A path, a header or a message of a client may hold a line break or a terminal's escape sequence,
and would then forge a line of the log or run in the terminal that shows it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote_plus

#: Stands where a secret was.
MASK = "***"
#: Key of an ASGI scope under which the app leaves the path as the server may log it.
LOG_PATH = "quarterdeck.log_path"

# C0 and C1 controls, line and paragraph separators, controls of writing direction, surrogates.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SECRET_NAME = re.compile(r"(secret|passw|token|credential|api_?key|private|signature)", re.I)
_SECRET_HEADERS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "set-cookie", "x-csrf-token", "x-csrftoken"}
)


def printable(text: str) -> str:
    """Return ``text`` on one line: control characters are written as escapes."""
    if text.isascii() and text.isprintable():
        return text  # nearly every path
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def is_secret(name: str) -> bool:
    """Whether the value of a field, key or argument of this name must not be shown."""
    return _SECRET_NAME.search(name) is not None


def redacted_header(name: str, value: str) -> str:
    """Return the value of a header as it may be logged."""
    return MASK if name.lower() in _SECRET_HEADERS else printable(value)


def redacted_query(query: str) -> str:
    """Return a query string as it may be logged."""
    if not query:
        return query
    pairs = (pair.partition("=") for pair in query.split("&"))
    return printable(
        "&".join(
            f"{name}={MASK}" if value and is_secret(unquote_plus(name)) else f"{name}{sign}{value}"
            for name, sign, value in pairs
        )
    )


def redacted_path(path: str, arguments: Mapping[str, Any] | None) -> str:
    """Return a path as it may be logged.

    Args:
        path: The decoded path.
        arguments: Those of the route by name: ``/reset/<token>`` has a secret one.
    """
    for name, value in (arguments or {}).items():
        if is_secret(name) and str(value):
            path = path.replace(str(value), MASK).replace(quote(str(value)), MASK)
    return printable(path)


class SafeFormatter(logging.Formatter):
    """A formatter that indents the lines after the first of a record, as of a traceback.

    Args:
        inner: The formatter that makes the text.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text without control characters."""
        text = self._inner.format(record)
        if text.isascii() and text.isprintable():
            return text
        return "\n    ".join(printable(line) for line in text.split("\n"))
