"""Forms, urlencoded and multipart: a form that cannot be read whole is refused with a reason.

Quart gives an empty or partial form for a body that is malformed, truncated or not
UTF-8, and limits neither the number of urlencoded fields nor their sum.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl

from quart.formparser import FormDataParser as QuartFormDataParser
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from .body import Body, too_large
from .files import FileStorage
from .multipart import MultipartReader

#: Forms are read in steps of this many bytes; from this size on in a thread.
STEP = 64 * 1024

Form = MultiDict[str, str]
Files = MultiDict[str, FileStorage]


class FormDataParser(QuartFormDataParser):
    """Reads a form within its limits: bytes, fields, parts, and no byte lost.

    ``max_form_memory_size`` limits the text of all fields together, in both encodings;
    files are limited by the body's own limit only. ``max_form_parts`` counts fields
    and files.

    Raises:
        BadRequest: If it is malformed, truncated, not UTF-8, or has NUL in a field.
        RequestEntityTooLarge: If it is over a limit.
    """

    cls: type[MultiDict[Any, Any]]

    async def parse(
        self,
        body: Any,
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[Form, Files]:
        """Return fields and files; both empty if the body is no form."""
        try:
            if mimetype == "multipart/form-data":
                return await self._read_multipart(body, options or {})
            if mimetype in ("application/x-www-form-urlencoded", "application/x-url-encoded"):
                return await self._read_urlencoded(body, content_length)
        except UnicodeDecodeError as error:
            raise BadRequest("The form is not valid UTF-8.") from error
        except ValueError as error:
            raise BadRequest(f"The form is malformed: {error}.") from error
        return self.cls(), self.cls()

    async def _read_urlencoded(self, body: Body, length: int | None) -> tuple[Form, Files]:
        data = bytearray()
        self._check_memory(length or 0)
        async for piece in body:
            self._check_memory(len(data) + len(piece))
            data += piece
        if self.max_form_parts is not None and data.count(b"&") >= self.max_form_parts:
            raise RequestEntityTooLarge(f"The form has more than {self.max_form_parts} fields.")
        if len(data) <= STEP:
            return self.cls(_read_pairs(bytes(data))), self.cls()
        return await asyncio.to_thread(self._read_in_steps, data), self.cls()

    def _read_in_steps(self, data: bytearray) -> Form:
        """Read pairs; the interpreter can turn to the event loop between two steps."""
        pairs: list[tuple[str, str]] = []
        start = 0
        while start < len(data):
            end = data.find(b"&", start + STEP)
            end = len(data) if end == -1 else end
            pairs += _read_pairs(bytes(data[start:end]))
            start = end + 1
        return self.cls(pairs)

    def _check_memory(self, size: int) -> None:
        if self.max_form_memory_size is not None and size > self.max_form_memory_size:
            raise too_large("The fields of the form are", self.max_form_memory_size)

    async def _read_multipart(self, body: Body, options: dict[str, str]) -> tuple[Form, Files]:
        boundary = options.get("boundary", "")
        if not boundary:
            raise ValueError("the content type names no boundary")
        reader = MultipartReader(
            boundary.encode("ascii"),
            max_fields_size=self.max_form_memory_size,
            max_parts=self.max_form_parts,
            stream_factory=self.stream_factory,
        )
        try:
            async for piece in body:
                for start in range(0, len(piece), STEP):
                    await reader.feed(piece[start : start + STEP])
            await reader.finish()
        except BaseException:
            reader.close()
            raise
        return self.cls(reader.fields), self.cls(reader.files)


def _read_pairs(data: bytes) -> list[tuple[str, str]]:
    pairs = parse_qsl(data.decode(), keep_blank_values=True, errors="strict")
    if b"%00" in data or b"\0" in data:
        raise ValueError("a field contains a NUL character")
    return pairs
