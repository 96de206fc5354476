"""MariaDB through both drivers: the settings of a connection; failures are in another file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from quart import Quart
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError

from quarterdeck.exceptions import TransactionConflictError
from quarterdeck.sqlalchemy import no_time_limit
from tests.servers import Server

from .sqlalchemy_app import User, add_users, db, make_app

pytestmark = [
    pytest.mark.external_service("MariaDB"),
    pytest.mark.parametrize("driver", ["aiomysql", "asyncmy"]),
]


@pytest.fixture(name="built")
def _built(maria: Server, driver: str, tmp_path: Path) -> Quart:
    """An app, made outside the event loop as servers do: importing a driver reads files."""
    uri = f"mysql+{driver}://root@127.0.0.1:{maria.port}/t_{uuid4().hex}"
    return make_app(tmp_path, SQLALCHEMY_DATABASE_URI=uri)


@pytest.fixture(name="app")
async def _app(built: Quart) -> AsyncIterator[Quart]:
    async with built.test_app():
        async with built.app_context():
            with no_time_limit():
                await db.create_all()
                await add_users("Ada")
        yield built


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
