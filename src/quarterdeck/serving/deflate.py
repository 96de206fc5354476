"""permessage-deflate that stops inflating when a message becomes too large."""

from __future__ import annotations

import zlib
from typing import Any

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason


class BoundedDeflate(PerMessageDeflate):
    """wsproto's extension with a size limit; its own inflates the whole message first."""

    def __init__(self, max_size: int) -> None:
        # A compressor kept between messages would cost 300 KB for each connection.
        super().__init__(client_no_context_takeover=True, server_no_context_takeover=True)
        self._max_size = max_size
        self._inflated = 0

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        if not self._inbound_compressed or not self._inbound_is_compressible:
            return data
        assert self._decompressor is not None  # noqa: S101 - wsproto made it with the header
        try:
            inflated = self._decompressor.decompress(data, self._max_size - self._inflated + 1)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._inflated += len(inflated)
        if self._inflated > self._max_size:
            return CloseReason.MESSAGE_TOO_BIG
        return inflated

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        if fin and self._inbound_is_compressible:
            self._inflated = 0
        return super().frame_inbound_complete(proto, fin)
