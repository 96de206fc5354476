"""An error that a person must act on is in the log: its cause and the remedy, a few lines."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from quart import session, websocket
from quart.testing import WebsocketResponseError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from quarterdeck._repeated_logs import EVERY_SECONDS, MAX_CAUSES, OutageLog, RepeatedWarning
from quarterdeck.app import Quart
from quarterdeck.exceptions import PasswordHasherBusyError
from quarterdeck.login.hashing import PasswordHasher
from quarterdeck.session import Session
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.wtf import CSRFProtect
from tests.kit.served_app import served

from .session.memory import MemoryStore

Log = pytest.LogCaptureFixture

NO_TABLE = """
from quart import Quart, session

from quarterdeck.session import Session
from quarterdeck.sqlalchemy import SQLAlchemy

app = Quart(__name__)
app.secret_key = "only for this test"
app.config.update(
    SQLALCHEMY_DATABASE_URI="sqlite:///app.db",
    SESSION_TYPE="sqlalchemy",
    SESSION_SQLALCHEMY=lambda: db.engine,
    SESSION_SQLALCHEMY_CREATE=False,
)
db = SQLAlchemy(app)
Session(app)


@app.before_serving
async def create_database():
    await db.create_database()


@app.get("/")
async def index():
    session["visits"] = session.get("visits", 0) + 1
    return "seen"
"""


def said(caplog: Log, logger: str) -> list[str]:
    """What a logger has written at level WARNING or higher."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == logger and record.levelno >= logging.WARNING
    ]


@pytest.mark.feature("S2")
@pytest.mark.parametrize("app_class", ["quart", "quarterdeck.app"])
def test_a_session_table_that_is_missing_is_in_the_log_of_the_server(
    tmp_path: Path, app_class: str
) -> None:
    code = NO_TABLE.replace(
        "from quart import Quart,", f"from {app_class} import Quart\nfrom quart import"
    )
    with served(tmp_path, code) as app:
        for _ in range(3):
            assert app.get().status_code in {500, 503}
        log = app.wait_for("does not work")

    assert (
        "Writing to the session store 'sqlalchemy' does not work: the table 'sessions' is missing. "
        "Run 'db upgrade', or set SESSION_SQLALCHEMY_CREATE = True"
    ) in log
    assert log.count("does not work") == 1


@pytest.mark.feature("S2")
async def test_a_wrong_address_of_the_database_of_sessions_is_in_the_log(
    unused_tcp_port: int, caplog: Log
) -> None:
    app = Quart(__name__)
    app.secret_key = "only for this test"
    app.config.update(
        SQLALCHEMY_DATABASE_URI=f"mysql://root@127.0.0.1:{unused_tcp_port}/shop",
        SQLALCHEMY_CONNECT_TIMEOUT_SECONDS=0.1,
        SESSION_TYPE="sqlalchemy",
    )
    db = SQLAlchemy(app)
    app.config["SESSION_SQLALCHEMY"] = lambda: db.engine
    Session(app)

    @app.get("/")
    async def index() -> str:
        session["seen"] = True
        return ""

    async with app.test_app() as running_app:
        client = running_app.test_client()
        assert (await client.get("/")).status_code == 503
        client.set_cookie("localhost", "session", "A" * 43)
        assert (await client.get("/")).status_code == 503
    messages = said(caplog, "quarterdeck.session")
    assert [line.partition(" the session")[0] for line in messages] == ["Writing to", "Reading"]
    assert all("Can't connect to MySQL server" in line for line in messages)


async def test_an_outage_of_the_session_store_has_one_line_for_each_change(caplog: Log) -> None:
    caplog.set_level("INFO", "quarterdeck.session")
    store = MemoryStore()
    app = Quart(__name__)
    app.secret_key = "only for this test"
    app.config.update(SESSION_TIMEOUT_SECONDS=0.1, SESSION_CLEANUP_N_REQUESTS=10**9)
    Session(app, store=store)

    @app.get("/")
    async def index() -> str:
        session["seen"] = session.get("seen", 0) + 1
        return ""

    client = app.test_client()
    await client.get("/")
    for _ in range(2):
        store.failure = ConnectionError("refused")
        assert [(await client.get("/")).status_code for _ in range(3)] == [503] * 3
        store.failure, store.delay = None, 10
        assert (await client.get("/")).status_code == 503
        store.delay = 0
        assert [(await client.get("/")).status_code for _ in range(3)] == [200] * 3

    once = [
        "Reading the session store 'memory' does not work: ConnectionError('refused')",
        (
            "Reading the session store 'memory' does not work: "
            "no answer within 0.1 s (SESSION_TIMEOUT_SECONDS)"
        ),
        "Reading the session store 'memory' works again",
    ]
    assert [r.getMessage() for r in caplog.records if r.name == "quarterdeck.session"] == 2 * once


async def test_pages_that_do_not_use_the_store_do_not_end_an_outage(caplog: Log) -> None:
    caplog.set_level("INFO", "quarterdeck.session")
    store = MemoryStore()
    app = Quart(__name__)
    app.secret_key = "only for this test"
    Session(app, store=store)

    @app.get("/<key>")
    async def index(key: str) -> str:
        session[key] = "x"
        return ""

    store.failure = ConnectionError("refused")
    for key, status in (("name", 503), ("csrf_token", 200), ("name", 503)):
        assert (await app.test_client().get(f"/{key}")).status_code == status
    assert len([r for r in caplog.records if r.name == "quarterdeck.session"]) == 1


