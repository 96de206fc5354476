"""How SQLite is opened: WAL, foreign keys, and transactions that wait instead of failing.

Reads run outside a transaction, each on the newest committed state, and hold nothing open.
The first statement that writes begins the transaction with BEGIN IMMEDIATE: a second writer
waits for the first one there (busy timeout), instead of failing with "database is locked"
when a read transaction is to be upgraded.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Engine, event

# What needs no transaction, or cannot stand in one.
_READS = re.compile(
    r"\s*(SELECT|VALUES|PRAGMA|EXPLAIN|VACUUM|ATTACH|DETACH|BEGIN|COMMIT|END)\b", re.IGNORECASE
)
_WITH = re.compile(r"\s*WITH\b", re.IGNORECASE)
_WRITE_WORD = re.compile(r"\b(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


def prepare(engine: Engine) -> None:
    """Install the pragmas and the transaction control on a SQLite engine."""
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "before_cursor_execute", _begin_before_write)


def begin_immediate(connection: Connection) -> None:
    """Take the write lock now, unless this connection has it already; only SQLite has one.

    Raises:
        TransactionConflictError: If another writer keeps it for longer than the busy timeout.
    """
    if connection.dialect.name != "sqlite":
        return
    dbapi_connection: Any = connection.connection.dbapi_connection
    if not dbapi_connection.driver_connection.in_transaction:
        dbapi_connection.run_async(lambda driver: driver.begin_immediate())


def writes(statement: str) -> bool:
    """Whether a statement may change the database."""
    if _WITH.match(statement):
        return _WRITE_WORD.search(statement) is not None
    return _READS.match(statement) is None


def _set_pragmas(dbapi_connection: Any, _record: object) -> None:
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_before_write(
    connection: Connection, _cursor: object, statement: str, *_rest: object
) -> None:
    autocommit = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
    if writes(statement) and not autocommit:
        begin_immediate(connection)
