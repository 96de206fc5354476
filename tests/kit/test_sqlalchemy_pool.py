"""Pools: how many connections, for how long, and what is said when none is free."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import event, text

from quarterdeck.exceptions import PoolExhaustedError
from quarterdeck.sqlalchemy import PoolStatus

from .sqlalchemy_app import DEFAULTS, User, db, make_app


@pytest.mark.feature("D7")
@pytest.mark.hazard("pool exhaustion waits 30 s")
async def test_a_spent_pool_is_a_503_in_time(tmp_path: Path) -> None:
    app = make_app(
        tmp_path,
        SQLALCHEMY_POOL_SIZE=1,
        SQLALCHEMY_MAX_OVERFLOW=1,
        SQLALCHEMY_POOL_TIMEOUT=0.1,
    )

    two_are_refused = asyncio.Event()

    @app.get("/")
    async def view() -> str:
        await User.query.count()
        await two_are_refused.wait()
        return "done"

    async with app.test_app():
        async with app.app_context():
            await db.create_all()
        client = app.test_client()
        requests = asyncio.as_completed([client.get("/") for _ in range(4)])
        async with asyncio.timeout(10):
            refused, other = [await next(requests) for _ in range(2)]
        assert (refused.status_code, other.status_code) == (503, 503)
        two_are_refused.set()
        assert [(await request).status_code for request in requests] == [200, 200]
        assert refused.headers["Retry-After"] == "1"
        assert "try again" in await refused.get_data(as_text=True)
        assert (await client.get("/")).status_code == 200


@pytest.mark.feature("D7")
async def test_by_default_the_answer_comes_within_3_seconds(tmp_path: Path) -> None:
    app = make_app(tmp_path, SQLALCHEMY_POOL_SIZE=1, SQLALCHEMY_MAX_OVERFLOW=0, **DEFAULTS)

    @app.get("/")
    async def view() -> str:
        await db.session.execute(text("SELECT 1"))
        return "done"

    async with app.test_app(), app.app_context():
        await db.create_database()
        async with db.new_session() as session:
            await session.execute(text("SELECT 1"))
            async with asyncio.timeout(3):
                assert (await app.test_client().get("/")).status_code == 503
        assert (await app.test_client().get("/")).status_code == 200


async def test_the_app_can_handle_it(tmp_path: Path) -> None:
    app = make_app(
        tmp_path,
        SQLALCHEMY_POOL_SIZE=1,
        SQLALCHEMY_MAX_OVERFLOW=0,
        SQLALCHEMY_POOL_TIMEOUT=0,
    )

    @app.errorhandler(PoolExhaustedError)
    async def busy(error: PoolExhaustedError) -> tuple[str, int]:
        return error.reason, 503

    @app.get("/")
    async def view() -> str:
        await db.session.execute(text("SELECT 1"))
        async with db.new_session() as session:
            await session.execute(text("SELECT 1"))
        return ""

    async with app.test_app():
        async with app.app_context():
            await db.create_database()
        response = await app.test_client().get("/")
        assert "SQLALCHEMY_POOL_TIMEOUT" in await response.get_data(as_text=True)


async def test_the_connections_are_closed_with_the_server(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        await User.query.count()
        pool: Any = db.engine.pool
    assert pool.checkedin() == 0


async def test_a_script_can_close_them_itself(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.app_context():
        await db.create_all()
        pool: Any = db.engine.pool
        assert pool.checkedin() == 1
        await db.dispose()
        assert pool.checkedin() == 0


@pytest.mark.feature("D7")
@pytest.mark.parametrize(("uses", "opened"), [(None, 1), (2, 3), (1, 5)])
async def test_a_connection_is_replaced_after_its_uses(
    tmp_path: Path, uses: int | None, opened: int
) -> None:
    app = make_app(tmp_path, SQLALCHEMY_POOL_MAX_USES=uses)
    connects: list[object] = []
    async with app.test_app():
        async with app.app_context():
            await db.create_database()
            await db.dispose()
            event.listen(db.engine.sync_engine, "connect", lambda *_: connects.append(None))
        for _ in range(5):
            async with app.app_context():
                await db.session.execute(text("SELECT 1"))
    assert len(connects) == opened


@pytest.mark.sqlite_only
async def test_a_database_in_memory_outlives_the_uses(tmp_path: Path) -> None:
    app = make_app(tmp_path, SQLALCHEMY_DATABASE_URI="sqlite://", SQLALCHEMY_POOL_MAX_USES=1)
    async with app.test_app():
        for _ in range(2):
            async with app.app_context():
                await db.create_all()
                assert await User.query.count() == 0


@pytest.mark.feature("D7")
async def test_the_status_counts_who_has_a_connection_and_who_waits(tmp_path: Path) -> None:
    app = make_app(tmp_path, SQLALCHEMY_POOL_SIZE=1, SQLALCHEMY_MAX_OVERFLOW=1)
    async with app.test_app(), app.app_context():
        await db.create_database()
        await _count(app)
        assert db.pool_status() == PoolStatus(checked_out=0, idle=1, waiting=0, limit=2)
        async with db.new_session() as one, db.new_session() as other:
            for session in (one, other):
                await session.execute(text("SELECT 1"))
            waiting = asyncio.create_task(_count(app))
            await _until_somebody_waits()
            assert db.pool_status() == PoolStatus(checked_out=2, idle=0, waiting=1, limit=2)
        await waiting
        assert db.pool_status() == PoolStatus(checked_out=0, idle=1, waiting=0, limit=2)


async def _count(app: Quart) -> None:
    async with app.app_context():
        await db.session.execute(text("SELECT 1"))


async def _until_somebody_waits() -> None:
    async with asyncio.timeout(5):
        while not (status := db.pool_status()) or not status.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0)
