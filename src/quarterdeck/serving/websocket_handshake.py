"""The opening handshake of a WebSocket (RFC 6455, section 4.2)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from wsproto.handshake import WEBSOCKET_VERSION
from wsproto.utilities import generate_accept_token, split_comma_header

from .config import Config
from .deflate import Deflate, agree

Address = tuple[str, int]
Headers = list[tuple[bytes, bytes]]

_OWN = frozenset({
    b"connection", b"sec-websocket-accept", b"sec-websocket-extensions", b"sec-websocket-protocol",
    b"upgrade",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a WebSocket.

    Attributes:
        headers: With names in lower case.
        version: ``"1.1"``, or an older one.
        target: The path with the query.
        client: The address; None for a Unix domain socket.
        server: The same for the server.
        is_tls: Whether the client spoke TLS.
        state: The ``state`` of the lifespan.
    """

    headers: Headers
    version: str
    target: bytes
    client: Address | None
    server: Address | None
    is_tls: bool
    state: dict[str, Any]

    def scope(self, root_path: str) -> dict[str, Any]:
        """Return the ASGI scope."""
        path, _, query = self.target.partition(b"?")
        return {
            "type": "websocket",
            "asgi": {"spec_version": "2.3", "version": "3.0"},
            "scheme": "wss" if self.is_tls else "ws",
            "http_version": self.version,
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": root_path,
            "headers": self.headers,
            "client": self.client,
            "server": self.server,
            "state": self.state.copy(),
            "subprotocols": self.tokens(b"sec-websocket-protocol"),
            "extensions": {"websocket.http.response": {}},
        }

    def tokens(self, name: bytes) -> list[str]:
        """Return the parts of a header that is a list, of all its lines."""
        lines = [value for each, value in self.headers if each == name]
        return [part for line in lines for part in split_comma_header(line)]

    def refusal(self, server_names: Iterable[str]) -> tuple[int, Headers] | None:
        """Return the status and headers of the response to an invalid handshake."""
        values = dict(reversed(self.headers))  # the first of each name
        if server_names and values.get(b"host", b"").decode("latin-1") not in server_names:
            return 404, []
        if values.get(b"sec-websocket-version") != WEBSOCKET_VERSION:
            return 426, [(b"sec-websocket-version", WEBSOCKET_VERSION), (b"upgrade", b"websocket")]
        if (
            self.version != "1.1"
            or not _is_key(values.get(b"sec-websocket-key"))
            or "upgrade" not in map(str.lower, self.tokens(b"connection"))
            or "websocket" not in map(str.lower, self.tokens(b"upgrade"))
            or b"transfer-encoding" in values  # a body would be read as frames
            or values.get(b"content-length", b"0") != b"0"
        ):
            return 400, []
        return None


def asks_for_websocket(method: bytes, headers: Headers) -> bool:
    """Whether a request with these headers, with names in lower case, is meant for a WebSocket."""
    tokens: dict[bytes, bytes] = {b"upgrade": b"", b"connection": b""}
    for name, value in headers:
        if name in tokens:
            tokens[name] += b"," + value.lower()
    upgrade, connection = ([part.strip() for part in each.split(b",")] for each in tokens.values())
    return method == b"GET" and b"websocket" in upgrade and b"upgrade" in connection


def accept(
    request: Request, message: Any, config: Config
) -> tuple[list[tuple[bytes, bytes]], Deflate | None]:
    """Return the headers of the response that accepts, and the agreed compression.

    Args:
        request: A valid one.
        message: The app's ``websocket.accept``.
        config: Whether compression is offered.

    Raises:
        ValueError: If the app gives a subprotocol that was not offered, or a header of ours.
    """
    key = next(value for name, value in request.headers if name == b"sec-websocket-key")
    headers = [
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-accept", generate_accept_token(key)),
    ]
    subprotocol = message.get("subprotocol")
    if subprotocol is not None:
        if subprotocol not in request.tokens(b"sec-websocket-protocol"):
            raise ValueError(f"The client did not offer the subprotocol {subprotocol!r}.")
        headers.append((b"sec-websocket-protocol", subprotocol.encode()))
    for name, value in message.get("headers", ()):
        if bytes(name).lower() in _OWN:
            raise ValueError(f"The header {bytes(name)!r} of a handshake is the server's.")
        headers.append((name, value))
    agreed = None
    if config.websocket_deflate:
        agreed = agree(request.tokens(b"sec-websocket-extensions"))
    if agreed is None:
        return headers, None
    header, deflate = agreed
    return [*headers, (b"sec-websocket-extensions", header)], deflate


def _is_key(key: bytes | None) -> bool:
    try:
        return key is not None and len(b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False
