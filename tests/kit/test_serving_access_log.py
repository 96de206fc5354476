"""The access log: the same lines as Hypercorn's, whatever the format asks for."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypercorn.logging import AccessLogAtoms

from quarterdeck import serving
from quarterdeck._redaction import SafeFormatter
from quarterdeck.app import Quart
from quarterdeck.serving.access_log import Atoms
from tests.wire import connected

from .serving_app import served

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


FORGED = "/zz\n[2026-11-26 10:00:00 +0000] [1] [INFO] FORGED\x1b[31m\u2028\u202e"


@pytest.mark.parametrize("field", ["r", "R", "U", "Uq", "{referer}i", "{x}o"])
def test_a_client_cannot_begin_a_line_or_reach_the_terminal(field: str) -> None:
    value = FORGED.encode()
    request = REQUEST | {"path": FORGED, "headers": [(b"referer", value)]}
    response = {"status": 200, "headers": [(b"X", value)]}

    line = f"%({field})s" % Atoms(request, response, 0.1)

    assert "FORGED" in line
    assert line.isprintable()


def test_secrets_are_masked() -> None:
    secret = b"s3cret"
    headers = [(b"authorization", secret), (b"cookie", secret), (b"x-csrftoken", secret)]
    request = REQUEST | {"headers": headers, "query_string": b"q=a&access_token=s3cret&b"}
    response = {"status": 200, "headers": [(b"Set-Cookie", secret)]}
    format_ = "%({authorization}i)s %({cookie}i)s %({x-csrftoken}i)s %({set-cookie}o)s %(R)s %(q)s"

    line = format_ % Atoms(request, response, 0.1)

    assert "s3cret" not in line
    assert "q=a&access_token=***&b" in line


@pytest.mark.parametrize("method", ["GET", "DELETE"], ids=["found", "another method"])
async def test_the_line_of_a_served_request(method: str, caplog: pytest.LogCaptureFixture) -> None:
    app = Quart("tests")

    @app.get("/reset/<token>")
    async def reset(token: str) -> str:
        return "fine"

    target = f"{method} /reset/s3cret%0a[2026]%20FORGED HTTP/1.1\r\nHost: x\r\n\r\n"
    logger = logging.getLogger("tests.access")
    with caplog.at_level(logging.INFO, "tests.access"):
        async with served(app, accesslog=logger) as (address, _), connected(address) as wire:
            await wire.send(target.encode())
            await wire.read_head()

    (line,) = (record.getMessage() for record in caplog.records if record.name == "tests.access")
    assert f"{method} /reset/*** 1.1" in line


def test_the_handlers_of_hypercorn_write_one_line_for_a_message(tmp_path: Path) -> None:
    config = serving.Config()
    config.errorlog = str(tmp_path / "error.log")
    logger = config.log.error_logger
    assert logger is not None
    logger.error("first\n[2026] FORGED")
    for handler in logger.handlers:
        handler.close()
    logger.handlers = []
    assert (tmp_path / "error.log").read_text().endswith("first\n    [2026] FORGED\n")


def test_the_lines_after_the_first_of_a_record_are_indented() -> None:
    """Such as those of a traceback, whose last one holds what an error says."""
    text = "first\n[2026] FORGED \x1b[31m"
    record = logging.LogRecord("x", logging.ERROR, "", 1, text, None, None)
    assert (
        SafeFormatter(logging.Formatter("%(message)s")).format(record)
        == "first\n    [2026] FORGED \\x1b[31m"
    )


def test_the_handler_of_an_app_writes_so() -> None:
    program = "from quarterdeck.app import Quart; Quart('x').logger.error('first\\n[2026] FORGED')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.endswith("first\n    [2026] FORGED\n")


async def test_an_error_in_a_view_is_logged_with_a_masked_path(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Quart("tests")

    @app.get("/reset/<token>")
    async def reset(token: str) -> str:
        raise LookupError

    app.config["PROPAGATE_EXCEPTIONS"] = False
    await app.test_client().get("/reset/s3cret")
    assert "Exception on GET /reset/***" in caplog.text
    assert "s3cret" not in caplog.records[0].getMessage()


def test_a_printed_configuration_shows_no_secret() -> None:
    app = Quart("tests")
    app.config.update(
        SECRET_KEY="s3cret", METRICS_TOKEN="s3cret", MAIL_PASSWORD="s3cret",
        SQLALCHEMY_DATABASE_URI="mysql+aiomysql://crm:s3cret@db/crm",
        SQLALCHEMY_BINDS={"log": "mysql://crm:s3cret@db/log"},
    )  # fmt: skip
    shown = repr(app.config)
    assert "s3cret" not in shown
    assert "mysql+aiomysql://crm:***@db/crm" in shown
    assert app.config["SECRET_KEY"] == "s3cret"
