"""Private names of SQLAlchemy and its drivers that ``quarterdeck.sqlalchemy`` uses.

SQLAlchemy belongs to an extra, so this module imports nothing of it.
``tests/policies/test_upstreams.py`` checks that they exist and that no other ones are used.
"""

from __future__ import annotations

_ASYNCPG = "sqlalchemy.dialects.postgresql.asyncpg:AsyncAdapt_asyncpg"

#: "module:name" with the reason. The bounds in pyproject.toml name the versions.
PRIVATE = {
    "aiomysql.connection:Connection._reader": "whether the server has closed the connection",
    "asyncmy.connection:Connection._stream_broken": "whether the server has closed the connection",
    "aiosqlite.core:Connection._conn": "the sqlite3 connection, for its own calls",
    "aiosqlite.core:Connection._execute": "runs a call in the thread of the connection",
    "aiosqlite.core:Connection._connection": "is set when the connection is open",
    "aiosqlite.core:Connection._running": "is unset when the thread was told to stop",
    "aiosqlite.core:Connection._thread": "becomes a daemon, so that it cannot keep the process",
    "aiosqlite.core:Connection._tx": "the calls that wait for the thread",
    "sqlalchemy.connectors.asyncio:AsyncAdapt_dbapi_connection._cursor_cls": "a cursor of ours",
    "sqlalchemy.connectors.asyncio:AsyncAdapt_dbapi_connection._ss_cursor_cls": "streamed",
    "sqlalchemy.connectors.asyncio:AsyncAdapt_dbapi_cursor._execute_async": "statement timeouts",
    "sqlalchemy.connectors.asyncio:AsyncAdapt_dbapi_cursor._executemany_async": "the same",
    f"{_ASYNCPG}_cursor._executemany": "the same",
    f"{_ASYNCPG}_cursor._prepare_and_execute": "the same",
    f"{_ASYNCPG}_connection._call_and_discard": "commits, with a timeout",
    f"{_ASYNCPG}_connection._handle_exception_no_connection": "a lost server, as its error",
    f"{_ASYNCPG}_connection._terminate_graceful_close": "waits less",
    "sqlalchemy.orm.context:QueryContext.default_load_options._refresh_state": "names a column "
    "that is not loaded",
    "sqlalchemy:Select._distinct": "rows made distinct by the statement are taken as they are",
    "sqlalchemy:Select._from_obj": "whether joins begin at another table than the model's",
    "sqlalchemy:Select._group_by_clauses": "grouped rows are taken as they are",
    "sqlalchemy:Select._order_by_clauses": "the objects of a page come in this order",
    "sqlalchemy:Select._setup_joins": "whether a statement joins a collection",
    "sqlalchemy:ColumnElement._from_objects": "whether a condition names further tables",
    "sqlalchemy.connectors.asyncio:AsyncAdapt_terminate._terminate_force_close": "closes a "
    "connection in the event loop that made it",
    "sqlalchemy.pool:QueuePool._do_get": "a connection of another event loop is replaced",
    "sqlalchemy.pool:Pool._close_connection": "a connection is closed by its own event loop",
    "sqlalchemy.pool:QueuePool._max_overflow": "the size of the pool in the error message",
    "sqlalchemy.pool:QueuePool._timeout": "the wait that the log names",
}
