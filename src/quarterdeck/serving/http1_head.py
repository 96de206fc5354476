"""The head of an HTTP/1.1 request that httptools has parsed."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from .websocket_handshake import Address, Headers, asks_for_websocket

_ASGI = {"spec_version": "2.1", "version": "3.0"}


class OddError(Exception):
    """The request is for h11."""


class TooLongError(Exception):
    """The head is too long."""


def examine(parser: Any, headers: Headers) -> tuple[bool, bool]:
    """Return whether a request asks for a WebSocket, and whether it waits for ``100 Continue``.

    Args:
        parser: That of httptools, at the end of the head.
        headers: With names in lower case.

    Raises:
        OddError: If it is not plain HTTP/1.1.
    """
    hosts, codings, wants_continue = 0, 0, False
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            codings += 1
            if codings > 1 or value.lower() != b"chunked":
                raise OddError
        elif name == b"expect":
            wants_continue = value.lower() == b"100-continue"
    method = parser.get_method()
    if hosts != 1 or parser.get_http_version() != "1.1" or method == b"CONNECT":
        raise OddError
    is_websocket = False
    if parser.should_upgrade():
        is_websocket = asks_for_websocket(method, headers)
        if not is_websocket:
            raise OddError
    return is_websocket, wants_continue


def http_scope(
    method: str,
    target: bytes,
    headers: Headers,
    *,
    is_tls: bool,
    client: Address | None,
    server: Address | None,
    root_path: str,
    state: dict[str, Any],
) -> dict[str, Any]:
    """Return the ASGI scope of a request."""
    path, _, query = target.partition(b"?")
    text = path.decode("ascii")
    return {
        "type": "http",
        "http_version": "1.1",
        "asgi": _ASGI.copy(),
        "method": method,
        "scheme": "https" if is_tls else "http",
        "path": unquote(text) if "%" in text else text,
        "raw_path": path,
        "query_string": query,
        "root_path": root_path,
        "headers": headers,
        "client": client,
        "server": server,
        "state": state.copy(),
        "extensions": {},
    }
