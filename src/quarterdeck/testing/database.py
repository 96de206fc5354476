"""Tests that leave no trace in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from quart import Quart

if TYPE_CHECKING:
    from quarterdeck.sqlalchemy import SQLAlchemy


@asynccontextmanager
async def isolated_database(db: SQLAlchemy, app: Quart | None = None) -> AsyncIterator[None]:
    """Roll back everything that happens in the block, commits of requests included::

        @pytest.fixture(autouse=True)
        async def isolated(app):
            async with isolated_database(db, app):
                yield

    All sessions of the app share one connection per database meanwhile, and a commit is the
    release of a savepoint: let requests run one after the other.

    Args:
        db: The extension.
        app: The app of the database; the current one if None.
    """
    state = db._state.get(app)
    async with AsyncExitStack() as stack:
        connections = {}
        for key, engine in state.engines.items():
            connection = await stack.enter_async_context(engine.connect())
            transaction = await connection.begin()
            stack.push_async_callback(transaction.rollback)
            connections[key] = connection
        state.isolated = connections
        try:
            yield
        finally:
            state.isolated = {}
