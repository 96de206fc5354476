"""Database URIs as Flask applications write them, turned into those of async drivers."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from quarterdeck.exceptions import ConfigurationError

logger = logging.getLogger("quarterdeck.sqlalchemy")

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+pysqlite": "sqlite+aiosqlite",
    "mysql": "mysql+aiomysql",
    "mysql+pymysql": "mysql+aiomysql",
    "mysql+mysqldb": "mysql+aiomysql",
    "mysql+mysqlconnector": "mysql+aiomysql",
    "mariadb": "mariadb+aiomysql",
    "mariadb+pymysql": "mariadb+aiomysql",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+psycopg": "postgresql+asyncpg",
    "postgresql+psycopg2": "postgresql+asyncpg",
    "postgresql+pg8000": "postgresql+asyncpg",
}


def async_url(raw: str | URL, *, key: str, folder: str) -> URL:
    """Return the URL to connect with.

    Args:
        raw: The URI as configured; a synchronous driver is replaced by its async twin.
        key: The configuration key, for error messages.
        folder: Where a relative SQLite path starts.

    Raises:
        ConfigurationError: If it is no URI, or its driver has no async twin here.
    """
    try:
        url = make_url(raw)
    except ArgumentError:
        raise ConfigurationError(
            key, "is not a database URI", "Write for example 'sqlite:///app.db'."
        ) from None
    driver = _DRIVERS.get(url.drivername)
    if driver is not None:
        logger.info("'%s': '%s://' is served by '%s'", key, url.drivername, driver)
        url = url.set(drivername=driver)
    if is_mysql(url):
        return _with_utf8mb4(url, key)
    if is_sqlite(url) and not is_memory(url):
        return _below(url, folder)
    if is_postgresql(url) and not url.database:
        raise ConfigurationError(
            key, "names no database", "Write for example 'postgresql://user:password@host/app'."
        )
    return url


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def is_mysql(url: URL) -> bool:
    return url.get_backend_name() in {"mysql", "mariadb"}


def is_postgresql(url: URL) -> bool:
    return url.get_backend_name() in {"postgresql", "postgres"}


def is_memory(url: URL) -> bool:
    """Whether the database is gone when its connection closes."""
    database = url.database or ""
    return is_sqlite(url) and (
        database in {"", ":memory:"} or ":memory:" in database or url.query.get("mode") == "memory"
    )


def _below(url: URL, folder: str) -> URL:
    database = url.database or ""
    path = database.removeprefix("file:")
    if Path(path).is_absolute():
        return url
    return url.set(database=database.removesuffix(path) + str(Path(folder) / path))


def _with_utf8mb4(url: URL, key: str) -> URL:
    charset = url.query.get("charset")
    if charset in {"utf8", "utf8mb3"}:
        logger.info("'%s': charset '%s' is raised to 'utf8mb4'", key, charset)
        charset = None
    return url if charset else url.update_query_dict({"charset": "utf8mb4"})
