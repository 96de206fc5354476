"""Time limits for MySQL and MariaDB, whose async drivers wait indefinitely for a frozen server.

A connection whose round trip takes too long is closed, because the server may still send a late
answer on it. SQLAlchemy sees a lost connection: its pool also closes the idle connections, and
reconnects on demand.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import event
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
from sqlalchemy.engine import Engine
from sqlalchemy.util import await_only

T = TypeVar("T")

SERVER_LOST = 2013  # the code of MySQL's own clients after a read timeout
REFUSED = 2003
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Timeouts:
    """Seconds for reaching the server, and for one statement; None for no limit."""

    connect: float | None
    statement: float | None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Timeouts:
        return cls(
            config["SQLALCHEMY_CONNECT_TIMEOUT_SECONDS"] or None,
            config["SQLALCHEMY_QUERY_TIMEOUT_SECONDS"] or None,
        )


_unlimited: ContextVar[bool] = ContextVar("quarterdeck_sqlalchemy_unlimited", default=False)


@contextmanager
def no_time_limit() -> Iterator[None]:
    """Let statements in this block take as long as they need, as migrations do.

    They are not logged as slow either.
    """
    token = _unlimited.set(True)
    try:
        yield
    finally:
        _unlimited.reset(token)


def has_no_time_limit() -> bool:
    """Whether this is called within :func:`no_time_limit`."""
    return _unlimited.get()


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
        reached = _reach(dbapi, partial(creator, *args, **options), timeouts.connect)
        connection: _Connection = await_only(adapter.create(dbapi, reached))
        connection.timeouts = timeouts
        return connection


async def _reach(dbapi: Any, connect: Callable[[], Awaitable[T]], seconds: float | None) -> T:
    """Connect. Wait for a restarting server as long as for a frozen one."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + (seconds or 0)
    while True:
        try:
            return await _in_time(dbapi, connect(), seconds)
        except dbapi.OperationalError as error:
            if error.args[0] != REFUSED or loop.time() + POLL_SECONDS > deadline:
                raise
        await asyncio.sleep(POLL_SECONDS)


async def _in_time(dbapi: Any, work: Awaitable[T], seconds: float | None) -> T:
    """Await a round trip; when cancelled, both drivers close the connection."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        reason = f"the database did not answer within {seconds} s"
        raise dbapi.OperationalError(SERVER_LOST, reason) from error


class _Connection:
    """The round trips of a connection, besides the statements of its cursors."""

    dbapi: Any
    timeouts: Timeouts
    _connection: Any
    _handle_exception: Any

    def in_time(self, work: Awaitable[T]) -> Awaitable[T]:
        seconds = None if has_no_time_limit() else self.timeouts.statement
        return _in_time(self.dbapi, work, seconds)

    def _wait(self, work: Awaitable[Any]) -> None:
        try:
            await_only(work)
        except Exception as error:
            self._handle_exception(error)

    def ping(self, reconnect: bool = False) -> None:
        answer = self._connection.ping(reconnect=reconnect)
        self._wait(_in_time(self.dbapi, answer, self.timeouts.connect))

    def commit(self) -> None:
        self._wait(self.in_time(self._connection.commit()))

    def rollback(self) -> None:
        self._wait(self.in_time(self._connection.rollback()))

    def autocommit(self, value: Any) -> None:
        self._wait(self.in_time(self._connection.autocommit(value)))


class _Cursor:
    """The statements of a connection."""

    __slots__ = ()

    _adapt_connection: Any

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        work = super()._execute_async(operation, parameters)  # type: ignore[misc]
        return await self._adapt_connection.in_time(work)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        work = super()._executemany_async(operation, seq_of_parameters)  # type: ignore[misc]
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


class _AsyncmyCursor(_Cursor, AsyncAdapt_asyncmy_cursor):
    __slots__ = ()


class _AsyncmyStreamingCursor(_StreamingCursor, AsyncAdapt_asyncmy_ss_cursor):
    __slots__ = ()


class _AsyncmyConnection(_Connection, AsyncAdapt_asyncmy_connection):
    _cursor_cls = _AsyncmyCursor
    _ss_cursor_cls = _AsyncmyStreamingCursor


DRIVERS: dict[str, Any] = {"aiomysql": _AiomysqlConnection, "asyncmy": _AsyncmyConnection}
