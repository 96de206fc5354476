"""A function of the app reads the row of a session, and something else in the same statement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, session
from sqlalchemy import Table, literal, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from quarterdeck.session import Row

from .apps import make_app

pytestmark = pytest.mark.feature("S2")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'sessions.sqlite3'}")
    yield engine
    await engine.dispose()


@pytest.fixture
def app(engine: AsyncEngine) -> Quart:
    async def read(table: Table, key: str) -> Row | None:
        statement = select(table.c.payload, table.c.version, literal("beside")).where(
            table.c.key == key
        )
        async with engine.connect() as connection:
            found = (await connection.execute(statement)).one_or_none()
        return None if found is None else Row(*found)

    app = make_app(
        {
            "SESSION_TYPE": "sqlalchemy",
            "SESSION_SQLALCHEMY": engine,
            "SESSION_SQLALCHEMY_READ": read,
        }
    )

    def extra() -> Any:
        return session.take_extra()  # type: ignore[attr-defined]

    @app.get("/twice")
    async def twice() -> Any:
        return [extra(), extra()]

    @app.get("/after-saving")
    async def after_saving() -> Any:
        session["name"] = "y"
        await session.save()  # type: ignore[attr-defined]
        return [extra()]

    @app.get("/read-again")
    async def read_again() -> Any:
        first = extra()
        await session.reload()  # type: ignore[attr-defined]
        return [first, extra(), extra()]

    return app


async def test_it_is_taken_once_for_each_time_that_the_session_is_read(app: Quart) -> None:
    client = app.test_client()
    assert await (await client.get("/twice")).get_json() == [None, None]  # there is no session
    await client.post("/set", json={"name": "x"})
    assert await (await client.get("/twice")).get_json() == ["beside", None]
    assert await (await client.get("/read-again")).get_json() == ["beside", "beside", None]


async def test_it_is_too_old_once_the_session_was_saved(app: Quart) -> None:
    client = app.test_client()
    await client.post("/set", json={"name": "x"})
    assert await (await client.get("/after-saving")).get_json() == [None]
    assert await (await client.get("/")).get_json() == {"name": "y"}


async def test_other_kinds_of_sessions_have_none() -> None:
    app = make_app()

    @app.get("/extra")
    async def extra() -> Any:
        return [session.take_extra()]  # type: ignore[attr-defined]

    assert await (await app.test_client().get("/extra")).get_json() == [None]
