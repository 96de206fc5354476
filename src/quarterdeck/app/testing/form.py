"""The body of a request of a test: text, JSON or a form, as Flask's and Quart's clients take it."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from quart.testing.utils import sentinel
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.http import parse_options_header
from werkzeug.test import encode_multipart

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

mimetypes.init()  # it reads files when it is first used, which would block the event loop


def make_body(
    app: Any, content_type: str | None, *, data: Any, form: Any, files: Any, json: Any
) -> tuple[bytes, str | None]:
    """Return the body and its content type.

    Raises:
        TypeError: If a field has no form on the wire.
        ValueError: If the arguments exclude each other, or a form has the type of something else.
    """
    given = {"data": data is not None, "form": form is not None, "files": files is not None}
    given["json"] = json is not sentinel
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1 and names != ["form", "files"]:
        raise ValueError(f"{' and '.join(map(repr, names))} exclude each other. Give one of them.")
    if given["json"]:
        return app.json.dumps(json).encode(), content_type or "application/json"
    if given["form"] or given["files"]:
        return _make_form([*pairs(form or {}), *pairs(files or {})], content_type, bool(files))
    if hasattr(data, "read"):
        data = data.read()
    if data is None or isinstance(data, str | bytes | bytearray | memoryview):
        return data.encode() if isinstance(data, str) else bytes(data or b""), content_type
    return _make_form([*pairs(data)], content_type, False)


def _make_form(
    fields: list[tuple[str, Any]], content_type: str | None, has_files: bool
) -> tuple[bytes, str]:
    values = MultiDict((name, _as_part(name, value)) for name, value in fields)
    has_files = has_files or any(isinstance(value, FileStorage) for _, value in pairs(values))
    kind = parse_options_header(content_type)[0] or (MULTIPART if has_files else URLENCODED)
    if kind == MULTIPART:
        boundary, body = encode_multipart(values)
        return body, f'{MULTIPART}; boundary="{boundary}"'
    if kind != URLENCODED or has_files:
        raise ValueError(
            f"A form cannot be sent as '{content_type}'. Leave 'content_type' out, "
            "or give the body as text, or with 'json='."
        )
    return urlencode([*pairs(values)]).encode(), content_type or URLENCODED


def _as_part(name: str, value: Any) -> str | FileStorage:
    if isinstance(value, FileStorage):
        return value
    if isinstance(value, tuple) and value and hasattr(value[0], "read"):
        stream, filename, content_type = (*value, None, None)[:3]
        return FileStorage(stream, filename, name, content_type)
    if hasattr(value, "read"):
        return FileStorage(value, getattr(value, "name", None), name)
    if isinstance(value, bytes):
        return value.decode()
    if value is None or isinstance(value, Mapping | tuple | set | frozenset):
        raise TypeError(
            f"The field '{name}' is {value!r}, which a form cannot hold. "
            "Use text, a list of texts, or (open file, name)."
        )
    return str(value)


def pairs(given: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and values of a mapping, a MultiDict or pairs; a list is several values."""
    if isinstance(given, MultiDict):
        yield from given.items(multi=True)
        return
    for name, value in given.items() if isinstance(given, Mapping) else given:
        for each in value if isinstance(value, list) else [value]:
            yield name, each