@pytest.mark.sqlite_only
async def test_a_missing_table_of_a_model_names_the_command(tmp_path: Path) -> None:
    app = Quart(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/app.db"
    db = SQLAlchemy(app)
    async with app.app_context():
        with pytest.raises(OperationalError, match="no such table: ship") as caught:
            await db.session.execute(text("SELECT * FROM ship"))
        await db.session.close()
        await db.dispose()
    remedy = "The table is missing: run 'db upgrade', or 'await db.create_all()'."
    assert caught.value.__notes__ == [remedy]


async def test_a_missing_table_of_mariadb_names_the_command(running: Any) -> None:
    app = Quart(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"mysql://root@127.0.0.1:{running('mariadb').port}/test"
    db = SQLAlchemy(app)
    async with app.app_context():
        with pytest.raises(Exception, match="doesn't exist") as caught:
            await db.session.execute(text("SELECT * FROM ship_that_is_not_there"))
        await db.session.close()
        await db.dispose()
    assert "run 'db upgrade'" in caught.value.__notes__[0]


async def test_too_many_password_hashes_are_in_the_log(caplog: Log) -> None:
    hasher = PasswordHasher(1, 1, 64, max_waiting=0)
    try:
        results = await asyncio.gather(
            *(hasher.hash("x") for _ in range(4)), return_exceptions=True
        )
    finally:
        await hasher.aclose()
    assert sum(isinstance(one, PasswordHasherBusyError) for one in results) == 3
    assert said(caplog, "quarterdeck.login") == [
        "Sign-ins are answered 503: 1 password hashes are under way (LOGIN_HASH_MAX_WAITING)"
    ]


async def test_websockets_above_the_limits_are_in_the_log(caplog: Log) -> None:
    app = Quart(__name__)
    app.config.update(WEBSOCKET_MAX_CONNECTIONS=2, WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS=1)

    @app.websocket("/<name>")
    async def ws(name: str) -> None:
        await websocket.send("open")
        await websocket.receive()

    client = app.test_client()
    async with client.websocket("/one") as one:
        await one.receive()
        for _ in range(2):
            await _is_refused(client, "/one", 429)
        async with client.websocket("/two") as two:
            await two.receive()
            for _ in range(2):
                await _is_refused(client, "/three", 503)
    per_address, total = said(caplog, "quarterdeck.app")
    assert "1 are open from there (WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS)" in per_address
    assert total == "WebSockets are refused: 2 are open (WEBSOCKET_MAX_CONNECTIONS)"


async def test_a_host_that_is_not_trusted_is_in_the_log(caplog: Log) -> None:
    app = Quart(__name__)
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    for _ in range(3):
        response = await app.test_client().get("/", headers={"Host": "www.shop.example"})
        assert response.status_code == 400
    assert said(caplog, "quarterdeck.app") == [
        "Requests are answered 400: the host www.shop.example is not in TRUSTED_HOSTS"
    ]


async def test_an_answer_that_is_cut_off_is_in_the_log(caplog: Log) -> None:
    app = Quart(__name__)
    app.config["RESPONSE_TIMEOUT"] = 0.05

    @app.get("/endless")
    async def endless() -> Any:
        async def body() -> Any:
            yield b"begun"
            await asyncio.sleep(60)

        return body()

    async with app.test_client().request("/endless") as request:
        await request.send_complete()
        await request.as_response()
    (line,) = said(caplog, "quarterdeck.app")
    assert line.startswith("The answer to GET /endless is cut off after 0.05 s. For longer ones")


async def test_origins_behind_a_proxy_that_hides_the_host_are_in_the_log(caplog: Log) -> None:
    app = Quart(__name__)
    app.secret_key = "only for this test"
    CSRFProtect(app)

    @app.get("/")
    async def index() -> str:
        return str(app.jinja_env.globals["csrf_token"]())  # type: ignore[operator]

    @app.post("/")
    async def save() -> str:
        return "saved"

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send("open")

    client = app.test_client()
    token = await (await client.get("/", scheme="https")).get_data(as_text=True)
    foreign = {"Origin": "https://shop.example"}
    for _ in range(2):
        headers = foreign | {"X-CSRFToken": token}
        assert (await client.post("/", headers=headers, scheme="https")).status_code == 400
        await _is_refused(client, "/ws", 403, headers=foreign)
    forms, sockets = said(caplog, "quarterdeck.wtf")
    assert forms.startswith("Forms from https://shop.example are refused, because the site is")
    assert sockets.startswith("WebSockets from https://shop.example are refused")
    assert "TRUSTED_PROXIES" in forms
    assert "WTF_CSRF_TRUSTED_ORIGINS" in sockets


async def _is_refused(client: Any, path: str, status: int, **options: Any) -> None:
    with pytest.raises(WebsocketResponseError) as refused:
        async with client.websocket(path, **options) as connection:
            await connection.receive()
    assert refused.value.response.status_code == status


def test_causes_that_differ_each_time_do_not_fill_the_log(caplog: Log) -> None:
    outages = OutageLog(logging.getLogger("quarterdeck.test"), "The store")
    for number in range(3 * MAX_CAUSES):
        outages.failed(f"cause {number}")
    assert len(said(caplog, "quarterdeck.test")) == MAX_CAUSES


def test_a_repeated_warning_comes_once_a_minute_with_its_count(
    caplog: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("quarterdeck._repeated_logs.time.monotonic", lambda: now)
    warning = RepeatedWarning(logging.getLogger("quarterdeck.test"))
    for _ in range(4):
        warning.warning("%s is full", "The pool")
    now += EVERY_SECONDS
    warning.warning("%s is full", "The pool")
    assert said(caplog, "quarterdeck.test") == [
        "The pool is full",
        "The pool is full (3 times more since the last line)",
    ]
