"""Sessions in a table, over the app's own engine."""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from quarterdeck._missing_table import is_missing_table
from quarterdeck._own_tables import create_missing
from quarterdeck.exceptions import ConfigurationError, DatabaseBusyError

from .store import Entry, Row, SessionStore

if TYPE_CHECKING:
    from quart import Quart

MAX_OWNER = 255  # a longer user id is found by its beginning; the manager compares the whole
# A plain BLOB of MySQL ends at 64 KB.
PAYLOAD = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


#: Returns the row with a key from the table of the store, None if there is none.
Reader = Callable[[Table, str], Awaitable[Row | None]]


def session_table(metadata: MetaData, name: str = "sessions", schema: str | None = None) -> Table:
    """Return the table of the store, for the metadata that migrations use."""
    return Table(
        name,
        metadata,
        Column("key", String(128), primary_key=True),
        Column("version", Integer, nullable=False),
        Column("payload", PAYLOAD, nullable=False),
        Column("expires", BigInteger, nullable=False, index=True),
        Column("owner", String(MAX_OWNER), nullable=True, index=True),
        schema=schema,
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )


class SQLAlchemyStore(SessionStore):
    """One row per session, its version counted up by every write.

    Args:
        engine: The engine, or a function that returns it: called when the store is used.
        table: As ``session_table`` makes it.
        create: Whether to make a missing table at first use.
        read: Reads a row instead of the store, to read something else in the same statement.
    """

    name = "sqlalchemy"
    errors = (SQLAlchemyError, DatabaseBusyError)

    def __init__(
        self,
        engine: AsyncEngine | Callable[[], AsyncEngine],
        table: Table,
        *,
        create: bool,
        read: Reader | None = None,
    ) -> None:
        self._source = engine
        self._table = table
        self.own_tables = [(table.schema, table.name)]
        self._missing = create
        self._reader = read
        self._creating = asyncio.Lock()

    async def read(self, key: str) -> Row | None:
        t = self._table
        engine = await self._engine()
        if self._reader is not None:
            return await self._reader(t, key)
        async with engine.connect() as connection:
            found = await connection.execute(select(t.c.payload, t.c.version).where(t.c.key == key))
            row = found.one_or_none()
        return None if row is None else Row(row.payload, row.version)

    async def create(self, key: str, entry: Entry) -> None:
        await self._write(insert(self._table).values(key=key, version=1, **_columns(entry)))

    async def replace(self, key: str, entry: Entry, version: Any) -> bool:
        t = self._table
        statement = update(t).where(t.c.key == key, t.c.version == version)
        return await self._write(statement.values(version=version + 1, **_columns(entry)))

    async def delete(self, key: str) -> bool:
        return await self._write(delete(self._table).where(self._table.c.key == key))

    async def find(self, owner: str) -> list[tuple[str, bytes]]:
        t = self._table
        engine = await self._engine()
        async with engine.connect() as connection:
            statement = select(t.c.key, t.c.payload).where(t.c.owner == owner[:MAX_OWNER])
            found = await connection.execute(statement)
            return [(row.key, row.payload) for row in found]

    async def existing(self, keys: Collection[str]) -> set[str]:
        t = self._table
        engine = await self._engine()
        async with engine.connect() as connection:
            alive = select(t.c.key).where(t.c.key.in_(keys), t.c.expires > int(time.time()))
            return set(await connection.scalars(alive))

    async def clean_up(self) -> None:
        await self._write(delete(self._table).where(self._table.c.expires <= int(time.time())))

    async def create_own_tables(self) -> None:
        await self._engine()

    def explain(self, error: Exception) -> str:
        if is_missing_table(error):
            return (
                f"the table '{self._table.fullname}' is missing. Run 'db upgrade', or set "
                "SESSION_SQLALCHEMY_CREATE = True"
            )
        # The words of the database, without the statement and its parameters.
        return str(getattr(error, "orig", None) or getattr(error, "reason", None) or error)

    async def _write(self, statement: Any) -> bool:
        engine = await self._engine()
        async with engine.begin() as connection:
            return bool((await connection.execute(statement)).rowcount)

    async def _engine(self) -> AsyncEngine:
        engine = self._source if isinstance(self._source, AsyncEngine) else self._source()
        if self._missing:
            async with self._creating:
                await self._create_table(engine)
        return engine

    async def _create_table(self, engine: AsyncEngine) -> None:
        if not self._missing:
            return
        await create_missing(engine, self._table)
        self._missing = False


def _columns(entry: Entry) -> dict[str, Any]:
    owner = None if entry.owner is None else entry.owner[:MAX_OWNER]
    return {"payload": entry.payload, "expires": math.ceil(entry.expires), "owner": owner}


def make_store(config: Mapping[str, Any], _app: Quart) -> SQLAlchemyStore:
    """Return the store that the configuration describes; nothing connects yet."""
    engine = config["SESSION_SQLALCHEMY"]
    if not isinstance(engine, AsyncEngine) and not callable(engine):
        raise ConfigurationError(
            "SESSION_SQLALCHEMY",
            f"is {engine!r}",
            "Give an AsyncEngine, or a function: 'lambda: db.engine'.",
        )
    table = _table(config["SESSION_SQLALCHEMY_TABLE"], config["SESSION_SQLALCHEMY_SCHEMA"])
    return SQLAlchemyStore(
        engine,
        table,
        create=config["SESSION_SQLALCHEMY_CREATE"],
        read=config["SESSION_SQLALCHEMY_READ"],
    )


@functools.cache
def _table(name: str, schema: str | None) -> Table:
    """Return one table for all apps of the process, whose statements are compiled once."""
    return session_table(MetaData(), name, schema)
