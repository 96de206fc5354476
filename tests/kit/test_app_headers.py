"""Headers read and written quickly are those that Quart reads and writes."""

from __future__ import annotations

from typing import Any

import pytest
from quart.asgi import ASGIHTTPConnection
from quart.utils import encode_headers as quart_encode
from werkzeug.datastructures import Headers

from quarterdeck.app import Quart
from quarterdeck.app.connection import HTTPConnection
from quarterdeck.app.headers import encode_headers

SCOPE: dict[str, Any] = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "scheme": "https",
    "path": "/a b",
    "query_string": b"x=1",
    "root_path": "",
    "client": ("192.0.2.1", 5),
    "headers": [
        (b"host", b"example.com"),
        (b"x-two", b"1"),
        (b"X-TWO", b"2"),
        (b"cookie", b"a=\xe9"),
        (b"remote-addr", b"192.0.2.9"),
        (b"x_under-score2b", b""),
    ],
}
SCOPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "below a path": {"root_path": "/crm", "path": "/crm/a"},
    "HTTP/1.0 without a host": {"http_version": "1.0", "headers": []},
    "a socket without an address": {"client": None},
    "HTTP/2": {"http_version": "2"},
}


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_request_is_that_of_quart(scope: str) -> None:
    app, wanted = Quart(__name__), SCOPE | SCOPES[scope]

    async def send(_: Any) -> None: ...

    ours = HTTPConnection(app, dict(wanted))._create_request_from_scope(send)
    quarts = ASGIHTTPConnection(app, dict(wanted))._create_request_from_scope(send)  # type: ignore[arg-type]

    assert [*ours.headers] == [*quarts.headers]
    for name in ("method", "url", "path", "root_path", "host", "remote_addr", "http_version"):
        assert getattr(ours, name) == getattr(quarts, name)
    assert ours.body_timeout == quarts.body_timeout
    assert ours.max_content_length == quarts.max_content_length


@pytest.mark.parametrize("value", [b"a\nb", b"a\rb", b"a\r\nSet-Cookie: b"])
async def test_a_line_break_in_a_value_is_refused(value: bytes) -> None:
    async def send(_: Any) -> None: ...

    scope: Any = SCOPE | {"headers": [(b"x", value)]}
    with pytest.raises(ValueError, match="newline"):
        HTTPConnection(Quart(__name__), scope)._create_request_from_scope(send)


def test_an_answer_is_written_as_quart_writes_it() -> None:
    headers = Headers([("Set-Cookie", "a"), ("Set-Cookie", "b"), ("X-Über", "ü"), ("etag", '"1"')])
    assert encode_headers(headers) == quart_encode(headers)
