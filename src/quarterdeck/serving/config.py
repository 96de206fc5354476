"""What the server can be told, in Hypercorn's form and with its names."""

from __future__ import annotations

from time import time
from typing import Self, cast

import hypercorn.config
from hypercorn.config import FilePath

MIB = 2**20


class Config(hypercorn.config.Config):
    """Hypercorn's configuration with stricter defaults and a few keys of our own.

    ``Config.from_toml("hypercorn.toml")`` reads a file that Hypercorn reads too: it passes
    over the keys it does not know.
    """

    graceful_timeout: float = 10
    """Seconds that requests and handlers have to end by themselves when the server stops."""
    http2_cleartext = False
    """Whether HTTP/2 is spoken without TLS (``Upgrade: h2c`` and prior knowledge)."""
    websocket_deflate = False
    """Whether permessage-deflate is offered."""
    websocket_max_message_size = MIB
    """Bytes of a message, inflated and with all its fragments; one more closes with 1009."""
    websocket_ping_interval: float | None = 20
    """Seconds of quiet after which a client is asked whether it is there; None never asks."""
    websocket_pong_timeout: float = 20
    """Seconds that it has to answer."""
    write_timeout: float = 20
    """Seconds after which a client that takes nothing of what it is sent is cut off."""

    @classmethod
    def from_toml(cls, filename: FilePath) -> Self:
        """Return the configuration that a file holds."""
        return cast(Self, super().from_toml(filename))

    _cached_headers: tuple[tuple[int, str], list[tuple[bytes, bytes]]] | None = None

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """Return the headers of every answer, made once a second."""
        key = (int(time()), protocol)
        if self._cached_headers is None or self._cached_headers[0] != key:
            self._cached_headers = (key, super().response_headers(protocol))
        return self._cached_headers[1]
