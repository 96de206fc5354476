"""Limits for the frames of an HTTP/2 client, checked before they are decoded."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from time import monotonic

from h2.errors import ErrorCodes

#: Control frames that a client may send at once: a browser that leaves a page resets all of its
#: streams, and a download needs window updates.
BURST = 200
#: How many more it may send each second.
PER_SECOND = 20
#: Bytes of a body that earn the client a further one, to acknowledge them.
BYTES_PER_FRAME = 2048
#: What each part of a header block counts beyond its bytes, so that empty parts end too.
PART_OVERHEAD = 32

_PREFACE_SIZE = 24
_HEAD_SIZE = 9
_END_STREAM = 0x1
_END_HEADERS = 0x4


class Frame(IntEnum):
    """The types of frames that are told apart (RFC 9113, section 6)."""

    DATA = 0
    HEADERS = 1
    CONTINUATION = 9


class FloodError(Exception):
    """A client sends frames that cost more than they are worth.

    Attributes:
        code: The reason for the client.
    """

    def __init__(self, problem: str, code: ErrorCodes = ErrorCodes.ENHANCE_YOUR_CALM) -> None:
        super().__init__(problem)
        self.code = code


class FrameLimits:
    """Reads the head of each frame, and counts those that no request needs many of.

    Resets, pings, settings, priorities, window updates, empty data and unknown frames each cost
    one of ``BURST``, which fill up again by ``PER_SECOND`` and with the bytes of responses that
    are sent. So a rapid reset, which starts requests and gives them up, ends after ``BURST``
    requests. The parts of a header block may have ``max_header_block`` bytes together.

    Args:
        max_frame: Bytes of the largest frame. h2 would store a larger one before it refuses it.
        max_header_block: Bytes of the largest header block, before it is decoded.
        clock: Gives seconds.
    """

    def __init__(
        self, max_frame: int, max_header_block: int, clock: Callable[[], float] = monotonic
    ) -> None:
        self._max_frame = max_frame
        self._max_header_block = max_header_block
        self._clock = clock
        self._left = float(BURST)
        self._time = clock()
        self._head = b""
        self._rest = _PREFACE_SIZE  # bytes of the current frame, or of the preface
        self._header_block = 0

    def read(self, data: bytes) -> int:
        """Take the next bytes of the client; return the number of frames that begin in them.

        Raises:
            FloodError: If a limit is passed.
        """
        position = count = 0
        while position < len(data):
            skipped = min(self._rest, len(data) - position)
            position += skipped
            self._rest -= skipped
            missing = _HEAD_SIZE - len(self._head)
            self._head += data[position : position + missing]
            position += missing
            if len(self._head) == _HEAD_SIZE:
                head, self._head = self._head, b""
                self._begin_frame(head)
                count += 1
        return count

    def earn(self, size: int) -> None:
        """Note that so many bytes of a response are sent, for which window updates will come."""
        self._left = min(BURST, self._left + size / BYTES_PER_FRAME)

    def _begin_frame(self, head: bytes) -> None:
        size, kind, flags = int.from_bytes(head[:3]), head[3], head[4]
        if size > self._max_frame:
            raise FloodError("a frame that is too large", ErrorCodes.FRAME_SIZE_ERROR)
        self._rest = size
        if kind in (Frame.HEADERS, Frame.CONTINUATION):
            self._header_block += size + PART_OVERHEAD
            if self._header_block > self._max_header_block:
                raise FloodError("a header block that is too large")
            if flags & _END_HEADERS:
                self._header_block = 0
        elif kind != Frame.DATA or (size == 0 and not flags & _END_STREAM):
            self._spend()

    def _spend(self) -> None:
        now = self._clock()
        self._left = min(BURST, self._left + (now - self._time) * PER_SECOND)
        self._time = now
        if self._left < 1:
            raise FloodError("too many control frames")
        self._left -= 1
