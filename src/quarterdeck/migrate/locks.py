"""One process migrates a database, the others wait.

A file next to a SQLite database, a lock of the server on MySQL, MariaDB and PostgreSQL; other
databases are not locked. The database itself is made first if it is missing.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from quarterdeck.exceptions import MigrationLockedError
from quarterdeck.sqlalchemy.engines import create_database
from quarterdeck.sqlalchemy.urls import is_memory, is_mysql, is_postgresql, is_sqlite

POLL_SECONDS = 0.05
MIGRATION_LOCK = 0x5144_6D69  # any number; advisory locks of PostgreSQL have no names


@asynccontextmanager
async def exclusive(engine: AsyncEngine, seconds: float) -> AsyncIterator[None]:
    """Make the database of ``engine`` if need be and hold the right to migrate it.

    Raises:
        MigrationLockedError: If another process keeps it for longer than ``seconds``.
    """
    if is_sqlite(engine.url) and not is_memory(engine.url):
        # Even to make the file is left to one process: switching it to WAL does not wait.
        async with _file_lock(Path(f"{engine.url.database}.migrate.lock"), seconds):
            await create_database(engine)
            yield
        return
    await create_database(engine)
    if is_mysql(engine.url):
        async with _named_lock(engine, seconds):
            yield
    elif is_postgresql(engine.url):
        async with _advisory_lock(engine, seconds):
            yield
    else:
        yield


@asynccontextmanager
async def _named_lock(engine: AsyncEngine, seconds: float) -> AsyncIterator[None]:
    """Hold a lock that the server frees, should this process die."""
    database = str(engine.url.database)
    name = "quarterdeck-" + sha256(database.encode()).hexdigest()[:32]
    async with engine.connect() as connection:
        got = await connection.scalar(
            text("SELECT GET_LOCK(:name, :seconds)"), {"name": name, "seconds": seconds}
        )
        await connection.rollback()  # the lock belongs to the connection, not to a transaction
        if got != 1:
            raise MigrationLockedError(database, seconds)
        try:
            yield
        finally:
            await connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})


@asynccontextmanager
async def _advisory_lock(engine: AsyncEngine, seconds: float) -> AsyncIterator[None]:
    """Hold a lock in this database that the server frees, should this process die."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    async with engine.connect() as connection:
        # It belongs to the connection. Without transactions it holds up no VACUUM meanwhile.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        taking, key = text("SELECT pg_try_advisory_lock(:key)"), {"key": MIGRATION_LOCK}
        while not await connection.scalar(taking, key):
            if loop.time() >= deadline:
                raise MigrationLockedError(str(engine.url.database), seconds)
            await asyncio.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


@asynccontextmanager
async def _file_lock(path: Path, seconds: float) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    while (file := await asyncio.to_thread(_try_lock, path)) is None:
        if loop.time() >= deadline:
            raise MigrationLockedError(str(path), seconds)
        await asyncio.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        await asyncio.to_thread(_release, file, path)


def _try_lock(path: Path) -> IO[bytes] | None:
    """Open and lock the file without waiting; None if another process holds the lock."""
    file = path.open("ab")
    try:
        _lock(file.fileno())
        if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            return file
    except OSError:  # locked, or removed by the one who had it
        pass
    file.close()
    return None


def _release(file: IO[bytes], path: Path) -> None:
    """Remove the file while it is still locked, so that no process locks a removed file."""
    if sys.platform != "win32":
        path.unlink(missing_ok=True)
    file.close()


if sys.platform != "win32":
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

else:  # pragma: no cover
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
