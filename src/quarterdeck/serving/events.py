"""Events from a protocol to its connection, in addition to Hypercorn's."""

from __future__ import annotations

from dataclasses import dataclass

from hypercorn.events import Event

from .websocket_handshake import Request


@dataclass(frozen=True)
class Upgrade(Event):
    """The connection becomes a WebSocket.

    Attributes:
        request: The request for it.
        early: Bytes that came with it.
    """

    request: Request
    early: bytes
