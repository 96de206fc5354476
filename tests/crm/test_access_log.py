"""The access log: the same lines as Hypercorn's, whatever the format asks for."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypercorn.logging import AccessLogAtoms

from quarterdeck_crm.access_log import Atoms

REQUEST: dict[str, Any] = {
    "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/orders/",
    "query_string": b"q=a", "client": ("127.0.0.1", 5000), "headers": [(b"referer", b"/x")],
}  # fmt: skip
RESPONSE: dict[str, Any] = {"status": 201, "headers": [(b"Content-Length", b"12")]}


@pytest.mark.parametrize("response", [RESPONSE, None, {"status": 204, "headers": []}])
@pytest.mark.parametrize("field", [*"hrRsmUqHbBfSL", "st", "Uq", "{referer}i", "{path}e"])
def test_a_field_is_what_hypercorn_writes(field: str, response: Any) -> None:
    os.environ.setdefault("PATH", "/bin")
    ours = f"%({field})s" % Atoms(REQUEST, response, 0.25)
    theirs: Any = AccessLogAtoms(REQUEST, response, 0.25)  # type: ignore[arg-type]
    assert ours == f"%({field})s" % theirs


def test_a_socket_without_a_port_has_a_line() -> None:
    unix = REQUEST | {"client": None}
    assert Atoms(unix, RESPONSE, 0.1)["h"] is None
