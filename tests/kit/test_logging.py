"""Request ids, slow requests, and the two formats of log records."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from quart import current_app
from sqlalchemy import text

from quarterdeck._exchange import current_exchange
from quarterdeck.app import Quart
from quarterdeck.exceptions import ConfigurationError, ExtensionAlreadyInitializedError
from quarterdeck.logging import JSONFormatter, Logging, TextFormatter, request_id
from quarterdeck.login import LoginManager, UserMixin, login_user
from quarterdeck.security import Security
from quarterdeck.sqlalchemy import SQLAlchemy, no_time_limit

pytestmark = pytest.mark.feature("AP6")


class Lines(logging.Handler):
    """Keeps the lines of a formatter."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def json_lines() -> Iterator[list[str]]:
    handler = Lines(JSONFormatter())
    logging.getLogger().addHandler(handler)
    yield handler.lines
    logging.getLogger().removeHandler(handler)


def make_app(**config: Any) -> Quart:
    app = Quart("tests")
    app.config.update(SECRET_KEY="tests", SQLALCHEMY_DATABASE_URI="sqlite:///:memory:", **config)
    Logging(app)
    db = SQLAlchemy(app)
    manager = LoginManager(app)

    class Ada(UserMixin):
        id = 7

    @manager.user_loader
    async def load(_id: str) -> Ada:
        return Ada()

    @app.get("/orders/<int:number>")
    async def order(number: int) -> str:
        current_app.logger.warning(
            "order %d\nFORGED", number, extra={"api_key": "s3cret", "retry": 2}
        )
        return request_id() or ""

    @app.get("/reset/<token>")
    async def reset(token: str) -> str:
        raise RuntimeError("broken")

    @app.get("/sign-in")
    async def sign_in() -> str:
        login_user(Ada())
        return "in"

    @app.get("/statement")
    async def statement() -> str:
        await db.session.execute(text("SELECT :secret AS answer"), {"secret": "s3cret"})
        return "done"

    @app.websocket("/ws")
    async def ws() -> None:
        exchange = current_exchange()
        assert exchange is not None
        from quart import websocket

        await websocket.send(f"{request_id()} {exchange.endpoint}")

    return app


@pytest.fixture
def app() -> Quart:
    return make_app()


async def test_a_request_has_an_id_in_answer_view_and_log(
    app: Quart, json_lines: list[str]
) -> None:
    client = app.test_client()
    first, second = await client.get("/orders/3"), await client.get("/orders/3")

    name = first.headers["X-Request-ID"]
    assert name == await first.get_data(as_text=True)
    assert name != second.headers["X-Request-ID"]
    line = json.loads(json_lines[0])
    assert line.pop("time").endswith("Z")
    assert line.pop("worker") > 0
    assert line == {
        "level": "WARNING", "logger": "tests", "message": "order 3\nFORGED", "request_id": name,
        "method": "GET", "path": "/orders/3", "route": "/orders/<int:number>", "endpoint": "order",
        "api_key": "***", "retry": 2,
    }  # fmt: skip
    assert "\n" not in json_lines[0]


async def test_the_user_is_named(app: Quart, json_lines: list[str]) -> None:
    client = app.test_client()
    await client.get("/sign-in")
    await client.get("/orders/3")
    assert json.loads(json_lines[-1])["user"] == "7"


async def test_an_error_keeps_its_traceback_and_hides_the_token(
    app: Quart, json_lines: list[str]
) -> None:
    response = await app.test_client().get("/reset/s3cret?next=s3cret")

    assert response.status_code == 500
    (line,) = json_lines
    assert "s3cret" not in line
    assert json.loads(line)["path"] == "/reset/***"
    assert "RuntimeError: broken" in json.loads(line)["exception"]
    assert json.loads(line)["request_id"] == response.headers["X-Request-ID"]


async def test_an_unknown_path_has_no_route(app: Quart) -> None:
    response = await app.test_client().get("/none")
    assert len(response.headers["X-Request-ID"]) == 16


async def test_the_id_of_a_stranger_is_replaced(app: Quart) -> None:
    response = await app.test_client().get("/none", headers={"X-Request-ID": "chosen-by-client"})
    assert response.headers["X-Request-ID"] != "chosen-by-client"


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("from-the-proxy_1", True), ("short", False), ("with space", False), ("x" * 129, False)],
)
async def test_the_id_of_a_trusted_proxy(given: str, is_kept: bool) -> None:
    response = await trusting().test_client().get("/none", headers={"X-Trace": given})
    assert (response.headers["X-Trace"] == given) is is_kept


