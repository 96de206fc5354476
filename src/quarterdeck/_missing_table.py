"""The errors of databases about a table or database that is not there, for any room with tables."""

from __future__ import annotations

REMEDY = "The table is missing: run 'db upgrade', or 'await db.create_all()'."
NO_DATABASE = "The database is missing: run 'db upgrade', or 'await db.create_all()'."

_MYSQL_NO_SUCH_TABLE = 1146
_MYSQL_UNKNOWN_DATABASE = 1049
_POSTGRESQL_UNDEFINED_TABLE = "42P01"
_POSTGRESQL_UNKNOWN_DATABASE = "3D000"


def is_missing_table(error: BaseException) -> bool:
    """Whether an error of SQLAlchemy, or of a driver, is about a table that is not there."""
    original = getattr(error, "orig", None) or error
    code = original.args[0] if original.args else None
    return (
        code == _MYSQL_NO_SUCH_TABLE
        or str(code).startswith("no such table: ")
        or getattr(original, "sqlstate", None) == _POSTGRESQL_UNDEFINED_TABLE
    )


def is_missing_database(error: BaseException) -> bool:
    """Whether a server answered that it has no such database."""
    original = getattr(error, "orig", None) or error
    code = original.args[0] if original.args else None
    return (
        code == _MYSQL_UNKNOWN_DATABASE
        or getattr(original, "sqlstate", None) == _POSTGRESQL_UNKNOWN_DATABASE
    )
