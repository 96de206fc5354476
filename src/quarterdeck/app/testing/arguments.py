"""A request of a test, from the arguments of Flask's test client or of Quart's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, unquote, urlencode, urlsplit

from quart.testing.utils import make_test_scope, no_op_push, sentinel
from quart.wrappers import Request
from werkzeug.datastructures import Authorization, Headers

from .form import make_body, pairs

USER_AGENT = "Quart"  # as Quart's own client sends it

#: Characters of a URL that are sent as the test writes them.
_AS_WRITTEN = "%/:=&?~#+!$,;'@()*[]"

#: Arguments of Flask's client that have no meaning here, and the replacement.
_REFUSED = {
    "input_stream": "Send the bytes with 'data'.",
    "errors_stream": "Errors are logged to 'app.logger'.",
    "environ_overrides": "Use 'headers', 'base_url' or 'scope_base'.",
    "content_length": "It is counted from the body; give another one with 'headers'.",
}


@dataclass
class Arguments:
    """A request as it goes into the ASGI scope and the body.

    Attributes:
        path: Decoded, with the root path in front.
        raw_path: As it was written, percent-encoded.
    """

    path: str
    raw_path: str
    query_string: bytes
    method: str
    headers: Headers
    body: bytes
    scheme: str
    root_path: str
    http_version: str
    scope: dict[str, Any]

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.headers['Host']}{self.raw_path}"

    def make_scope(self, kind: str = "http", **options: Any) -> Any:
        """Return the ASGI scope."""
        return cast(Any, make_test_scope)(
            kind,
            self.path,
            self.method,
            self.headers,
            self.query_string,
            self.scheme,
            self.root_path,
            self.http_version,
            {"raw_path": self.raw_path.encode(), **self.scope},
            **options,
        )

    def make_request(self, app: Any, scope: Any, push_promise: Any = no_op_push) -> Request:
        """Return the request object that the app would be given, with its whole body."""
        request = app.request_class(
            self.method,
            self.scheme,
            self.path.removeprefix(self.root_path),
            self.query_string,
            self.headers,
            self.root_path,
            self.http_version,
            send_push_promise=push_promise,
            scope=scope,
        )
        request.body.set_result(self.body)
        return cast(Request, request)


def read_arguments(
    app: Any,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Any = None,
    data: Any = None,
    form: Any = None,
    files: Any = None,
    query_string: Any = None,
    json: Any = sentinel,
    scheme: str = "http",
    url_scheme: str | None = None,
    base_url: str | None = None,
    root_path: str = "",
    http_version: str = "1.1",
    scope_base: dict[str, Any] | None = None,
    environ_base: dict[str, Any] | None = None,
    auth: Any = None,
    subdomain: str | None = None,
    content_type: str | None = None,
    mimetype: str | None = None,
    **others: Any,
) -> Arguments:
    """Return the request that the arguments describe.

    Args:
        app: The app to be tested.
        path: With or without a query; or a whole URL.
        method: The method.
        headers: A mapping, pairs or ``Headers``.
        data: Text, bytes or an open file as the body; or a form: a mapping or pairs, with a list
            for several values and ``(open file, name)`` or a ``FileStorage`` for a file.
        form: The fields of a form (Quart's spelling).
        files: The files of a form (Quart's spelling).
        query_string: Text, bytes, a mapping or pairs.
        json: Any value with a JSON form.
        scheme: The scheme of the URL.
        url_scheme: The same in Flask's spelling.
        base_url: Scheme, host and root path of the URL.
        root_path: A root path that ``path`` begins with (Quart's spelling).
        http_version: "1.1", "2" or "3".
        scope_base: Entries of the ASGI scope.
        environ_base: ``REMOTE_ADDR``, ``REMOTE_PORT`` and ``HTTP_*`` of a WSGI environment.
        auth: User and password, or an ``Authorization``.
        subdomain: A part in front of the host.
        content_type: The type of the body.
        mimetype: The same in Flask's other spelling.
        others: The other arguments of Flask's client, which are refused with the replacement.

    Raises:
        TypeError: If an argument is unknown, or a field has no form on the wire.
        ValueError: If two arguments exclude each other.
    """
    for name in others:
        advice = _REFUSED.get(name, "See 'Tests' in docs/from-flask.md for those that it takes.")
        raise TypeError(f"'{name}' is not an argument of the test client. {advice}")
    url = urlsplit(path) if path.startswith(("http:", "https:", "ws:", "wss:")) else None
    base = urlsplit(base_url or "")
    if url is not None:
        path = f"{url.path}?{url.query}" if url.query else url.path
    path, _, written_query = path.partition("?")
    if written_query and query_string is not None:
        raise ValueError("The path has a query, and 'query_string' is given too. Use one of them.")
    sent = Headers(headers) if headers is not None else Headers()
    _add_environ(sent, environ_base or {})
    _add_auth(sent, auth)
    sent.setdefault("User-Agent", USER_AGENT)
    sent.setdefault("Host", (url and url.netloc) or base.netloc or _host(app, subdomain))
    content_type = content_type or mimetype or sent.get("Content-Type")
    body, content_type = make_body(app, content_type, data=data, form=form, files=files, json=json)
    if content_type:
        sent["Content-Type"] = content_type
    root = base.path.rstrip("/")
    if base_url is None and url is None and not root_path:  # as a proxy in front of the app does
        root = app.config["APPLICATION_ROOT"].rstrip("/")
    return Arguments(
        path=unquote(root + path),
        raw_path=quote(root + path, safe=_AS_WRITTEN),
        query_string=_encode_query(written_query if query_string is None else query_string),
        method=method,
        headers=sent,
        body=body,
        scheme=(url and url.scheme) or base.scheme or url_scheme or scheme,
        root_path=root or root_path,
        http_version=http_version,
        scope={**_address(environ_base or {}), **(scope_base or {})},
    )


def _host(app: Any, subdomain: str | None) -> str:
    host = app.config["SERVER_NAME"] or "localhost"
    return f"{subdomain}.{host}" if subdomain else host


def _encode_query(query: Any) -> bytes:
    if isinstance(query, bytes):
        return query
    if not isinstance(query, str):
        values = [
            (name, each)
            for name, value in pairs(query)
            for each in (value if isinstance(value, tuple | set) else [value])
            if each is not None
        ]
        return urlencode(values).encode()
    return quote(query, safe=_AS_WRITTEN).encode()


def _add_auth(headers: Headers, auth: Any) -> None:
    if isinstance(auth, tuple):
        auth = Authorization("basic", {"username": auth[0], "password": auth[1]})
    if auth is not None:
        headers.setdefault("Authorization", auth.to_header())


def _add_environ(headers: Headers, environ: dict[str, Any]) -> None:
    """Add the headers that a WSGI environment has as ``HTTP_*``."""
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            headers.setdefault(name[5:].replace("_", "-").title(), str(value))
        elif name not in {"REMOTE_ADDR", "REMOTE_PORT"}:
            raise TypeError(
                f"'{name}' of 'environ_base' has no counterpart in ASGI. "
                "Give entries of the scope with 'scope_base'."
            )


def _address(environ: dict[str, Any]) -> dict[str, Any]:
    """Return the address of the client as an entry of the scope."""
    if "REMOTE_ADDR" not in environ:
        return {}
    return {"client": (environ["REMOTE_ADDR"], int(environ.get("REMOTE_PORT", 0)))}
