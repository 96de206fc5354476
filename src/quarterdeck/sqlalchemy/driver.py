"""aiosqlite with one thread hop per statement, and writers that queue.

SQLAlchemy makes a cursor, executes, fetches and closes; with aiosqlite each of these is a round
trip to the thread of the connection, and so is a commit or rollback of nothing. Here a
statement and its rows are one round trip, and work that needs no thread uses none.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

import aiosqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from quarterdeck.exceptions import TransactionConflictError

CONNECT_ARGS: dict[str, Any] = {"timeout": 5.0, "isolation_level": None}
INTERRUPT_SECONDS = 0.01
PREFETCHED = 500  # rows; the rest comes when asked for, so that a large result can be streamed


JOIN_SECONDS = 5.0
_stopped: WeakSet[threading.Thread] = WeakSet()


async def join_stopped() -> None:
    """Wait for the threads of closed connections, which still answer the event loop.

    A connection of a cancelled task is closed without waiting. If the loop ends first, its thread
    fails with "Event loop is closed".
    """
    for thread in list(_stopped):
        await asyncio.to_thread(thread.join, JOIN_SECONDS)


def connector(
    url: URL, connect_args: Mapping[str, Any], folder: Path | None = None
) -> Callable[[], Awaitable[Connection]]:
    """Return the ``async_creator`` of an engine; ``connect_args`` win over those in the URL.

    Args:
        url: Of the database.
        connect_args: Options of ``sqlite3.connect``.
        folder: Is made if it is missing.
    """
    positional, from_url = url.get_dialect()().create_connect_args(url)
    options = CONNECT_ARGS | dict(from_url) | dict(connect_args)
    connect = partial(_connect, folder, *positional, **options)
    write_lock = asyncio.Lock()

    async def create() -> Connection:
        connection = Connection(connect, write_lock, options["timeout"])
        connection._thread.daemon = True  # a forgotten connection must not keep the process
        await connection
        return connection

    return create


def _connect(folder: Path | None, *args: Any, **options: Any) -> sqlite3.Connection:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    connection: sqlite3.Connection = sqlite3.connect(*args, **options)
    return connection


class Cursor(aiosqlite.Cursor):
    """A cursor that comes into being with its first statement and brings rows along."""

    _conn: Connection

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, None)  # type: ignore[arg-type]  # "_run" makes the cursor
        self._rows: list[Any] = []
        self._exhausted = True

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> Cursor:
        await self._conn._execute(self._run, sql, parameters or ())
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Cursor:
        self._cursor = await self._conn._execute(self._conn._conn.executemany, sql, parameters)
        return self

    def _run(self, sql: str, parameters: Any) -> None:
        self._cursor = self._conn._conn.execute(sql, parameters)
        self._rows = []
        self._fetch(PREFETCHED)

    def _fetch(self, count: int) -> None:
        rows = self._cursor.fetchmany(count)
        self._rows += rows
        self._exhausted = len(rows) < count

    async def fetchone(self) -> Any:
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        size = size or PREFETCHED
        missing = size - len(self._rows)
        if missing > 0 and not self._exhausted:
            await self._conn._execute(self._fetch, max(missing, PREFETCHED))
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        if not self._exhausted:
            rows += await self._conn._execute(self._cursor.fetchall)
            self._exhausted = True
        return rows

    async def close(self) -> None:
        self._rows = []
        if not self._exhausted:
            self._exhausted = True
            await self._conn._execute(self._cursor.close)


class Connection(aiosqlite.Connection):
    """A connection that queues for the write lock of its process.

    SQLite's own waiting is polling and unfair; it remains for other processes.

    Args:
        connect: Opens the database, on the thread of this connection.
        write_lock: Shared by the connections of an engine.
        patience: How long to wait for the lock, in seconds.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], write_lock: asyncio.Lock, patience: float
    ) -> None:
        super().__init__(connect, iter_chunk_size=PREFETCHED)
        self._write_lock = write_lock
        self._patience = patience
        self._is_writer = False
        self._interrupted = False

    def cursor(self) -> Cursor:  # type: ignore[override]  # at once, not in the thread
        return Cursor(self)

    async def begin_immediate(self) -> None:
        """Begin a transaction that may write, unless one is under way.

        Raises:
            TransactionConflictError: If other writers do not end in time.
            sqlalchemy.exc.OperationalError: If the database cannot be written.
        """
        if self.in_transaction:
            return
        try:
            if not self._is_writer:  # it still is if SQLite itself ended the transaction
                async with asyncio.timeout(self._patience):
                    await self._write_lock.acquire()
                self._is_writer = True
            await self._execute(self._conn.execute, "BEGIN IMMEDIATE")
        except TimeoutError:
            raise TransactionConflictError(self._busy) from None
        except sqlite3.OperationalError as error:
            self._let_next_writer()
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise TransactionConflictError(self._busy) from error
            raise OperationalError("BEGIN IMMEDIATE", None, error) from error

    @property
    def _busy(self) -> str:
        return f"other transactions kept SQLite's write lock for {self._patience:g} s"

    async def commit(self) -> None:
        if self.in_transaction:
            await super().commit()
        self._let_next_writer()

    async def rollback(self) -> None:
        # After an interruption the thread may still be about to begin a transaction.
        if self.in_transaction or self._interrupted:
            self._interrupted = False
            await super().rollback()
        self._let_next_writer()

    async def close(self) -> None:
        try:
            await super().close()
        finally:
            self._let_next_writer()

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread; a second call has no effect, because no thread would answer it."""
        self._let_next_writer()
        _stopped.add(self._thread)
        return super().stop() if self._running else None

    def _let_next_writer(self) -> None:
        if self._is_writer:
            self._is_writer = False
            self._write_lock.release()

    async def _execute(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]  # aiosqlite has no types here
        except asyncio.CancelledError:
            self._interrupted = True
            end = _End()
            self._tx.put_nowait((None, end.reach))
            self._interrupt_until(end)
            raise

    def _interrupt_until(self, end: _End) -> None:
        """Interrupt a statement repeatedly: SQLite ignores it if the thread has yet to begin."""
        if self._connection is not None and end.interrupt(self._connection):
            loop = asyncio.get_running_loop()
            loop.call_later(INTERRUPT_SECONDS, self._interrupt_until, end)


class _End:
    """The end of a cancelled statement: nothing after it is interrupted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_reached = False

    def reach(self) -> None:
        """Mark the end, on the thread of the connection."""
        with self._lock:
            self._is_reached = True

    def interrupt(self, connection: sqlite3.Connection) -> bool:
        """Interrupt the connection before the end, on the event loop; return whether it was."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if not self._is_reached:
                connection.interrupt()
            return not self._is_reached
        finally:
            self._lock.release()
