"""Database servers that freeze, die, refuse or come back, through each driver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from quart import Quart
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from quarterdeck.exceptions import DatabaseTimeoutError
from quarterdeck.health import Health
from quarterdeck.sqlalchemy import no_time_limit
from tests.servers import Server

from .sqlalchemy_app import DEFAULTS, User, add_users, db, make_app

pytestmark = [
    pytest.mark.external_service("MariaDB", "PostgreSQL"),
    pytest.mark.parametrize("driver", ["aiomysql", "asyncmy", "asyncpg"]),
]

BUSY = 10.0  # seconds that a busy machine may need for what takes one; no limit would be 30


@pytest.fixture(name="is_postgresql")
def _is_postgresql(driver: str) -> bool:
    return driver == "asyncpg"


@pytest.fixture(name="server")
def _server(request: pytest.FixtureRequest, is_postgresql: bool) -> Server:
    server = request.getfixturevalue("postgres" if is_postgresql else "maria")
    assert isinstance(server, Server)
    return server


@pytest.fixture(name="settings")
def _settings() -> dict[str, Any]:
    """Short limits, to be quick; a test that counts seconds has its own."""
    return {"SQLALCHEMY_CONNECT_TIMEOUT_SECONDS": 0.8, "SQLALCHEMY_QUERY_TIMEOUT_SECONDS": 0.8}


@pytest.fixture(name="built")
def _built(
    server: Server, driver: str, is_postgresql: bool, tmp_path: Path, settings: dict[str, Any]
) -> Quart:
    """An app, made outside the event loop as servers do: importing a driver reads files."""
    place = f"127.0.0.1:{server.port}/t_{uuid4().hex}"
    uri = f"postgresql://postgres@{place}" if is_postgresql else f"mysql+{driver}://root@{place}"
    app = make_app(tmp_path, SQLALCHEMY_DATABASE_URI=uri, **settings)

    @app.get("/")
    async def count() -> str:
        return str(await User.query.count())

    app.add_url_rule("/ready", view_func=Health(app).ready)

    @app.get("/slow")
    async def slow() -> str:
        return str(await db.session.scalar(sleep(30)))

    return app


@pytest.fixture(name="app")
async def _app(built: Quart, server: Server) -> AsyncIterator[Quart]:
    async with built.test_app():
        async with built.app_context():
            with no_time_limit():
                await db.create_all()
                await add_users("Ada")
        yield built
        server.heal()


def sleep(seconds: float) -> Any:
    name = "pg_sleep" if db.engine.dialect.name == "postgresql" else "SLEEP"
    return text(f"SELECT {name}({seconds})")


async def status(app: Quart, path: str = "/") -> int:
    return (await app.test_client().get(path)).status_code


async def until_in_use(pool: Any) -> None:
    """Return when a connection of the pool is in use."""
    while not pool.checkedout():  # noqa: ASYNC110 - the pool has no event
        await asyncio.sleep(0)


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
                await db.session.scalar(sleep(1.2))
            assert await db.session.scalar(text("SELECT 1")) == 1

    async def test_large_results_are_given_up_too(self, app: Quart, is_postgresql: bool) -> None:
        numbers = text(
            "SELECT n, CASE n WHEN 100000 THEN pg_sleep(30) END FROM generate_series(1, 100000) n"
            if is_postgresql
            else "SELECT seq, SLEEP(IF(seq = 100000, 30, 0)) FROM seq_1_to_100000"
        )
        async with app.app_context():
            result = await db.session.stream(numbers)
            with pytest.raises((DatabaseTimeoutError, DBAPIError)):
                await result.fetchall()

    async def test_requests_are_answered_503_and_later_200(
        self, app: Quart, server: Server
    ) -> None:
        assert await status(app) == 200
        server.freeze()
        started = time.monotonic()
        answers = await asyncio.gather(*(status(app) for _ in range(5)))
        assert set(answers) == {503}
        assert time.monotonic() - started < BUSY
        server.thaw()
        assert await status(app) == 200

    @pytest.mark.parametrize("settings", [DEFAULTS])
    async def test_the_defaults_answer_within_5_seconds(self, app: Quart, server: Server) -> None:
        async with app.app_context():
            pool = db.engine.pool
        under_way = asyncio.create_task(status(app, "/slow"))
        await until_in_use(pool)
        server.freeze()
        started = time.monotonic()
        answers = set(await asyncio.gather(under_way, status(app), status(app)))
        assert time.monotonic() - started < 5
        assert answers == {503}

    async def test_a_handshake_is_given_up(self, app: Quart, server: Server) -> None:
        async with app.app_context():
            await db.dispose()
        server.freeze()
        started = time.monotonic()
        assert await status(app) == 503
        assert time.monotonic() - started < BUSY

    async def test_making_a_database_is_given_up(self, app: Quart, server: Server) -> None:
        server.freeze()
        async with app.app_context(), asyncio.timeout(BUSY):
            with pytest.raises(DatabaseTimeoutError, match="did not answer"):
                await db.create_database()

    async def test_no_connection_is_lost_to_the_pool(self, app: Quart, server: Server) -> None:
        async with app.app_context():
            pool: Any = db.engine.pool
        server.freeze()
        await asyncio.gather(*(status(app) for _ in range(4)))
        assert pool.checkedout() == 0


@pytest.mark.feature("L1")
@pytest.mark.hazard("connections of another event loop")
async def test_a_command_in_a_thread_does_not_disturb_the_app(
    app: Quart, caplog: pytest.LogCaptureFixture
) -> None:
    """As tests of commands run them: with an event loop of their own."""

    async def command() -> int:
        async with app.app_context():
            count = await User.query.count()
            await db.session.remove()
            await db.dispose()
            return count

    for _ in range(2):
        assert await asyncio.gather(*(status(app) for _ in range(3))) == [200] * 3
        assert await asyncio.to_thread(asyncio.run, command()) == 1
    assert await status(app) == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.feature("D7")
@pytest.mark.hazard("server restart")
@pytest.mark.parametrize("settings", [DEFAULTS])  # a server that has just started is slow
async def test_a_killed_server_is_used_again_once_it_is_back(app: Quart, server: Server) -> None:
    assert await status(app) == 200
    server.kill()
    assert await status(app) == 503
    await asyncio.to_thread(server.start)
    assert await asyncio.gather(*(status(app) for _ in range(10))) == [200] * 10


@pytest.mark.feature("D7")
@pytest.mark.parametrize("settings", [{"SQLALCHEMY_CONNECT_TIMEOUT_SECONDS": 20}])
async def test_a_request_waits_for_a_server_that_is_being_restarted(
    app: Quart, server: Server
) -> None:
    server.kill()
    asked = asyncio.create_task(status(app))
    done, _ = await asyncio.wait([asked], timeout=0.5)
    assert not done
    await asyncio.to_thread(server.start)
    assert await asked == 200


@pytest.mark.feature("D7")
@pytest.mark.parametrize("settings", [{"SQLALCHEMY_CONNECT_TIMEOUT_SECONDS": 0}])  # one attempt
async def test_a_refused_connection_is_a_503(
    app: Quart, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    assert await status(app, "/ready") == 200
    async with app.app_context():
        await db.dispose()
    server.kill()
    response = await app.test_client().get("/")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    ready = await app.test_client().get("/ready")
    assert (ready.status_code, (await ready.get_json())["down"]) == (503, ["database"])
    assert "Connect call failed" in caplog.text or "Can't connect to MySQL server" in caplog.text


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