@pytest.mark.parametrize("security_first", [True, False])
@pytest.mark.parametrize(("peer", "is_kept"), [("10.0.0.1", True), ("192.0.2.7", False)])
def test_an_id_of_a_proxy_that_security_trusts(
    security_first: bool, peer: str, is_kept: bool, json_lines: list[str]
) -> None:
    """Whichever of both extensions sees the request first; the log has the real client."""
    app = Quart("tests")
    app.config["TRUSTED_PROXIES"] = ["10.0.0.0/8"]
    for extension in (Security, Logging) if security_first else (Logging, Security):
        extension(app)

    @app.get("/")
    async def index() -> str:
        app.logger.error("here")
        return "fine"

    async def ask() -> str:
        headers = {"X-Request-ID": "from-the-proxy", "X-Forwarded-For": "192.0.2.9"}
        scope = {"client": (peer, 5000)}
        response = await app.test_client().get("/", headers=headers, scope_base=scope)
        return response.headers["X-Request-ID"]

    assert (asyncio.run(ask()) == "from-the-proxy") is is_kept
    assert json.loads(json_lines[0])["address"] == ("192.0.2.9" if is_kept else peer)


def trusting() -> Quart:
    return make_app(LOG_TRUST_REQUEST_ID=True, LOG_REQUEST_ID_HEADER="X-Trace")


async def test_a_websocket_has_an_id(app: Quart) -> None:
    async with app.test_client().websocket("/ws") as connection:
        name, endpoint = (await connection.receive()).split()
    assert len(name) == 16
    assert endpoint == "ws"


@pytest.fixture
def impatient() -> Quart:
    return make_app(LOG_SLOW_REQUEST_SECONDS=1e-9, SQLALCHEMY_SLOW_QUERY_SECONDS=1e-9)


async def test_slow_requests_and_statements_name_their_endpoint(
    impatient: Quart, json_lines: list[str]
) -> None:
    await impatient.test_client().get("/statement")

    statement, request = (json.loads(line) for line in json_lines)
    assert statement["logger"] == "quarterdeck.sqlalchemy"
    assert statement["message"].startswith("Slow statement: 0.")
    assert statement["message"].endswith(" s in statement: SELECT ? AS answer")
    assert statement["duration"] > 0
    assert request["logger"] == "quarterdeck.requests"
    assert request["message"].startswith("Slow request: GET /statement (statement) took 0.")
    assert request["status"] == 200
    assert "s3cret" not in str(json_lines)


async def test_statements_without_a_time_limit_are_not_slow(
    impatient: Quart, json_lines: list[str]
) -> None:
    with no_time_limit():
        await impatient.test_client().get("/statement")

    [request] = (json.loads(line) for line in json_lines)
    assert request["logger"] == "quarterdeck.requests"


async def test_quick_requests_and_statements_are_not_named(
    app: Quart, json_lines: list[str]
) -> None:
    await app.test_client().get("/statement")
    assert not json_lines


def test_a_line_for_people_shows_the_request_and_no_control_characters(app: Quart) -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 1, "one\n\x1b[31mtwo", None, None)
    assert TextFormatter().format(record).endswith("] ERROR x: one\n    \\x1b[31mtwo")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
        ("LOG_LEVELS", {"x": "loud"}),
        ("LOG_REQUEST_ID_HEADER", "a b"),
    ],
)
def test_wrong_values_stop_the_start(key: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=key):
        make_app(**{key: value})


def test_a_second_call_is_refused(app: Quart) -> None:
    with pytest.raises(ExtensionAlreadyInitializedError):
        Logging(app)


PROGRAM = """
import logging
from quart import Quart
from quarterdeck.logging import Logging

for number in range(2):
    app = Quart(f"app{number}")
    app.config.update(LOG_FORMAT=%r, LOG_LEVELS={"quiet": "ERROR"})
    Logging(app)
app.logger.info("of the app")
logging.getLogger("quiet").warning("not written")
logging.getLogger("loud").debug("not written")
try:
    1 / 0
except ZeroDivisionError:
    app.logger.exception("wrong")
"""


def run(format: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM % format]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stdout
    return done.stderr.splitlines()


def test_one_format_for_the_process() -> None:
    lines = [json.loads(line) for line in run("json")]
    assert [line["message"] for line in lines] == ["of the app", "wrong"]
    assert "1 / 0" in lines[1]["exception"] or "ZeroDivisionError" in lines[1]["exception"]

    first, *rest = run("text")
    assert first.endswith("INFO app1: of the app")
    assert all(line.startswith("    ") for line in rest[1:])
