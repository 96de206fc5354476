"""WebSockets between our server and the app: a shorter way than ASGI, and the frames on it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Protocol

#: Key of the ASGI scope's ``extensions`` under which our server offers a ``DirectWebsocket``.
EXTENSION = "quarterdeck.websocket"

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class DirectWebsocket(Protocol):
    """The server's end of one WebSocket; all calls are made on the event loop.

    An app may use it only if it was called with the ``receive`` and ``send`` of this object: a
    middleware that wraps them has to see every message.
    """

    async def receive(self) -> Any:
        """The ``receive`` of ASGI; not called any more after ``listen``."""

    async def send(self, message: Any) -> None:
        """The ``send`` of ASGI."""

    def listen(self, on_message: Callable[[str | bytes], None], on_end: Callable[[], None]) -> None:
        """Hand over each message as it arrives, and then once that the client has left."""

    def hold(self) -> None:
        """Hand over no more messages, and hold the client back."""

    def release(self) -> None:
        """Go on after ``hold``."""

    def write(self, frame: bytes) -> bool:
        """Write a whole frame at once; False if it has to wait, and was not written."""


def encode_frame(opcode: int, payload: bytes, *, first_byte: int = 0x80) -> bytes:
    """Return a message as one frame, as servers send it: without a mask.

    Args:
        opcode: The kind of the message.
        payload: Its bytes.
        first_byte: The bits beside the opcode; by default, that the message is whole.
    """
    size = len(payload)
    if size <= 125:
        head = struct.pack("!BB", first_byte | opcode, size)
    elif size < 2**16:
        head = struct.pack("!BBH", first_byte | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", first_byte | opcode, 127, size)
    return head + payload
