"""PostgreSQL through asyncpg: the settings of a connection, time limits, and making a database.

The server ends a slow statement itself (``statement_timeout``), and the connection stays usable.
If no answer comes shortly after, the connection is closed: see ``timeouts``.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlencode

from sqlalchemy import event, text
from sqlalchemy.dialects.postgresql.asyncpg import (
    AsyncAdapt_asyncpg_connection,
    AsyncAdapt_asyncpg_cursor,
    AsyncAdapt_asyncpg_ss_cursor,
)
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

from quarterdeck._extras import needs

from .pgbouncer import Opener
from .timeouts import Timeouts, has_no_time_limit, in_time, reach

logger = logging.getLogger("quarterdeck.sqlalchemy")

T = TypeVar("T")

LOCK_SECONDS = 3  # as on MySQL: the server gives up waiting for a row before we give up on it
GRACE_SECONDS = 0.25  # for the server's answer that a statement took too long
CLOSE_SECONDS = 0.5
MAINTENANCE_DATABASE = "postgres"
NO_SUCH_DATABASE = "3D000"
DATABASE_EXISTS = frozenset({"42P04", "23505"})  # the second one if two make it at once
STARTING_UP = "57P03"
CREATE_LOCK = 0x5144_6372  # any number: of the advisory lock around CREATE TABLE
UNKNOWN = -1.0

# Of SQLAlchemy's dialect, besides the parameters of asyncpg.connect().
_DIALECT_ARGUMENTS = {
    "async_creator_fn", "prepared_statement_cache_size", "prepared_statement_name_func",
}  # fmt: skip


def use_settings(url: URL, arguments: dict[str, Any], timeouts: Timeouts) -> URL:
    """Put our settings into the engine arguments, and return the URL that asyncpg understands.

    Parameters of the URL that only libpq knows are passed on as libpq would: those about TLS,
    such as ``sslmode``, as a DSN; all others, such as ``application_name``, are settings of the
    server. Settings of the app win over ours.
    """
    needs("postgresql", "asyncpg")
    import asyncpg

    known = {*inspect.signature(asyncpg.connect).parameters, *_DIALECT_ARGUMENTS, "host", "port"}
    foreign = {name: value for name, value in url.query.items() if name not in known}
    if foreign.pop("connect_timeout", None) is not None:
        logger.info("'connect_timeout' is ignored: set SQLALCHEMY_CONNECT_TIMEOUT_SECONDS")
    tls = {name: foreign.pop(name) for name in list(foreign) if name.startswith("ssl")}
    connect_args = arguments.setdefault("connect_args", {})
    connect_args["server_settings"] = {
        "timezone": "UTC",
        "lock_timeout": _milliseconds(LOCK_SECONDS),
        "statement_timeout": _milliseconds(timeouts.statement),
        **foreign,
        **connect_args.get("server_settings", {}),
    }
    if tls:
        connect_args.setdefault("dsn", f"postgresql:///?{urlencode(tls, doseq=True)}")
    return url.difference_update_query(set(url.query) - known)


def prepare(engine: Engine, timeouts: Timeouts) -> None:
    """Let an engine for asyncpg make connections with time limits."""
    dialect: Any = engine.dialect
    opener = Opener()
    for name in ("setup_asyncpg_json_codec", "setup_asyncpg_jsonb_codec"):
        setattr(dialect, name, _limited(getattr(dialect, name)))

    @event.listens_for(engine, "do_connect")
    def connect(
        dialect: Any, _record: object, args: Sequence[Any], options: dict[str, Any]
    ) -> _Connection:
        dbapi = dialect.loaded_dbapi
        adapted = {name: options.pop(name) for name in _DIALECT_ARGUMENTS & options.keys()}
        creator = adapted.pop("async_creator_fn", dbapi.asyncpg.connect)
        reached = reach(
            partial(opener.open, creator, *args, **options),
            timeouts.connect,
            is_refusal=_is_refusal,
            lost=dbapi.OperationalError,
        )
        connection: _Connection = await_only(_Connection.create(dbapi, reached, **adapted))
        connection.timeouts = timeouts
        connection.loop = asyncio.get_running_loop()
        connection.server_limit = timeouts.statement
        return connection


def _limited(setup: Callable[[_Connection], Awaitable[None]]) -> Callable[[_Connection], Any]:
    """Return a step of the dialect's handshake that ends in time."""

    async def run(connection: _Connection) -> None:
        try:
            await connection.in_time(setup(connection), connection.timeouts.connect)
        except Exception as error:
            connection._handle_exception(error)

    return run


def _is_refusal(error: Exception) -> bool:
    """Whether no server listens at any address of the host, or one that starts."""
    is_refused = isinstance(error, ConnectionError) or type(error) is OSError
    return is_refused or sqlstate(error) == STARTING_UP


def sqlstate(error: object) -> str | None:
    """Return the code of an error of asyncpg or of its dialect, None if it has none."""
    return getattr(error, "sqlstate", None)


def _milliseconds(seconds: float | None) -> str:
    return str(max(1, round(seconds * 1000)) if seconds else 0)


