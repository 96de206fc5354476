"""The head of an HTTP/1.1 response, as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus

Headers = Iterable[tuple[bytes, bytes]]

_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}
_LINES = {
    number: b"HTTP/1.1 %d %s\r\n" % (number, _PHRASES.get(number, b""))
    for number in range(100, 1000)
}
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_KNOWN: set[bytes] = set()  # names that were checked
_MAX_KNOWN = 1000


def response_head(status: int, headers: Headers, fixed: bytes = b"") -> bytes:
    """Return the status line and the headers, up to the empty line.

    Args:
        status: The number.
        headers: Those of this response.
        fixed: Lines that were made before.

    Raises:
        ValueError: If a name or a value could be read as something else.
    """
    lines = [_LINES[status]]
    for name, value in headers:
        if name not in _KNOWN:
            _check_name(name)
        lines.append(b"%b: %b\r\n" % (name, value))
    head = b"".join(lines)
    count = len(lines)
    if head.count(b"\n") != count or head.count(b"\r") != count or b"\0" in head:
        raise ValueError("A header holds a line break or a NUL. Encode the value.")
    return head + fixed + b"\r\n"


def _check_name(name: bytes) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{bytes(name)!r} is not the name of a header.")
    if len(_KNOWN) < _MAX_KNOWN:
        _KNOWN.add(bytes(name))
