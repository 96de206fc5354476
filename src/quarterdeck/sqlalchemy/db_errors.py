"""Temporary failures of a database, as errors that become a 503.

Everything else, such as a duplicate or wrong SQL, stays SQLAlchemy's own error.
"""

from __future__ import annotations

import logging
import sqlite3

from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext

from quarterdeck._missing_table import REMEDY, is_missing_table
from quarterdeck.exceptions import (
    DatabaseBusyError,
    DatabaseTimeoutError,
    DatabaseUnavailableError,
    TransactionConflictError,
)

logger = logging.getLogger("quarterdeck.sqlalchemy")

# Of MySQL and MariaDB: lock wait timeout, deadlock, and a row changed since it was read.
CONFLICTS = frozenset({1205, 1213, 1020})
# Too many connections, of all and of one user; a server that stops; nobody there.
AWAY = frozenset({1040, 1203, 1053, 2002, 2003, 2006, 2013})
NO_SAVEPOINT = 1305
# The same of PostgreSQL, as SQLSTATE: serialization failure, deadlock, lock not available.
CONFLICT_STATES = frozenset({"40001", "40P01", "55P03"})
# Too many connections; a server that stops, has crashed or starts; idle for too long.
AWAY_STATES = frozenset({"53300", "57P01", "57P02", "57P03", "57P05", "25P03"})
AWAY_CLASS = "08"  # connection exceptions
CANCELED = "57014"  # the server's own time limit
SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def prepare(engine: Engine) -> None:
    """Let an engine raise the errors of the kit."""
    event.listen(engine, "handle_error", _translate)


def _translate(context: ExceptionContext) -> BaseException | None:
    if context.is_pre_ping:  # the pool connects anew
        return None
    error = _meaning(context)
    if error is not None:
        logger.warning("%s", error.reason)
    elif context.sqlalchemy_exception is not None and is_missing_table(context.original_exception):
        context.sqlalchemy_exception.add_note(REMEDY)
    return error


def _meaning(context: ExceptionContext) -> DatabaseBusyError | None:
    error = context.original_exception
    if not isinstance(error, Exception):  # a request that is cancelled
        return None
    if isinstance(error, sqlite3.OperationalError):
        is_busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in SQLITE_BUSY
        return TransactionConflictError(str(error)) if is_busy else None
    code = error.args[0] if error.args else None
    if isinstance(error.__cause__, TimeoutError):
        return DatabaseTimeoutError(str(error.args[-1]))
    if context.dialect.name == "postgresql" and (state := getattr(error, "sqlstate", None)):
        return _meaning_of_state(state, context, error)
    if code in CONFLICTS or _lost_its_savepoint(context, code):
        return TransactionConflictError(str(error.args[-1]))
    if code in AWAY or context.is_disconnect or isinstance(error.__cause__, OSError):
        return DatabaseUnavailableError(str(error.args[-1] if error.args else error))
    return None


def _meaning_of_state(
    state: str, context: ExceptionContext, error: Exception
) -> DatabaseBusyError | None:
    if state in CONFLICT_STATES:
        return TransactionConflictError(str(error))
    if state == CANCELED:
        return DatabaseTimeoutError(str(error))
    if state in AWAY_STATES or state.startswith(AWAY_CLASS) or context.is_disconnect:
        return DatabaseUnavailableError(str(error))
    return None


def _lost_its_savepoint(context: ExceptionContext, code: object) -> bool:
    """Whether this is the echo of a deadlock inside a savepoint, which took it along."""
    return code == NO_SAVEPOINT and "SAVEPOINT" in (context.statement or "")
