"""The request target, checked before any route is looked up."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from werkzeug.exceptions import BadRequest


def read_path(scope: Any) -> tuple[str, BadRequest | None]:
    """Return the decoded path of an ASGI scope, and the reason to refuse it, if any.

    Refused are targets that are no path, NUL, and ``..`` as a segment, also when they
    came percent-encoded or with backslashes: no route and no file is meant by them.
    """
    path: str = scope["path"]
    if not path.startswith("/"):
        try:
            absolute = urlsplit(path)
        except ValueError:
            absolute = urlsplit("")
        if not absolute.netloc and path != "*":
            return "/", BadRequest("The request target must be a path that starts with '/'.")
        path = absolute.path or "/"
    if "\0" in path:
        return "/", BadRequest("The path contains a NUL character.")
    if ".." in path.replace("\\", "/").split("/"):
        return "/", BadRequest("The path leads upwards with '..'.")
    query: bytes = scope["query_string"]
    if not query.isascii() or b"%00" in query:
        return path, BadRequest("The query string contains bytes that no URL may have.")
    return path, None
