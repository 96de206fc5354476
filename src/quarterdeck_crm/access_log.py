"""Hypercorn's access log without the cost of what no line of ours shows."""

from __future__ import annotations

from typing import Any

from hypercorn.logging import AccessLogAtoms, Logger


class Atoms(dict[str, Any]):
    """The fields of a line: the usual ones at once, all others when the format asks for them."""

    def __init__(self, request: Any, response: Any, seconds: float) -> None:
        client = request.get("client")
        method = request.get("method", "GET")  # a WebSocket has none
        super().__init__(
            h=f"{client[0]}:{client[1]}" if client and len(client) == 2 else None,
            r=f"{method} {request['path']} {request.get('http_version', 'ws')}",
            s="-" if response is None else str(response["status"]),
            L=f"{seconds:.6f}",
        )
        self._sources = (request, response, seconds)

    def __missing__(self, name: str) -> Any:
        if name in {"b", "B"}:
            return self._content_length()
        return AccessLogAtoms(*self._sources)[name]

    def _content_length(self) -> str:
        response = self._sources[1]
        headers = () if response is None else response.get("headers", ())
        sizes = (value for name, value in headers if name.lower() == b"content-length")
        return next((value.decode("latin-1") for value in sizes), "-")


class AccessLogger(Logger):
    """A logger for ``Config.logger_class``.

    Hypercorn's own decodes every header and copies the whole environment for every line.
    """

    def atoms(self, request: Any, response: Any, request_time: float) -> Atoms:
        return Atoms(request, response, request_time)
