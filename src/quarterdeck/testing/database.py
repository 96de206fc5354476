"""Tests that leave no trace in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from quart import Quart, current_app

from quarterdeck._quart import unwrap
from quarterdeck._state import create_own_tables

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from quarterdeck.sqlalchemy import SQLAlchemy


@asynccontextmanager
async def isolated_database(db: SQLAlchemy, app: Quart | None = None) -> AsyncIterator[None]:
    """Roll back everything that happens in the block, commits of requests included::

        @pytest.fixture(autouse=True)
        async def isolated(app):
            async with isolated_database(db, app):
                yield

    Until then all users of ``db`` and of its engines share one connection per database: requests,
    background tasks, browser sessions, jobs. A transaction is a savepoint of it. Tables that
    rooms make at their first use are made before the block.

    Args:
        db: The extension.
        app: The app of the database; the current one if None.

    Raises:
        IsolatedTransactionError: If a transaction is rolled back while a later one is writing,
            or if the database is used from another event loop.
    """
    state = db._state.get(app)
    await create_own_tables(app or unwrap(current_app))
    async with AsyncExitStack() as stack:
        for engine in state.engines.values():
            await stack.enter_async_context(_shared(engine))
        yield


@asynccontextmanager
async def _shared(engine: AsyncEngine) -> AsyncIterator[None]:
    """Let an engine hand out one connection, in a transaction that is rolled back at the end."""
    from quarterdeck.sqlalchemy.sqlite import begin_immediate

    from .sqlalchemy import SharedConnection

    sync_engine = engine.sync_engine
    async with engine.connect() as connection, connection.begin() as transaction:
        await connection.run_sync(begin_immediate)
        driver = (await connection.get_raw_connection()).dbapi_connection
        own_pool = sync_engine.pool
        sync_engine.pool = SharedConnection(driver).pool_for(sync_engine)
        try:
            yield
        finally:
            sync_engine.pool = own_pool
            await transaction.rollback()
