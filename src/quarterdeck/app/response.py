"""The response: ranges as HTTP means them, and files that are conditional by themselves."""

from __future__ import annotations

import asyncio
import unicodedata
from functools import lru_cache
from types import TracebackType
from typing import IO, Any, Self, cast
from urllib.parse import quote

from quart.wrappers import Request
from quart.wrappers import Response as QuartResponse
from quart.wrappers.response import DataBody, IOBody
from quart.wrappers.response import FileBody as QuartFileBody
from werkzeug.datastructures import ContentRange, Headers, Range
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import HTTP_STATUS_CODES, dump_options_header, parse_options_header
from werkzeug.utils import get_content_type

_DEFAULTS = (None, None, None, None)
SAFE_IN_A_NAME = "!#$&+-.^_`|~"  # attr-char of RFC 5987


class FileBody(QuartFileBody):
    """A file, or a range of it, read in a thread: opened, read and closed in one visit if small.

    Quart goes to the thread twice for every 8 KB.
    """

    buffer_size = 128 * 1024

    async def __aenter__(self) -> Self:
        self._left = self.end - self.begin
        self._open_file: IO[bytes] | None = None
        self._first: bytes | None = await asyncio.to_thread(self._begin)
        return self

    async def __anext__(self) -> bytes:
        piece, self._first = self._first, None
        if piece is None and self._left:
            piece = await asyncio.to_thread(self._read)
        if not piece:
            raise StopAsyncIteration
        return piece

    async def __aexit__(self, exc_type: type, exc_value: BaseException, tb: TracebackType) -> None:
        if self._open_file is not None:
            await asyncio.to_thread(self._open_file.close)

    def _begin(self) -> bytes:
        self._open_file = self.file_path.open("rb")
        self._open_file.seek(self.begin)
        return self._read()

    def _read(self) -> bytes:
        file = cast(IO[bytes], self._open_file)
        piece = file.read(min(self.buffer_size, self._left))
        self._left = self._left - len(piece) if piece else 0  # it may have become shorter
        if not self._left:
            file.close()
        return piece


@lru_cache(1024)
def _status_line(code: int) -> tuple[str, int]:
    return f"{code} {HTTP_STATUS_CODES.get(code, 'unknown').upper()}", code


def disposition(kind: str, name: str) -> str:
    """Return a Content-Disposition header; a name that is not ASCII goes into ``filename*``."""
    if name.isascii():
        return dump_options_header(kind, {"filename": name})
    simple = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    encoded = f"UTF-8''{quote(name, safe=SAFE_IN_A_NAME)}"
    return dump_options_header(kind, {"filename": simple, "filename*": encoded})


class Response(QuartResponse):
    """A Quart response. Its ``make_conditional`` understands every form of one range.

    Attributes:
        may_be_conditional: Whether a file may be answered with 304 or 206.
    """

    file_body_class = FileBody
    may_be_conditional = True

    def __init__(
        self,
        response: Any = None,
        status: Any = None,
        headers: Any = None,
        mimetype: str | None = None,
        content_type: str | None = None,
    ) -> None:
        if (status, headers, mimetype, content_type) != _DEFAULTS or type(response) is not str:
            super().__init__(response, status, headers, mimetype, content_type)
            return
        # Most views give a text and no more.
        self.headers = Headers()
        self.headers._list = [("Content-Type", get_content_type(self.default_mimetype, "utf-8"))]
        self.status = self.default_status
        self.timeout = ...
        self.set_data(response)

    def _clean_status(self, value: Any) -> tuple[str, int]:
        return _status_line(value) if type(value) is int else super()._clean_status(value)

    @property
    def is_file(self) -> bool:
        """Whether the body is a file, or a buffer, as ``send_file`` makes it."""
        body = self.response
        return type(body) is not DataBody and isinstance(body, QuartFileBody | IOBody)

    def encode_file_name(self) -> None:
        """Write a file name that is not ASCII as RFC 6266 says; Quart sends it as it is."""
        header = self.headers.get("Content-Disposition", "")
        if not header.isascii():
            kind, options = parse_options_header(header)
            self.headers["Content-Disposition"] = disposition(kind, options.get("filename", ""))

    async def make_file_conditional(self, request: Request) -> None:
        """Answer with 304 or 206 where the request's headers ask for it."""
        size = cast(Any, self.response).size
        self.headers.setdefault("Accept-Ranges", "bytes")
        await self.make_conditional(request, accept_ranges=True, complete_length=size)

    async def _process_range_request(
        self,
        request: Request,
        complete_length: int | None = None,
        accept_ranges: str | None = None,
    ) -> bool:
        # Several ranges and unknown units may be ignored (RFC 9110, 14.2): all of it is sent.
        wanted = request.range
        if (
            not complete_length
            or accept_ranges is None
            or wanted is None
            or wanted.units != "bytes"
            or len(wanted.ranges) != 1
            or not self._is_range_request_processable(request)
        ):
            return False
        begin, end = _span(wanted, complete_length)
        if not hasattr(self.response, "make_conditional"):
            await self.make_sequence()
        await cast(Any, self.response).make_conditional(begin, end)
        self.content_length = end - begin
        self.headers["Accept-Ranges"] = accept_ranges
        self.content_range = ContentRange("bytes", begin, end, complete_length)
        self.status_code = 206
        return True


def _span(wanted: Range, length: int) -> tuple[int, int]:
    begin, end = wanted.ranges[0]
    if begin < 0:  # the last so many bytes; of a shorter file, all
        begin = max(0, begin + length)
    end = length if end is None else min(end, length)
    if begin >= end:
        raise RequestedRangeNotSatisfiable(length)
    return begin, end
