"""multipart/form-data, on werkzeug's decoder: nothing partial, nothing lost, nothing raw."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, cast

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    Data,
    Field,
    File,
    MultipartDecoder,
    NeedData,
    State,
)

from .body import too_large
from .files import FileStorage

#: Bytes of headers that one part may have.
MAX_PART_HEADERS = 16 * 1024

#: Bytes of a part that are written where they are read; what follows goes to a thread,
#: for the file may be on disk by then.
INLINE_SIZE = 64 * 1024

#: Bytes that a boundary line may have beside the boundary: dashes, padding, line breaks.
LINE_SLACK = 64

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class MultipartReader:
    """Takes a body piece by piece; has ``fields`` and ``files`` when it is finished."""

    def __init__(
        self,
        boundary: bytes,
        *,
        max_fields_size: int | None,
        max_parts: int | None,
        stream_factory: Callable[..., IO[bytes]],
    ) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: list[tuple[str, FileStorage]] = []
        self._decoder = MultipartDecoder(boundary, max_parts=max_parts)
        self._max_fields_size = max_fields_size
        self._fields_size = 0
        self._held = b""
        self._stream_factory = stream_factory
        self._part: Field | File | None = None
        self._size = 0
        self._stream: IO[bytes] = BytesIO()

    async def feed(self, data: bytes) -> None:
        """Take the next piece, not larger than some tens of kilobytes.

        Raises:
            ValueError: If it is malformed.
            RequestEntityTooLarge: If it is over a limit.
        """
        data = self._held + data
        cut = self._last_line_break(data)
        self._held = data[cut:]
        if cut:
            self._decoder.receive_data(data[:cut])
            await self._take_events()

    def _last_line_break(self, data: bytes) -> int:
        """Where a line begins that may be a boundary not yet complete; else the end.

        The decoder must not see half a boundary line: it takes the line break before
        ``--boundary-`` for data.
        """
        start = max(0, len(data) - len(self._decoder.boundary) - LINE_SLACK)
        cut = max(data.rfind(b"\n", start), data.rfind(b"\r", start))
        if cut == -1:
            return len(data)
        return cut - 1 if data[cut - 1 : cut + 1] == b"\r\n" else cut

    async def finish(self) -> None:
        """Say that the body is at its end.

        Raises:
            ValueError: If it is malformed, or the last boundary has not come.
        """
        self._decoder.receive_data(self._held)
        await self._take_events()
        if self._decoder.state is not State.EPILOGUE:
            raise ValueError("it ends before its last boundary")

    def close(self) -> None:
        """Throw the files away, also one that has only come in part."""
        self._stream.close()
        for _, file in self.files:
            file.close()

    async def _take_events(self) -> None:
        event = self._decoder.next_event()
        while not isinstance(event, NeedData):
            if isinstance(event, Field | File):
                self._begin(event)
            elif isinstance(event, Data):
                await self._take_data(event)
            event = self._decoder.next_event()
        if self._decoder.state is State.EPILOGUE:
            self._decoder.buffer.clear()
        elif len(self._decoder.buffer) > MAX_PART_HEADERS:
            raise ValueError("the headers of a part are too long")

    def _begin(self, part: Field | File) -> None:
        if not part.name:
            raise ValueError("a part has no name")
        self._part = part
        self._size = 0
        self._stream = BytesIO()
        if isinstance(part, File):
            self._stream = self._stream_factory(
                None, part.headers.get("content-type"), part.filename, None
            )

    async def _take_data(self, event: Data) -> None:
        self._size += len(event.data)
        if isinstance(self._part, Field):
            self._count_text(len(event.data))
        await self._on_stream(self._stream.write, event.data)
        if not event.more_data:
            await self._end()

    async def _on_stream(self, call: Callable[[Any], Any], argument: Any) -> None:
        if self._size <= INLINE_SIZE:
            call(argument)
        else:
            await asyncio.to_thread(call, argument)

    def _count_text(self, size: int) -> None:
        self._fields_size += size
        if self._max_fields_size is not None and self._fields_size > self._max_fields_size:
            raise too_large("The fields of the form are", self._max_fields_size)

    async def _end(self) -> None:
        part = self._part
        if isinstance(part, File):
            await self._on_stream(self._stream.seek, 0)
            self.files.append((part.name, self._as_file(part)))
        elif isinstance(part, Field):
            text = cast(BytesIO, self._stream).getvalue().decode(_charset(part))
            if "\0" in text or "\0" in part.name:
                raise ValueError("a field contains a NUL character")
            self.fields.append((part.name, text))

    def _as_file(self, part: File) -> FileStorage:
        return FileStorage(self._stream, safe_name(part.filename), part.name, headers=part.headers)


def safe_name(filename: str) -> str:
    """Return the last part of a client's file name, without control characters.

    An empty name, which browsers send for a field without a file, stays empty.
    """
    name = _CONTROL.sub("", filename.replace("\\", "/").rsplit("/", 1)[-1]).strip()
    return "file" if filename and name in {"", ".", ".."} else name


def _charset(part: Field) -> str:
    content_type = part.headers.get("content-type", "")
    charset = parse_options_header(content_type)[1].get("charset", "").lower()
    return charset if charset in {"ascii", "us-ascii", "iso-8859-1"} else "utf-8"
