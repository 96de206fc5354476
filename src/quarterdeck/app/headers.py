"""Headers between ASGI messages and Werkzeug, with the spelling of each name remembered."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from werkzeug.datastructures import Headers

MAX_NAMES = 512  # clients can send any names


class RequestHeaders(Headers):
    """Headers of a request. Asking for one that is missing costs no exception."""

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]  # one signature instead of overloads
        wanted = key.lower()
        for name, value in self._list:
            if name.lower() == wanted:
                return value if type is None else super().get(key, default, type)
        return default

    def __contains__(self, key: Any) -> bool:
        wanted = key.lower()
        return any(name.lower() == wanted for name, _ in self._list)


def read_headers(scope: Any) -> RequestHeaders:
    """Return the headers of a request as Quart reads them, with the client as ``Remote-Addr``.

    Raises:
        ValueError: If a value has a line break, which no server lets through.
    """
    pairs = [("Remote-Addr", (scope.get("client") or ["<local>"])[0])]
    for name, value in scope["headers"]:
        if b"\n" in value or b"\r" in value:
            raise ValueError("Header values must not contain newline characters.")
        pairs.append((_titled(name), value.decode("latin1")))
    headers = RequestHeaders()
    headers._list = pairs  # 'add' would check each again
    return headers


def encode_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer for an ASGI message."""
    return [(_encoded(name), value.encode()) for name, value in headers]


@lru_cache(MAX_NAMES)
def _titled(name: bytes) -> str:
    return name.decode("latin1").title()


@lru_cache(MAX_NAMES)
def _encoded(name: str) -> bytes:
    return name.lower().encode()
