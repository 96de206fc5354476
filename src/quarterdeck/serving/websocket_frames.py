"""Frames of a WebSocket client, read into whole messages (RFC 6455, section 5)."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import Any

from quarterdeck._websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

from .deflate import Deflate

PROTOCOL_ERROR, NO_STATUS, INVALID_DATA, POLICY_VIOLATION, MESSAGE_TOO_BIG = (
    1002,
    1005,
    1007,
    1008,
    1009,
)

#: Fragments of a message that may be of any size.
MAX_FRAGMENTS = 1000
#: Bytes that each fragment of a longer message must bring on average. Each costs as much to read
#: as a message, so 400,000 empty ones in 2.4 MB would take seconds of the CPU.
MIN_FRAGMENT_SIZE = 16

_FIN, _RSV1, _RSV, _MASKED, _SIZE, _OPCODE = 0x80, 0x40, 0x70, 0x80, 0x7F, 0x0F
_DATA = (CONTINUATION, TEXT, BINARY)
_CONTROL = (CLOSE, PING, PONG)
#: Close codes below 3000 that a client may send (RFC 6455, section 7.4, and the registry).
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1014)})
_Utf8Decoder = getincrementaldecoder("utf-8")

Frame = tuple[int, Any]


class FrameError(Exception):
    """A client broke the protocol or a limit.

    Attributes:
        code: The close code.
        reason: A few words for the client.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class MessageReader:
    """Reads the bytes of one client. It holds at most one message, and one incomplete frame.

    Args:
        max_size: Bytes of the largest message, inflated and with all its fragments.
        deflate: The agreed compression, or None.
    """

    __slots__ = (
        "_at", "_count", "_data", "_deflate", "_inflating", "_max_size", "_message", "_needed",
        "_opcode", "_rest", "_utf8",
    )  # fmt: skip

    def __init__(self, max_size: int, deflate: Deflate | None = None) -> None:
        self._max_size = max_size
        self._deflate = deflate
        self._data, self._at = b"", 0
        self._rest: bytearray | None = None  # an incomplete frame
        self._needed = 0  # bytes of it, before it is looked at again
        self._message: bytearray | None = None  # the fragments so far
        self._opcode = self._count = 0
        self._inflating = False
        self._utf8: Any = None

    def feed(self, data: bytes) -> None:
        """Take bytes of the client; ``next`` reads them."""
        rest = self._rest
        if rest is not None:
            rest += data
            if len(rest) < self._needed:
                return
            data, self._rest = bytes(rest), None
        elif self._at < len(self._data):
            data = self._data[self._at :] + data
        self._data, self._at = data, 0

    def next(self) -> Frame | None:
        """Return the next frame, or None if the bytes do not hold a whole one.

        Returns:
            The opcode with its content: ``TEXT`` with a str, ``BINARY``, ``PING`` and ``PONG``
            with bytes, ``CLOSE`` with a code and a reason. ``CONTINUATION`` with None is a
            fragment that does not complete its message.

        Raises:
            FrameError: If the client must be disconnected. The reader is of no use then.
        """
        data, at = self._data, self._at
        there = len(data) - at
        if self._rest is not None:
            return None
        if there < 2:
            self._wait(2)
            return None
        first, second = data[at], data[at + 1]
        size, begin = second & _SIZE, at + 6
        opcode = first & _OPCODE
        if opcode in _CONTROL:
            if not first & _FIN or size > 125 or first & _RSV:
                raise FrameError(PROTOCOL_ERROR, "Invalid control frame")
        else:
            self._check_data_frame(first, opcode)
            if size > 125:
                width = 2 if size == 126 else 8
                if there < 2 + width:
                    self._wait(2 + width)
                    return None
                size = int.from_bytes(data[at + 2 : at + 2 + width])
                if size < (126 if width == 2 else 2**16) or size >> 63:
                    raise FrameError(PROTOCOL_ERROR, "Invalid length")
                begin += width
        if not second & _MASKED:
            raise FrameError(PROTOCOL_ERROR, "Not masked")
        if size > self._max_size:
            raise FrameError(MESSAGE_TOO_BIG, "Too big")
        end = begin + size
        if end > len(data):
            self._wait(end - at)
            return None
        self._at = end
        payload = _unmask(data[begin:end], data[begin - 4 : begin])
        if opcode in _CONTROL:
            return opcode, _close_of(payload) if opcode == CLOSE else payload
        if first & _FIN and opcode and not self._inflating:  # a whole message, as nearly all are
            self._opcode = 0
            return opcode, _text_of(payload) if opcode == TEXT else payload
        return self._add(payload, is_last=bool(first & _FIN))

    def _wait(self, needed: int) -> None:
        """Keep an incomplete frame until so many bytes of it are there."""
        rest = self._data[self._at :]
        self._rest = bytearray(rest) if rest else None
        self._needed = needed
        self._data, self._at = b"", 0

    def _check_data_frame(self, first: int, opcode: int) -> None:
        if opcode not in _DATA:
            raise FrameError(PROTOCOL_ERROR, "Unknown opcode")
        is_compressed = first & _RSV == _RSV1 and self._deflate is not None and opcode
        if first & _RSV and not is_compressed:
            raise FrameError(PROTOCOL_ERROR, "Reserved bit set")
        if (opcode == CONTINUATION) != (self._message is not None):
            raise FrameError(PROTOCOL_ERROR, "Unexpected kind of frame")
        if opcode:
            self._opcode = opcode
            self._inflating = bool(is_compressed)

    def _add(self, payload: bytes, *, is_last: bool) -> Frame:
        """Add a fragment, or a compressed message, to the message that is being read."""
        if self._message is None:
            self._message, self._count = bytearray(), 0
            self._utf8 = _Utf8Decoder() if self._opcode == TEXT else None
        message = self._message
        if self._inflating:
            payload = self._inflate(payload, self._max_size - len(message), is_last=is_last)
        message += payload
        self._count += 1
        if len(message) > self._max_size:
            raise FrameError(MESSAGE_TOO_BIG, "Too big")
        if self._count > MAX_FRAGMENTS and len(message) < self._count * MIN_FRAGMENT_SIZE:
            raise FrameError(POLICY_VIOLATION, "Fragments too small")
        if self._utf8 is not None:  # what is no text is refused before the rest arrives
            try:
                self._utf8.decode(payload, is_last)
            except UnicodeDecodeError:
                raise FrameError(INVALID_DATA, "Not UTF-8") from None
        if not is_last:
            return CONTINUATION, None
        opcode, self._opcode, self._message, self._utf8 = self._opcode, 0, None, None
        return opcode, message.decode() if opcode == TEXT else bytes(message)

    def _inflate(self, payload: bytes, room: int, *, is_last: bool) -> bytes:
        assert self._deflate is not None  # noqa: S101 - or the bit would have been refused
        inflated = self._deflate.inflate(payload, room, is_last=is_last)
        if inflated is None:
            raise FrameError(INVALID_DATA, "Not deflated")
        return inflated


def _unmask(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    number = int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")
    return number.to_bytes(size, "little")


def _text_of(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_DATA, "Not UTF-8") from None


def _close_of(payload: bytes) -> tuple[int, str]:
    if not payload:
        return NO_STATUS, ""
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or not (code in _CLOSE_CODES or 3000 <= code <= 4999):
        raise FrameError(PROTOCOL_ERROR, "Invalid close code")
    return code, _text_of(payload[2:])
