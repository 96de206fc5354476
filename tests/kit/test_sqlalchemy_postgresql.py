"""PostgreSQL: the settings of a connection, both time limits, and making what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from quarterdeck.exceptions import DatabaseTimeoutError, TransactionConflictError
from quarterdeck.sqlalchemy import Session, no_time_limit
from tests.servers import Server

from .sqlalchemy_app import User, add_users, db, make_app

pytestmark = pytest.mark.external_service("PostgreSQL")

LIMIT = {"SQLALCHEMY_QUERY_TIMEOUT_SECONDS": 0.5}
BUSY = 10.0  # seconds that a busy machine may need
RUNNING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE state = 'active' AND query LIKE '%''cancelled''%' AND pid <> pg_backend_pid()
"""


@pytest.fixture(name="uri")
def _uri(postgres: Server, tmp_path: Path) -> str:
    return f"postgresql://postgres@127.0.0.1:{postgres.port}/{tmp_path.name[:40]}"


@pytest.fixture(name="settings")
def _settings() -> dict[str, Any]:
    return {}


@pytest.fixture(name="built")
def _built(uri: str, tmp_path: Path, settings: dict[str, Any]) -> Quart:
    """An app, made outside the event loop as servers do: importing a driver reads files."""
    return make_app(tmp_path, SQLALCHEMY_DATABASE_URI=uri, **settings)


@pytest.fixture(name="app")
async def _app(built: Quart) -> AsyncIterator[Quart]:
    async with built.test_app(), built.app_context():
        with no_time_limit():
            await db.create_all()
            await add_users("Ada")
        yield built


async def value(statement: str) -> Any:
    return await db.session.scalar(text(statement))


async def settings_of(*names: str) -> list[Any]:
    return [await value(f"SHOW {name}") for name in names]


@pytest.mark.feature("D1")
class TestConnections:
    async def test_they_are_in_utc_and_wait_for_locks_less_long_than_we_do(
        self, app: Quart
    ) -> None:
        names = ("TimeZone", "transaction_isolation", "lock_timeout", "statement_timeout")
        assert await settings_of(*names) == ["UTC", "read committed", "3s", "20s"]
        assert await value("SHOW server_encoding") == "UTF8"

    @pytest.mark.feature("D10")
    async def test_settings_of_the_app_win(self, uri: str, tmp_path: Path) -> None:
        app = await asyncio.to_thread(
            make_app,
            tmp_path,
            SQLALCHEMY_DATABASE_URI=f"{uri}?sslmode=disable&application_name=shop&lock_timeout=7s"
            "&connect_timeout=10",
            SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"server_settings": {"timezone": "GMT"}}},
        )
        async with app.test_app(), app.app_context():
            await db.create_database()
            found = await settings_of("application_name", "lock_timeout", "TimeZone")
            assert found == ["shop", "7s", "GMT"]
            await db.session.remove()

    async def test_tls_that_is_demanded_is_not_left_out(self, uri: str, tmp_path: Path) -> None:
        """The server of the tests has none."""
        uri = f"{uri}?sslmode=require"
        app = await asyncio.to_thread(make_app, tmp_path, SQLALCHEMY_DATABASE_URI=uri)
        async with app.app_context():
            with pytest.raises(Exception, match="SSL"):
                await db.create_database()

    async def test_a_lock_that_stays_is_a_busy_database(self, app: Quart) -> None:
        async with db.new_session() as other, db.transaction():
            await User.query.with_for_update().one()
            await other.execute(text("SET lock_timeout = '50ms'"))
            with no_time_limit(), pytest.raises(TransactionConflictError, match="lock timeout"):
                await other.execute(text('UPDATE "user" SET balance = 1'))


