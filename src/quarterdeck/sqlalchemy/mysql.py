"""MySQL and MariaDB: the settings of a connection, and time limits in both async drivers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import event, text
from sqlalchemy.dialects.mysql.aiomysql import (
    AsyncAdapt_aiomysql_connection,
    AsyncAdapt_aiomysql_cursor,
    AsyncAdapt_aiomysql_ss_cursor,
)
from sqlalchemy.dialects.mysql.asyncmy import (
    AsyncAdapt_asyncmy_connection,
    AsyncAdapt_asyncmy_cursor,
    AsyncAdapt_asyncmy_ss_cursor,
)
from sqlalchemy.engine import URL, Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

from .timeouts import Lost, Timeouts, has_no_time_limit, in_time, reach

T = TypeVar("T")

# What does not fit is refused instead of cut to size, NOW() is UTC as everything else, and the
# server gives up waiting for a row before we give up waiting for the server.
SESSION_VARIABLES = (
    "SET sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION'), time_zone = '+00:00', innodb_lock_wait_timeout = 3"
)
SERVER_LOST = 2013  # the code of MySQL's own clients after a read timeout
REFUSED = 2003
RESTED_SECONDS = 5.0  # a connection that was used since is not asked whether it is alive


def take_init_command(url: URL, arguments: dict[str, Any]) -> str | None:
    """Return the ``init_command`` of the app, and put our settings in its place.

    Drivers run one statement only, so that of the app runs after ours, and its settings win.
    """
    connect_args = arguments.setdefault("connect_args", {})
    command = connect_args.get("init_command") or url.query.get("init_command")
    connect_args["init_command"] = SESSION_VARIABLES
    return None if command is None else str(command)


def run_after_connect(engine: Engine, command: str) -> None:
    """Run a statement on each new connection."""

    @event.listens_for(engine, "connect")
    def run(dbapi_connection: Any, _record: object) -> None:
        cursor = dbapi_connection.cursor()
        cursor.execute(command)
        cursor.close()


async def create_database(server: AsyncEngine, name: str) -> None:
    """Make a database if it is missing."""
    quoted = server.dialect.identifier_preparer.quote(name)
    async with server.connect() as connection:
        statement = f"CREATE DATABASE IF NOT EXISTS {quoted} CHARACTER SET utf8mb4"
        await connection.execute(text(statement))


def prepare(engine: Engine, timeouts: Timeouts) -> None:
    """Let an engine for aiomysql or asyncmy make connections with time limits."""
    adapter = DRIVERS[engine.dialect.driver]
    # It logs each warning of the server: a line for every named primary key of a migration.
    logging.getLogger("asyncmy").setLevel(logging.ERROR)

    @event.listens_for(engine, "do_connect")
    def connect(
        dialect: Any, _record: object, args: Sequence[Any], options: dict[str, Any]
    ) -> _Connection:
        dbapi = dialect.loaded_dbapi
        creator = options.pop("async_creator_fn", dbapi.driver.connect)

        def is_refusal(error: Exception) -> bool:
            return isinstance(error, dbapi.OperationalError) and error.args[0] == REFUSED

        reached = reach(
            partial(creator, *args, **options),
            timeouts.connect,
            is_refusal=is_refusal,
            lost=_lost(dbapi),
        )
        connection: _Connection = await_only(adapter.create(dbapi, reached))
        connection.timeouts = timeouts
        connection.loop = asyncio.get_running_loop()
        return connection


def _lost(dbapi: Any) -> Lost:
    return partial(dbapi.OperationalError, SERVER_LOST)


class _Connection:
    """The round trips of a connection, besides the statements of its cursors.

    Both drivers close the connection when a round trip is cancelled.
    """

    dbapi: Any
    timeouts: Timeouts
    loop: asyncio.AbstractEventLoop
    _connection: Any
    _handle_exception: Any
    _answered_at = float("-inf")
    _is_ended = False  # whether the last round trip ended a transaction

    async def in_time(self, work: Awaitable[T]) -> T:
        self._is_ended = False
        seconds = None if has_no_time_limit() else self.timeouts.statement
        result = await in_time(work, seconds, _lost(self.dbapi))
        self._answered_at = time.monotonic()
        return result

    def _has_hung_up(self) -> bool:
        raise NotImplementedError

    def _wait(self, work: Awaitable[Any]) -> None:
        try:
            await_only(work)
        except Exception as error:
            self._handle_exception(error)

    def ping(self, reconnect: bool = False) -> None:
        """Ask whether the server is there, unless it answered just now and has not hung up."""
        is_fresh = time.monotonic() - self._answered_at < RESTED_SECONDS
        if is_fresh and not self._has_hung_up():
            return
        answer = self._connection.ping(reconnect=reconnect)
        self._wait(in_time(answer, self.timeouts.connect, _lost(self.dbapi)))

    def commit(self) -> None:
        self._wait(self.in_time(self._connection.commit()))
        self._is_ended = True

    def rollback(self) -> None:
        """Roll back, unless nothing was sent since the last transaction ended.

        The session ends its transaction, and then the pool does.
        """
        if not self._is_ended:
            self._wait(self.in_time(self._connection.rollback()))
            self._is_ended = True

    def autocommit(self, value: Any) -> None:
        self._wait(self.in_time(self._connection.autocommit(value)))


class _Cursor:
    """The statements of a connection."""

    __slots__ = ()

    _adapt_connection: Any

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        work = super()._execute_async(operation, parameters)  # type: ignore[misc]  # of the class of the driver that follows
        return await self._adapt_connection.in_time(work)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        work = super()._executemany_async(operation, seq_of_parameters)  # type: ignore[misc]  # of the class of the driver that follows
        return await self._adapt_connection.in_time(work)


class _StreamingCursor(_Cursor):
    """A cursor whose rows are still on the server."""

    __slots__ = ()

    _cursor: Any

    def _fetch(self, work: Awaitable[Any]) -> Any:
        return await_only(self._adapt_connection.in_time(work))

    def fetchone(self) -> Any:
        return self._fetch(self._cursor.fetchone())

    def fetchmany(self, size: int | None = None) -> Any:
        return self._fetch(self._cursor.fetchmany(size=size))

    def fetchall(self) -> Any:
        return self._fetch(self._cursor.fetchall())

    def close(self) -> None:
        if self._cursor is not None:
            self._fetch(self._cursor.close())  # it reads what is left
            self._cursor = None


class _AiomysqlCursor(_Cursor, AsyncAdapt_aiomysql_cursor):
    __slots__ = ()


class _AiomysqlStreamingCursor(_StreamingCursor, AsyncAdapt_aiomysql_ss_cursor):
    __slots__ = ()


class _AiomysqlConnection(_Connection, AsyncAdapt_aiomysql_connection):
    _cursor_cls = _AiomysqlCursor
    _ss_cursor_cls = _AiomysqlStreamingCursor

    def _has_hung_up(self) -> bool:
        reader = self._connection._reader
        return reader is None or reader.at_eof() or reader.exception() is not None


class _AsyncmyCursor(_Cursor, AsyncAdapt_asyncmy_cursor):
    __slots__ = ()


class _AsyncmyStreamingCursor(_StreamingCursor, AsyncAdapt_asyncmy_ss_cursor):
    __slots__ = ()


class _AsyncmyConnection(_Connection, AsyncAdapt_asyncmy_connection):
    _cursor_cls = _AsyncmyCursor
    _ss_cursor_cls = _AsyncmyStreamingCursor

    def _has_hung_up(self) -> bool:
        return bool(self._connection._stream_broken)


DRIVERS: dict[str, Any] = {"aiomysql": _AiomysqlConnection, "asyncmy": _AsyncmyConnection}