class _Connection(AsyncAdapt_asyncpg_connection):
    """The round trips of a connection.

    Attributes:
        timeouts: The limits outside of ``no_time_limit()``.
        server_limit: The ``statement_timeout`` that the server has; ``UNKNOWN`` after a rollback.
    """

    timeouts: Timeouts
    loop: asyncio.AbstractEventLoop
    server_limit: float | None
    _connection: Any
    _has_set_limit = False  # in the current transaction

    async def in_time(self, work: Awaitable[T], seconds: float | None) -> T:
        def lost(reason: str) -> Exception:
            self._connection.terminate()
            error: Exception = self.dbapi.OperationalError(reason)
            return error

        return await in_time(work, seconds, lost)

    async def run(self, statement: str, work: Callable[[], Awaitable[T]]) -> T:
        """Run a statement within the limit of this moment."""
        try:
            return await self.in_time(self._run(statement, work), self._patience)
        except Exception as error:
            self._handle_exception(error)

    async def _run(self, statement: str, work: Callable[[], Awaitable[T]]) -> T:
        # A transaction that has failed takes no other statement.
        if self.server_limit != self._limit and not statement.startswith("ROLLBACK"):
            setting = f"SET statement_timeout = {_milliseconds(self._limit)}"
            await self._connection.execute(setting)
            self.server_limit = self._limit
            self._has_set_limit = self._transaction is not None
        return await work()

    @property
    def _limit(self) -> float | None:
        return None if has_no_time_limit() else self.timeouts.statement

    @property
    def _patience(self) -> float | None:
        return None if self._limit is None else self._limit + GRACE_SECONDS

    def ping(self) -> None:
        # One round trip, and outside a transaction: a proxy may pass it to any server.
        self._wait(self.in_time(self._connection.execute("SELECT 1"), self.timeouts.connect))

    def commit(self) -> None:
        if self._transaction is not None:
            self._end(self._transaction.commit)

    def rollback(self) -> None:
        if self._transaction is not None:
            self._end(self._transaction.rollback)
            if self._has_set_limit:
                self.server_limit = UNKNOWN

    def _end(self, end: Callable[[], Awaitable[None]]) -> None:
        self._wait(self.in_time(self._call_and_discard(end), self._patience))
        self._has_set_limit = False

    def close(self) -> None:
        self.rollback()
        self.terminate()

    async def _terminate_graceful_close(self) -> None:
        """Let the server end a statement that was cancelled, but do not wait long for a frozen one.

        SQLAlchemy's own limit is 2 seconds, for which a request would wait.
        """
        await self._connection.close(timeout=CLOSE_SECONDS)
        self._transaction = None

    def _wait(self, work: Awaitable[Any]) -> None:
        try:
            await_only(work)
        except Exception as error:
            self._handle_exception(error)

    @classmethod
    def _handle_exception_no_connection(cls, dbapi: Any, error: Exception) -> NoReturn:
        if isinstance(error, OSError):  # also a TimeoutError
            raise dbapi.OperationalError(str(error) or type(error).__name__) from error
        super()._handle_exception_no_connection(dbapi, error)


class _Cursor(AsyncAdapt_asyncpg_cursor):
    """The statements of a connection."""

    __slots__ = ()

    _adapt_connection: _Connection

    async def _prepare_and_execute(self, operation: Any, parameters: Any) -> None:
        work = partial(super()._prepare_and_execute, operation, parameters)
        await self._adapt_connection.run(operation, work)

    async def _executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
        work = partial(super()._executemany, operation, seq_of_parameters)
        return await self._adapt_connection.run(operation, work)


class _StreamingCursor(AsyncAdapt_asyncpg_ss_cursor, _Cursor):
    """A cursor whose rows are still on the server."""

    __slots__ = ()

    async def _prepare_and_execute(self, operation: Any, parameters: Any) -> None:
        await super()._prepare_and_execute(operation, parameters)
        self._cursor = _Rows(self._adapt_connection, operation, self._cursor)


class _Rows:
    """The rest of a result, fetched in portions."""

    def __init__(self, connection: _Connection, statement: str, cursor: Any) -> None:
        self._connection = connection
        self._statement = statement
        self._cursor = cursor

    async def fetch(self, count: int) -> Any:
        fetch = partial(self._cursor.fetch, count)
        return await self._connection.run(self._statement, fetch)


_Connection._cursor_cls = _Cursor
_Connection._ss_cursor_cls = _StreamingCursor


async def has_database(engine: AsyncEngine) -> bool:
    """Whether the database of an engine exists; the user may have no right on any other."""
    try:
        async with engine.connect():
            return True
    except DBAPIError as error:
        if sqlstate(error.orig) == NO_SUCH_DATABASE:
            return False
        raise


async def create_database(server: AsyncEngine, name: str) -> None:
    """Make a database that may be made by another process at the same moment."""
    quoted = server.dialect.identifier_preparer.quote(name)
    # Another template may have another encoding.
    statement = text(f"CREATE DATABASE {quoted} ENCODING 'UTF8' TEMPLATE template0")
    try:
        async with server.connect() as connection:
            await connection.execute(statement)
    except DBAPIError as error:
        if sqlstate(error.orig) not in DATABASE_EXISTS:
            raise


def begin_creating(connection: Connection) -> None:
    """Let other transactions that make tables wait until this one ends.

    ``CREATE TABLE`` fails if another transaction makes a table of this name, even with
    ``IF NOT EXISTS``.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CREATE_LOCK})
