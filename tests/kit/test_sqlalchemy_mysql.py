"""MariaDB through both drivers: what a connection is set to, and servers that freeze or die."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError

from quarterdeck.exceptions import DatabaseTimeoutError, TransactionConflictError
from quarterdeck.sqlalchemy import no_time_limit
from tests.servers import Server

from .sqlalchemy_app import DEFAULTS, User, add_users, db, make_app

pytestmark = [
    pytest.mark.external_service("MariaDB"),
    pytest.mark.parametrize("driver", ["aiomysql", "asyncmy"]),
]

BUSY = 10.0  # seconds that a busy machine may need for what takes one; no limit would be 30


@pytest.fixture(name="settings")
def _settings() -> dict[str, Any]:
    """Short limits, to be quick; a test that counts seconds has its own."""
    return {"SQLALCHEMY_CONNECT_TIMEOUT_SECONDS": 0.8, "SQLALCHEMY_QUERY_TIMEOUT_SECONDS": 0.8}


@pytest.fixture(name="built")
def _built(maria: Server, driver: str, tmp_path: Path, settings: dict[str, Any]) -> Quart:
    """An app, made outside the event loop as servers do: importing a driver reads files."""
    uri = f"mysql+{driver}://root@127.0.0.1:{maria.port}/{tmp_path.name[:40]}"
    app = make_app(tmp_path, SQLALCHEMY_DATABASE_URI=uri, **settings)

    @app.get("/")
    async def count() -> str:
        return str(await User.query.count())

    @app.get("/slow")
    async def slow() -> str:
        return str(await db.session.scalar(text("SELECT SLEEP(30)")))

    return app


@pytest.fixture(name="app")
async def _app(built: Quart, maria: Server) -> AsyncIterator[Quart]:
    async with built.test_app():
        async with built.app_context():
            with no_time_limit():
                await db.create_all()
                await add_users("Ada")
        yield built
        maria.heal()


async def status(app: Quart, path: str = "/") -> int:
    return (await app.test_client().get(path)).status_code


async def until_in_use(pool: Any) -> None:
    """Return when a connection of the pool is in use."""
    while not pool.checkedout():  # noqa: ASYNC110 - the pool has no event
        await asyncio.sleep(0)


@pytest.mark.feature("D1")
class TestConnections:
    async def test_they_speak_four_bytes_and_utc_and_are_strict(self, app: Quart) -> None:
        async with app.app_context():
            row = (
                await db.session.execute(
                    text(
                        "SELECT @@character_set_client, @@time_zone, @@sql_mode,"
                        " @@tx_isolation, @@innodb_lock_wait_timeout"
                    )
                )
            ).one()
        assert row[:2] == ("utf8mb4", "+00:00")
        assert {"STRICT_ALL_TABLES", "NO_ENGINE_SUBSTITUTION"} <= set(row[2].split(","))
        assert row[3:] == ("READ-COMMITTED", 3)

    async def test_they_are_strict_where_the_server_is_not(self, app: Quart) -> None:
        async with app.app_context():
            await db.session.execute(text("SET GLOBAL sql_mode = ''"))
            await db.session.remove()
            await db.dispose()
            try:
                with pytest.raises(DataError, match="too long"):
                    await add_users("x" * 51)
            finally:
                await db.session.execute(text("SET GLOBAL sql_mode = DEFAULT"))

    @pytest.mark.feature("D10")
    @pytest.mark.parametrize("place", ["options", "url"])
    async def test_an_init_command_of_the_app_keeps_our_settings(
        self, maria: Server, driver: str, tmp_path: Path, place: str
    ) -> None:
        command = "SET innodb_lock_wait_timeout = 7, lock_wait_timeout = 9"
        url = URL.create(
            f"mysql+{driver}", "root", host="127.0.0.1", port=maria.port, database="init"
        )
        options: dict[str, Any] = {"connect_args": {"program_name": "notes"}}
        if place == "url":
            url = url.update_query_dict({"init_command": command})
        else:
            options["connect_args"]["init_command"] = command
        app = await asyncio.to_thread(
            make_app,
            tmp_path,
            SQLALCHEMY_DATABASE_URI=url,
            SQLALCHEMY_ENGINE_OPTIONS=options,
        )
        async with app.test_app(), app.app_context():
            await db.create_database()
            row = await db.session.execute(
                text(
                    "SELECT @@sql_mode, @@time_zone, @@innodb_lock_wait_timeout, "
                    "@@lock_wait_timeout"
                )
            )
            mode, *rest = row.one()
            assert "STRICT_ALL_TABLES" in mode
            assert rest == ["+00:00", 7, 9]

    async def test_warnings_of_the_server_are_not_logged(
        self, app: Quart, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.clear()
        async with app.app_context():
            await db.create_database()  # 'database exists'
        assert [record for record in caplog.records if record.name != "asyncio"] == []

    async def test_four_byte_characters_come_back(self, app: Quart) -> None:
        async with app.app_context():
            await add_users("𠮷野家 🚢")
            assert await User.query.filter_by(name="𠮷野家 🚢").count() == 1

    @pytest.mark.feature("D7")
    async def test_a_lock_that_stays_is_a_busy_database(self, app: Quart) -> None:
        async with app.app_context(), db.new_session() as other:
            await other.execute(text("SET innodb_lock_wait_timeout = 1"))
            async with db.transaction():
                await User.query.with_for_update().one()
                with no_time_limit(), pytest.raises(TransactionConflictError, match="Lock wait"):
                    await other.execute(text("UPDATE user SET balance = 1"))


@pytest.mark.feature("D7")
@pytest.mark.hazard("no read timeout")
class TestFrozenServer:
    async def test_a_statement_is_given_up(self, app: Quart) -> None:
        started = time.monotonic()
        response = await app.test_client().get("/slow")
        assert time.monotonic() - started < BUSY
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert await status(app) == 200

    async def test_statements_may_take_their_time_when_told_so(self, app: Quart) -> None:
        async with app.app_context():
            with no_time_limit():
                assert await db.session.scalar(text("SELECT SLEEP(1)")) == 0

    async def test_large_results_are_given_up_too(self, app: Quart) -> None:
        numbers = text("SELECT seq, SLEEP(IF(seq = 100000, 30, 0)) FROM seq_1_to_100000")
        async with app.app_context():
            result = await db.session.stream(numbers)
            with pytest.raises((DatabaseTimeoutError, DBAPIError)):
                await result.fetchall()

    async def test_requests_are_answered_503_and_later_200(self, app: Quart, maria: Server) -> None:
        assert await status(app) == 200
        maria.freeze()
        started = time.monotonic()
        answers = await asyncio.gather(*(status(app) for _ in range(5)))
        assert set(answers) == {503}
        assert time.monotonic() - started < BUSY
        maria.thaw()
        assert await status(app) == 200

    @pytest.mark.parametrize("settings", [DEFAULTS])
    async def test_the_defaults_answer_within_5_seconds(self, app: Quart, maria: Server) -> None:
        async with app.app_context():
            pool = db.engine.pool
        under_way = asyncio.create_task(status(app, "/slow"))
        await until_in_use(pool)
        maria.freeze()
        started = time.monotonic()
        answers = set(await asyncio.gather(under_way, status(app), status(app)))
        assert time.monotonic() - started < 5
        assert answers == {503}

    async def test_a_handshake_is_given_up(self, app: Quart, maria: Server) -> None:
        async with app.app_context():
            await db.dispose()
        maria.freeze()
        started = time.monotonic()
        assert await status(app) == 503
        assert time.monotonic() - started < BUSY

    async def test_making_a_database_is_given_up(self, app: Quart, maria: Server) -> None:
        maria.freeze()
        async with app.app_context(), asyncio.timeout(BUSY):
            with pytest.raises(DatabaseTimeoutError, match="did not answer"):
                await db.create_database()

    async def test_no_connection_is_lost_to_the_pool(self, app: Quart, maria: Server) -> None:
        async with app.app_context():
            pool: Any = db.engine.pool
        maria.freeze()
        await asyncio.gather(*(status(app) for _ in range(4)))
        assert pool.checkedout() == 0


@pytest.mark.feature("D7")
@pytest.mark.hazard("server restart")
@pytest.mark.parametrize("settings", [DEFAULTS])  # a server that has just started is slow
async def test_a_killed_server_is_used_again_once_it_is_back(app: Quart, maria: Server) -> None:
    assert await status(app) == 200
    maria.kill()
    assert await status(app) == 503
    await asyncio.to_thread(maria.start)
    assert await asyncio.gather(*(status(app) for _ in range(10))) == [200] * 10


@pytest.mark.feature("D7")
@pytest.mark.parametrize("settings", [{"SQLALCHEMY_CONNECT_TIMEOUT_SECONDS": 20}])
async def test_a_request_waits_for_a_server_that_is_being_restarted(
    app: Quart, maria: Server
) -> None:
    maria.kill()
    asked = asyncio.create_task(status(app))
    done, _ = await asyncio.wait([asked], timeout=0.5)
    assert not done
    await asyncio.to_thread(maria.start)
    assert await asked == 200


@pytest.mark.feature("D7")
@pytest.mark.parametrize("settings", [{"SQLALCHEMY_CONNECT_TIMEOUT_SECONDS": 0}])  # one attempt
async def test_a_refused_connection_is_a_503(
    app: Quart, maria: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with app.app_context():
        await db.dispose()
    maria.kill()
    response = await app.test_client().get("/")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert "Can't connect to MySQL server" in caplog.text


@pytest.mark.feature("D7")
@pytest.mark.parametrize(
    "settings",
    [
        DEFAULTS
        | {
            "SQLALCHEMY_POOL_SIZE": 1,
            "SQLALCHEMY_MAX_OVERFLOW": 0,
            "SQLALCHEMY_POOL_TIMEOUT": 0.2,
        }
    ],
)
async def test_a_spent_pool_is_a_503(app: Quart) -> None:
    async with app.app_context():
        pool = db.engine.pool
    under_way = asyncio.create_task(status(app, "/slow"))
    await until_in_use(pool)
    started = time.monotonic()
    response = await app.test_client().get("/")
    assert time.monotonic() - started < BUSY
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert await under_way == 503
