"""The response: ranges as HTTP means them, and files that are conditional by themselves."""

from __future__ import annotations

from typing import Any, cast

from quart.wrappers import Request
from quart.wrappers import Response as QuartResponse
from quart.wrappers.response import FileBody, IOBody
from werkzeug.datastructures import ContentRange, Range
from werkzeug.exceptions import RequestedRangeNotSatisfiable


class Response(QuartResponse):
    """A Quart response whose ``make_conditional`` understands every form of one range."""

    @property
    def is_file(self) -> bool:
        """Whether the body is a file, or a buffer, as ``send_file`` makes it."""
        return isinstance(self.response, FileBody | IOBody)

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
            or accept_ranges in (None, "none")
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