@pytest.mark.feature("D7")
@pytest.mark.parametrize("settings", [LIMIT])
class TestTimeLimits:
    async def test_the_server_ends_a_statement_and_keeps_the_connection(self, app: Quart) -> None:
        before = await value("SELECT pg_backend_pid()")
        with pytest.raises(DatabaseTimeoutError, match="due to statement timeout"):
            await value("SELECT pg_sleep(30)")
        await db.session.rollback()
        assert await value("SELECT pg_backend_pid()") == before

    async def test_a_limit_that_was_lifted_is_back_after_the_block(self, app: Quart) -> None:
        for end in (db.session.commit, db.session.rollback):
            with no_time_limit():
                assert await value("SHOW statement_timeout") == "0"
            await end()
            assert await value("SHOW statement_timeout") == "500ms"
            with no_time_limit():
                assert await value("SHOW statement_timeout") == "0"
            assert await value("SHOW statement_timeout") == "500ms"
            await end()

    async def test_a_lifted_limit_survives_what_is_undone(self, app: Quart) -> None:
        with no_time_limit():
            async with db.session.begin_nested() as savepoint:
                assert await value("SHOW statement_timeout") == "0"
                await savepoint.rollback()
            assert await value("SHOW statement_timeout") == "0"

    async def test_a_request_that_is_cancelled_stops_its_statement(self, app: Quart) -> None:
        async def wait() -> None:
            async with db.new_session() as session:
                with no_time_limit():
                    await session.execute(text("SELECT pg_sleep(60), 'cancelled'"))

        async def until_running(count: int) -> None:
            async with asyncio.timeout(BUSY):
                while await value(RUNNING) != count:
                    await db.session.rollback()  # a transaction sees one state of it

        task = asyncio.create_task(wait())
        await until_running(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until_running(0)


@pytest.mark.feature("D6", "D7")
class TestConflicts:
    async def test_serialization_failures_are_retried(self, app: Quart) -> None:
        """Also the one that a commit reports."""
        meeting, calls = asyncio.Barrier(2), 0

        async def add(session: Session) -> None:
            nonlocal calls
            calls += 1
            await session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
            count = await User.query.with_session(session).count()
            if calls <= 2:
                await meeting.wait()
            session.add(User(name=f"User {count}"))
            session.add(User(name=f"By call {calls}"))

        async def go() -> None:
            async with app.app_context():
                await db.run(add)

        await asyncio.gather(go(), go())
        assert calls == 3
        names = [user.name for user in await User.query.order_by(User.id).all()]
        assert len(names) == 5
        assert {"Ada", "User 1", "User 3"} <= set(names)


@pytest.mark.feature("D1")
class TestMaking:
    async def test_two_apps_make_the_same_tables_at_once(self, uri: str, tmp_path: Path) -> None:
        apps = await asyncio.to_thread(
            lambda: [make_app(tmp_path, SQLALCHEMY_DATABASE_URI=uri) for _ in range(4)]
        )

        async def make(app: Quart) -> None:
            async with app.app_context():
                await db.create_all()
                await db.dispose()

        await asyncio.gather(*map(make, apps))

    async def test_a_database_that_exists_needs_no_right_on_another(
        self, app: Quart, uri: str, tmp_path: Path
    ) -> None:
        async with db.engine.connect() as connection:
            name = db.engine.url.database
            for statement in (
                "DROP ROLE IF EXISTS shop",
                "CREATE ROLE shop LOGIN",
                f'GRANT CONNECT ON DATABASE "{name}" TO shop',
                "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC",
            ):
                await connection.execute(text(statement))
            await connection.commit()
        url = db.engine.url.set(username="shop")
        other = await asyncio.to_thread(make_app, tmp_path, SQLALCHEMY_DATABASE_URI=url)
        async with other.app_context():
            await db.create_database()
            await db.dispose()
        missing = url.set(database="not_there")
        other = await asyncio.to_thread(make_app, tmp_path, SQLALCHEMY_DATABASE_URI=missing)
        async with other.app_context():
            with pytest.raises(DBAPIError, match="permission denied for database"):
                await db.create_database()


@pytest.mark.feature("D10")
async def test_a_failed_statement_ends_the_work_of_a_transaction_but_not_of_a_savepoint(
    app: Quart,
) -> None:
    async with db.transaction() as session:
        with pytest.raises(ProgrammingError):
            async with session.begin_nested():
                await session.execute(text("SELECT no_such_column"))
        assert await session.scalar(text("SELECT 1")) == 1
    with pytest.raises(ProgrammingError):
        await value("SELECT no_such_column")
    with pytest.raises(DBAPIError, match="current transaction is aborted"):
        await value("SELECT 1")
