"""The WSGI environment of a request, for extensions and middleware that read it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import BytesIO
from typing import Any

_WITHOUT_PREFIX = {"content-type", "content-length"}


def make_environ(scope: Mapping[str, Any], request: Any = None) -> dict[str, Any]:
    """Return the environment that a WSGI server would have made of an ASGI scope.

    The body is not in it.
    """
    root = scope.get("root_path", "")
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "SCRIPT_NAME": _latin(root),
        "PATH_INFO": _latin(str(scope.get("path", "/")).removeprefix(root)),
        "QUERY_STRING": bytes(scope.get("query_string", b"")).decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or ""),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "werkzeug.request": request,
        "asgi.scope": scope,
    }
    for raw_name, raw_value in scope.get("headers", ()):
        name = _text(raw_name).lower()
        key = name.upper().replace("-", "_")
        key = key if name in _WITHOUT_PREFIX else f"HTTP_{key}"
        value = _text(raw_value)
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def _text(raw: Any) -> str:
    return raw.decode("latin-1") if isinstance(raw, bytes) else str(raw)


def _latin(text: str) -> str:
    return text.encode().decode("latin-1")  # as WSGI passes UTF-8
