"""WSGI middleware around ``app.wsgi_app``: what it does to a request is kept.

``ProxyFix`` and classes like it only change the environment. Middleware that changes responses
cannot work: the response does not come through here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from quarterdeck.bridge.waiting import asynchronous

from .environ import make_environ


class WSGIApp:
    """Takes the place of the app inside its middleware.

    Args:
        app: The app, whose attributes middleware may look for.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Note the environment that has come through."""
        environ["quarterdeck.passed"][:] = [environ]
        return []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


async def through_middleware(
    middleware: Callable[..., Iterable[bytes]], app: Any, scope: Any, receive: Any, send: Any
) -> None:
    """Serve a request as the middleware leaves it, or send its own answer."""
    environ = make_environ(scope)
    passed: list[dict[str, Any]] = []
    environ["quarterdeck.passed"] = passed
    answer: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        answer.update(status=int(status.split()[0]), headers=headers)

    def answered() -> bytes:
        return b"".join(middleware(environ, start_response))

    body = await asynchronous(answered)()
    if passed:
        await app(_changed(scope, passed[0]), receive, send)
        return
    headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in answer["headers"]]
    await send({"type": "http.response.start", "status": answer["status"], "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _changed(scope: Any, after: dict[str, Any]) -> dict[str, Any]:
    """Return the scope with the changes of the environment."""
    headers = [(name, value) for name, value in scope["headers"] if _key(name) != "HTTP_HOST"]
    if "HTTP_HOST" in after:
        headers.append((b"host", after["HTTP_HOST"].encode("latin-1")))
    known = {_key(name) for name, _ in headers}
    for key in after:
        if key.startswith("HTTP_") and key not in known:
            name = key[5:].replace("_", "-").lower().encode("latin-1")
            headers.append((name, str(after[key]).encode("latin-1")))
    root = after["SCRIPT_NAME"].rstrip("/")
    path = (root + after["PATH_INFO"]).encode("latin-1").decode()
    client = (after["REMOTE_ADDR"], (scope.get("client") or ("", 0))[1])
    return {
        **scope,
        "method": after["REQUEST_METHOD"],
        "scheme": after["wsgi.url_scheme"],
        "root_path": root,
        "path": path,
        "raw_path": path.encode() if path != scope["path"] else scope.get("raw_path"),
        "query_string": after["QUERY_STRING"].encode("latin-1"),
        "client": client,
        "headers": headers,
    }


def _key(name: bytes) -> str:
    return "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
