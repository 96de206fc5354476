"""The app's engine, and tables that are made when they are first used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from quarterdeck._own_tables import create_missing
from quarterdeck._state import release_resources
from quarterdeck.exceptions import ConfigurationError

from .tables import SchedulerTables, scheduler_tables

if TYPE_CHECKING:
    from quart import Quart


class Database:
    """The tables of a scheduler in the database of an app.

    Args:
        app: In whose context the engine is asked for.
        engine: The engine, or a function that returns it: called at the first use.
        tables: Of the scheduler.
        create: Whether to make missing tables at the first use.
    """

    def __init__(
        self,
        app: Quart,
        engine: AsyncEngine | Callable[[], AsyncEngine],
        tables: SchedulerTables,
        *,
        create: bool,
    ) -> None:
        self.tables = tables
        self._app = app
        self._source = engine
        self._missing = create
        self._creating = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Run a transaction, while a request that has only read holds no connection."""
        if not isinstance(self._source, AsyncEngine):
            async with self._app.app_context():
                self._source = self._source()
        await release_resources()
        engine = self._source
        if self._missing:
            async with self._creating:
                await self._create(engine)
        async with engine.begin() as connection:
            yield connection

    async def _create(self, engine: AsyncEngine) -> None:
        if not self._missing:
            return
        for table in (self.tables.job, self.tables.lease, self.tables.run):
            await create_missing(engine, table)
        self._missing = False


def make_database(config: Mapping[str, Any], app: Quart, engine: Any = None) -> Database:
    """Return the database that the configuration describes; nothing connects yet.

    Raises:
        ConfigurationError: If there is no engine.
    """
    engine = engine or config["SCHEDULER_SQLALCHEMY"]
    if not isinstance(engine, AsyncEngine) and not callable(engine):
        raise ConfigurationError(
            "SCHEDULER_SQLALCHEMY",
            f"is {engine!r}",
            "Give an AsyncEngine, or a function: 'lambda: db.engine'.",
        )
    tables = _tables(config["SCHEDULER_PREFIX"])
    return Database(app, engine, tables, create=config["SCHEDULER_SQLALCHEMY_CREATE"])


@cache
def _tables(prefix: str) -> SchedulerTables:
    """Return the tables, which all apps share: a quarter of the time of making an app."""
    return scheduler_tables(MetaData(), prefix)
