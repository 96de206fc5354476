"""Below the ORM: SQL texts, rows as dictionaries, cursors of the driver, an engine of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

from .sqlalchemy_app import User, add_users, db, make_app, sql

pytestmark = pytest.mark.feature("D10")


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        await add_users("ada")
        yield app


async def test_rows_as_dictionaries(app: Quart) -> None:
    result = await db.session.execute(
        sql("SELECT id, name FROM {user} WHERE name = :name"), {"name": "ada"}
    )
    assert [dict(row) for row in result.mappings()] == [{"id": 1, "name": "ada"}]


async def test_a_cursor_of_the_driver(app: Quart) -> None:
    kinds: list[Any] = []
    if db.engine.dialect.name == "mysql":
        kinds.append(import_module(f"{db.engine.dialect.driver}.cursors").DictCursor)
    async with db.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if db.engine.dialect.name == "postgresql":  # asyncpg has no cursors of the DB-API
            rows = await driver.fetch('SELECT id, name FROM "user"')
            assert [dict(row) for row in rows] == [{"id": 1, "name": "ada"}]
            return
        cursor = driver.cursor(*kinds)
        async with cursor if hasattr(cursor, "__aenter__") else await cursor as opened:
            await opened.execute("SELECT id, name FROM user")
            rows = await opened.fetchall()
    assert list(rows) == ([{"id": 1, "name": "ada"}] if kinds else [(1, "ada")])


@pytest.mark.feature("D11")
async def test_an_engine_without_the_extension(app: Quart) -> None:
    engine = create_async_engine(db.engine.url)
    factory = async_sessionmaker(engine, expire_on_commit=False)
    sessions = async_scoped_session(factory, scopefunc=asyncio.current_task)
    ended = []

    @app.teardown_request
    async def remove(_error: BaseException | None) -> None:
        ended.append(sessions.registry.has())
        await sessions.remove()

    @app.get("/")
    async def index() -> str:
        return str(await sessions.scalar(select(User.name)))

    try:
        response = await app.test_client().get("/")
        assert await response.get_data(as_text=True) == "ada"
        assert ended == [True]
    finally:
        await engine.dispose()
