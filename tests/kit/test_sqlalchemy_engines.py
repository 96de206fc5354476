"""Engines from the configuration: drivers, pools, SQLite in memory and on disk."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from quarterdeck.exceptions import (
    ConfigurationError,
    ExtensionAlreadyInitializedError,
    ExtensionNotInitializedError,
    UnknownBindError,
)
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.sqlalchemy.urls import async_url

from .sqlalchemy_app import User, add_users, db, make_app


class TestURLs:
    @pytest.mark.feature("D1")
    @pytest.mark.parametrize(
        ("given", "served"),
        [
            ("sqlite:///app.db", "sqlite+aiosqlite:////data/app.db"),
            ("sqlite:////var/app.db", "sqlite+aiosqlite:////var/app.db"),
            ("sqlite+aiosqlite:///app.db", "sqlite+aiosqlite:////data/app.db"),
            ("sqlite:///file:a.db?uri=true", "sqlite+aiosqlite:///file:/data/a.db?uri=true"),
            ("sqlite:///file:/a.db?uri=true", "sqlite+aiosqlite:///file:/a.db?uri=true"),
            ("sqlite://", "sqlite+aiosqlite://"),
            ("sqlite:///:memory:", "sqlite+aiosqlite:///:memory:"),
            ("mysql://u:p@h/d", "mysql+aiomysql://u:p@h/d?charset=utf8mb4"),
            ("mysql+pymysql://u:p@h:1/d", "mysql+aiomysql://u:p@h:1/d?charset=utf8mb4"),
            ("mysql+asyncmy://u:p@h/d", "mysql+asyncmy://u:p@h/d?charset=utf8mb4"),
            ("mysql+pymysql://h/d?charset=utf8", "mysql+aiomysql://h/d?charset=utf8mb4"),
            ("mysql+aiomysql://h/d?charset=latin1", "mysql+aiomysql://h/d?charset=latin1"),
            ("mariadb+pymysql://h/d", "mariadb+aiomysql://h/d?charset=utf8mb4"),
            ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
            ("postgresql://u:p@h:1/d", "postgresql+asyncpg://u:p@h:1/d"),
            (
                "postgresql+psycopg2://h/d?sslmode=require",
                "postgresql+asyncpg://h/d?sslmode=require",
            ),
            ("postgresql+psycopg://h/d", "postgresql+asyncpg://h/d"),
        ],
    )
    def test_synchronous_drivers_become_their_async_twins(self, given: str, served: str) -> None:
        url = async_url(given, key="SQLALCHEMY_DATABASE_URI", folder="/data")
        assert url == make_url(served)

    def test_the_change_is_logged_without_the_password(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO):
            async_url("mysql://u:secret@h/d", key="SQLALCHEMY_DATABASE_URI", folder="")
        assert "'SQLALCHEMY_DATABASE_URI': 'mysql://' is served by 'mysql+aiomysql'" in caplog.text
        assert "secret" not in caplog.text


class TestConfiguration:
    @pytest.mark.parametrize(
        ("config", "key"),
        [
            ({"SQLALCHEMY_DATABASE_URI": None}, "SQLALCHEMY_DATABASE_URI"),
            ({"SQLALCHEMY_DATABASE_URI": "not a uri"}, "SQLALCHEMY_DATABASE_URI"),
            ({"SQLALCHEMY_DATABASE_URI": "nosuch://h/d"}, "SQLALCHEMY_DATABASE_URI"),
            ({"SQLALCHEMY_DATABASE_URI": "mssql://h/d"}, "SQLALCHEMY_DATABASE_URI"),
            ({"SQLALCHEMY_DATABASE_URI": "postgresql://h"}, "SQLALCHEMY_DATABASE_URI"),
            ({"SQLALCHEMY_BINDS": {"logs": "not a uri"}}, "SQLALCHEMY_BINDS['logs']"),
            ({"SQLALCHEMY_POOL_SIZE": 0}, "SQLALCHEMY_POOL_SIZE"),
            ({"SQLALCHEMY_POOL_TIMEOUT": "soon"}, "SQLALCHEMY_POOL_TIMEOUT"),
            ({"SQLALCHEMY_ENGINE_OPTIONS": {"no_such": 1}}, "SQLALCHEMY_DATABASE_URI"),
        ],
    )
    def test_what_cannot_work_is_refused_at_once(
        self, tmp_path: Path, config: dict[str, Any], key: str
    ) -> None:
        with pytest.raises(ConfigurationError) as caught:
            make_app(tmp_path, **config)
        assert caught.value.key == key

    def test_an_app_is_initialised_once(self, tmp_path: Path) -> None:
        app = make_app(tmp_path)
        with pytest.raises(ExtensionAlreadyInitializedError):
            SQLAlchemy(app)

    async def test_an_app_without_the_extension_says_so(self) -> None:
        async with Quart("tests").app_context():
            with pytest.raises(ExtensionNotInitializedError, match=r"SQLAlchemy\.init_app"):
                _ = db.session

    async def test_pool_keys_reach_the_pool(self, tmp_path: Path) -> None:
        app = make_app(
            tmp_path,
            SQLALCHEMY_POOL_SIZE=3,
            SQLALCHEMY_MAX_OVERFLOW="4",
            SQLALCHEMY_POOL_TIMEOUT=0.5,
            SQLALCHEMY_POOL_RECYCLE=60,
            SQLALCHEMY_POOL_PRE_PING=True,
            SQLALCHEMY_ECHO=False,
        )
        async with app.app_context():
            pool: Any = db.engine.pool
        assert (pool.size(), pool._max_overflow, pool.timeout()) == (3, 4, 0.5)
        assert (pool._recycle, pool._pre_ping) == (60, True)

    async def test_engine_options_win(self, tmp_path: Path) -> None:
        other = SQLAlchemy(engine_options={"pool_size": 1, "max_overflow": 1})
        app = Quart("tests", instance_path=str(tmp_path))
        app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///test.db"
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 2}
        other.init_app(app)
        async with app.app_context():
            pool: Any = other.engine.pool
        assert (pool.size(), pool._max_overflow) == (2, 1)

    async def test_a_bind_may_have_its_own_options(self, tmp_path: Path) -> None:
        app = make_app(
            tmp_path, SQLALCHEMY_BINDS={"logs": {"url": "sqlite:///logs.db", "pool_size": 2}}
        )
        async with app.app_context():
            pool: Any = db.get_engine("logs").pool
            assert pool.size() == 2
            assert set(db.engines) == {None, "logs"}
            with pytest.raises(UnknownBindError, match="'other' is not a bind key"):
                db.get_engine("other")

    async def test_mysql_is_read_committed_and_tests_its_connections(self, tmp_path: Path) -> None:
        app = make_app(tmp_path, SQLALCHEMY_DATABASE_URI="mysql://u:p@localhost/d")
        async with app.app_context():
            pool: Any = db.engine.pool
            assert pool._pre_ping is True
            assert pool._recycle == 1800
            assert db.engine.dialect._on_connect_isolation_level == "READ COMMITTED"


@pytest.mark.sqlite_only
class TestSQLite:
    async def test_it_lies_in_the_instance_folder_which_is_made(self, tmp_path: Path) -> None:
        app = make_app(tmp_path / "instance" / "deep")
        async with app.test_app(), app.app_context():
            await db.create_database()
            assert await asyncio.to_thread((tmp_path / "instance" / "deep" / "test.db").exists)

    async def test_several_processes_may_make_the_tables_at_once(self, tmp_path: Path) -> None:
        """An engine each is what they have; the lock of one engine would hide the race."""

        async def start() -> None:
            app = make_app(tmp_path)
            async with app.test_app(), app.app_context():
                await db.create_all()

        await asyncio.gather(*(start() for _ in range(4)))

    @pytest.mark.feature("D1")
    async def test_it_is_opened_in_wal_with_foreign_keys(self, tmp_path: Path) -> None:
        app = make_app(tmp_path)
        async with app.test_app(), app.app_context():
            pragmas = {}
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous"):
                pragmas[name] = await db.session.scalar(text(f"PRAGMA {name}"))
        assert pragmas == {
            "journal_mode": "wal",
            "foreign_keys": 1,
            "busy_timeout": 5000,
            "synchronous": 1,
        }

    async def test_a_read_only_file_can_be_read_and_says_what_it_is(self, tmp_path: Path) -> None:
        app = make_app(tmp_path)
        async with app.test_app(), app.app_context():
            await db.create_all()
            await add_users("Ada")
        uri = f"sqlite:///file:{tmp_path}/test.db?mode=ro&uri=true"
        reader = make_app(tmp_path, SQLALCHEMY_DATABASE_URI=uri)
        async with reader.test_app(), reader.app_context():
            assert await User.query.count() == 1
            with pytest.raises(OperationalError, match="readonly"):
                await add_users("Grace")

    async def test_in_memory_sessions_take_turns(self, tmp_path: Path) -> None:
        """None sees, or rolls back, what another one has not committed."""
        app = make_app(tmp_path, SQLALCHEMY_DATABASE_URI="sqlite://")
        async with app.test_app():
            async with app.app_context():
                await db.create_all()

            async def add(name: str) -> None:
                async with app.app_context(), db.transaction() as session:
                    session.add(User(name=name))
                    await session.flush()
                    await asyncio.sleep(0.01)
                    if name == "Eve":
                        raise ValueError(name)

            names = ["Ada", "Eve", "Grace"]
            await asyncio.gather(*(add(name) for name in names), return_exceptions=True)
            async with app.app_context():
                assert [u.name for u in await User.query.all()] == ["Ada", "Grace"]

    async def test_in_memory_lasts_over_several_contexts(self, tmp_path: Path) -> None:
        app = make_app(tmp_path, SQLALCHEMY_DATABASE_URI="sqlite:///:memory:")
        async with app.test_app():
            async with app.app_context():
                await db.create_all()
                await add_users("Ada")
            async with app.app_context():
                assert await User.query.count() == 1
