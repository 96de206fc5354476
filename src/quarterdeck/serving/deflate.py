"""permessage-deflate (RFC 7692) without memory between messages, and with a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from wsproto.extensions import PerMessageDeflate
from wsproto.handshake import server_extensions_handshake

_TAIL = b"\x00\x00\xff\xff"  # what both sides leave out at the end of a message


class Deflate:
    """The compression of one connection.

    A compressor kept between messages would cost 300 KB for each connection, so both sides
    begin each message without one.
    """

    __slots__ = ("_client_bits", "_inflater", "_server_bits")

    def __init__(self, client_bits: int, server_bits: int) -> None:
        self._client_bits = client_bits
        self._server_bits = server_bits
        self._inflater: Any = None  # while a message is being read

    def inflate(self, data: bytes, room: int, *, is_last: bool) -> bytes | None:
        """Return the content of the next fragment of a message; None if it is not deflated.

        Args:
            data: The fragment.
            room: At most one byte more than this is inflated, to show that it is too large.
            is_last: Whether the message ends here.
        """
        if self._inflater is None:
            self._inflater = zlib.decompressobj(-self._client_bits)
        try:
            inflated: bytes = self._inflater.decompress(data, room + 1)
            if is_last and len(inflated) <= room:
                inflated += self._inflater.decompress(_TAIL, room + 1 - len(inflated))
        except zlib.error:
            return None
        if is_last:
            self._inflater = None
        return inflated

    def deflate(self, data: bytes) -> bytes:
        """Return a message compressed."""
        deflater = zlib.compressobj(wbits=-self._server_bits)
        return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[: -len(_TAIL)]


def agree(offers: Iterable[str]) -> tuple[bytes, Deflate] | None:
    """Return the header that accepts one of a client's offers, with the compression."""
    extension = PerMessageDeflate(client_no_context_takeover=True, server_no_context_takeover=True)
    accepted = server_extensions_handshake(offers, [extension])
    if not accepted:
        return None
    return accepted, Deflate(extension.client_max_window_bits, extension.server_max_window_bits)
