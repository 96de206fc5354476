"""The access log: the same lines as Hypercorn's, whatever the format asks for."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypercorn.logging import AccessLogAtoms

from quarterdeck import serving
from quarterdeck._redaction import SafeFormatter
from quarterdeck.app import Quart
from quarterdeck.serving.access_log import AccessLogger, Atoms
from quarterdeck.serving.log_files import LineWriter, reopen_logs
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


@pytest.mark.parametrize(
    "target",
    [
        "GET /reset/s3cret%0a[2026]%20FORGED",
        pytest.param("DELETE /reset/s3cret", id="another method"),
        pytest.param("GET http://x/reset/s3cret", id="an absolute target"),
        pytest.param("GET /Reset/s3cret/", id="a link that was copied wrongly"),
    ],
)
async def test_the_line_of_a_served_request(target: str, caplog: pytest.LogCaptureFixture) -> None:
    app = Quart("tests")

    @app.get("/reset/<token>")
    async def reset(token: str) -> str:
        return "fine"

    logger = logging.getLogger("tests.access")
    with caplog.at_level(logging.INFO, "tests.access"):
        async with served(app, accesslog=logger) as (address, _), connected(address) as wire:
            await wire.send(f"{target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await wire.read_head()

    (line,) = (record.getMessage() for record in caplog.records if record.name == "tests.access")
    assert "/reset/*** 1.1" in line.replace("Reset", "reset")


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


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "access.log"
    logger = logging.getLogger("hypercorn.access")
    for handler in logger.handlers:
        handler.close()
    logger.handlers = []


def written(file: Path) -> str:
    return file.read_text()


def logger_to(file: Path, **settings: Any) -> AccessLogger:
    config = serving.Config()
    config.accesslog, config.errorlog = str(file), None
    for name, value in settings.items():
        setattr(config, name, value)
    assert isinstance(config.log, AccessLogger)
    return config.log


@pytest.mark.parametrize("format_", [None, "%(h)s %(r)s %(s)s %(b)s %(L)ss", "%(m)s %(U)s %(S)s"])
@pytest.mark.parametrize("request_", [REQUEST, REQUEST | {"path": FORGED}], ids=["plain", "forged"])
def test_a_quick_line_is_that_of_a_record(
    format_: str | None, request_: Any, log_file: Path
) -> None:
    log = logger_to(log_file, **({"access_log_format": format_} if format_ else {}))
    assert log.access_logger is not None
    (writer,) = log.access_logger.handlers

    async def both() -> None:
        await log.access(request_, RESPONSE, 0.25)
        writer.flush()
        log._writer = None  # as for a handler of the operator's
        await log.access(request_, RESPONSE, 0.25)

    asyncio.run(both())
    quick, slow = log_file.read_text().splitlines()
    assert quick == slow
    assert quick.isprintable()


def test_the_line_of_the_default_format(log_file: Path) -> None:
    async def write() -> None:
        await log.access(REQUEST, RESPONSE, 0.25)
        assert not written(log_file)  # it waits for others
        log.flush()

    log = logger_to(log_file)
    asyncio.run(write())
    line = log_file.read_text()
    assert line.endswith("[INFO] 127.0.0.1:5000 POST /orders/ 1.1 201 12 0.250000s\n")


def test_lines_are_written_soon_and_filters_are_asked(log_file: Path) -> None:
    log = logger_to(log_file)
    assert log.access_logger is not None
    log.access_logger.addFilter(lambda record: "/orders/" not in record.getMessage())

    async def write() -> None:
        await log.access(REQUEST, RESPONSE, 0.25)
        await log.access(REQUEST | {"path": "/shown"}, RESPONSE, 0.25)

    try:
        asyncio.run(write())
    finally:
        log.access_logger.filters.clear()
    (line,) = log_file.read_text().splitlines()
    assert "/shown" in line


def test_lines_of_one_moment_are_one_write(log_file: Path) -> None:
    log = logger_to(log_file)

    async def write() -> None:
        for _ in range(3):
            await log.access(REQUEST, RESPONSE, 0.25)
        async with asyncio.timeout(10):
            while not written(log_file):  # noqa: ASYNC110 - of the timer
                await asyncio.sleep(0.001)

    asyncio.run(write())
    assert len(log_file.read_text().splitlines()) == 3


def test_a_renamed_file_is_left_for_another(log_file: Path) -> None:
    log = logger_to(log_file)

    async def write() -> None:
        await log.access(REQUEST, RESPONSE, 0.25)
        os.rename(log_file, log_file.with_suffix(".1"))
        reopen_logs()
        await log.access(REQUEST | {"path": "/later"}, RESPONSE, 0.25)
        log.flush()

    asyncio.run(write())
    assert "/orders/" in log_file.with_suffix(".1").read_text()
    assert "/later" in log_file.read_text()


def test_a_full_disk_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    writer = LineWriter("/dev/full")
    for _ in range(3):
        writer.emit(logging.LogRecord("x", logging.INFO, "", 1, "line", None, None))
    writer.close()
    assert [record.getMessage() for record in caplog.records] == [
        "The access log cannot be written to /dev/full: [Errno 28] No space left on device"
    ]


def test_standard_output_in_ascii_gets_escapes() -> None:
    program = """
import logging
from quarterdeck.serving.log_files import LineWriter
LineWriter("-").emit(logging.LogRecord("x", logging.INFO, "", 1, "/caf\\u00e9", None, None))
"""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "/caf\\xe9\n"


def test_a_line_of_json(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from quarterdeck import serving
config = serving.Config()
config.accesslog, config.log_format = "-", "json"
async def main():
    await config.log.access({REQUEST!r}, {RESPONSE!r}, 0.25)
    config.log._writer = None
    await config.log.access({REQUEST!r}, {RESPONSE!r}, 0.25)
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        assert line.pop("time").endswith("Z")
    assert lines[0] == lines[1]
    assert lines[0]["message"] == "POST /orders/ 201"
    assert lines[0]["duration"] == 0.25
