"""One engine per database of the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from quarterdeck.exceptions import ConfigurationError

from . import driver, failures, limits, sqlite
from .pool import BoundedPool, limit_uses
from .urls import async_url, is_memory, is_mysql, is_sqlite

# What does not fit is refused instead of cut to size, NOW() is UTC as everything else, and the
# server gives up waiting for a row before we give up waiting for the server.
SESSION_VARIABLES = (
    "SET sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION'), time_zone = '+00:00', innodb_lock_wait_timeout = 3"
)

_MADE_WITH = "quarterdeck_made_with"  # an option of an engine, so that its like can be made

Engines = dict[str | None, AsyncEngine]


def make_engines(config: Mapping[str, Any], options: Mapping[str, Any], folder: str) -> Engines:
    """Build the engines by bind key, the default database under None; nothing connects yet.

    Args:
        config: The checked configuration keys.
        options: Arguments of ``create_async_engine`` for all of them.
        folder: Where relative SQLite paths start.

    Raises:
        ConfigurationError: If no database is configured, or a URI cannot be served.
    """
    sources: dict[str | None, Any] = dict(config["SQLALCHEMY_BINDS"])
    if config["SQLALCHEMY_DATABASE_URI"] is not None:
        sources[None] = config["SQLALCHEMY_DATABASE_URI"]
    if None not in sources:
        raise ConfigurationError(
            "SQLALCHEMY_DATABASE_URI", "is not set", "Set it, for example to 'sqlite:///app.db'."
        )
    return {key: _make(key, source, config, options, folder) for key, source in sources.items()}


def _make(
    bind: str | None,
    source: Any,
    config: Mapping[str, Any],
    options: Mapping[str, Any],
    folder: str,
) -> AsyncEngine:
    own: dict[str, Any] = {"url": source} if isinstance(source, str | URL) else dict(source)
    key = "SQLALCHEMY_DATABASE_URI" if bind is None else f"SQLALCHEMY_BINDS[{bind!r}]"
    url = async_url(own.pop("url"), key=key, folder=folder)
    arguments = (
        _defaults(url, config) | dict(options) | dict(config["SQLALCHEMY_ENGINE_OPTIONS"]) | own
    )
    if is_sqlite(url):
        creator = driver.connector(url, arguments.pop("connect_args", {}))
        arguments.setdefault("async_creator", creator)
    try:
        engine = _build(url, arguments, limits.Limits.of(config))
    except (ImportError, TypeError, ValueError, SQLAlchemyError) as error:
        raise ConfigurationError(
            key, f"cannot be served: {error}", "Check its driver and the engine options."
        ) from error
    uses = config["SQLALCHEMY_POOL_MAX_USES"]
    if uses is not None and not is_memory(url):
        limit_uses(engine.sync_engine, uses)
    return engine


def _build(url: URL, arguments: Mapping[str, Any], time_limits: limits.Limits) -> AsyncEngine:
    engine = create_async_engine(url, **arguments)
    engine.update_execution_options(**{_MADE_WITH: (arguments, time_limits)})
    failures.prepare(engine.sync_engine)
    if is_sqlite(url):
        sqlite.prepare(engine.sync_engine)
    elif engine.dialect.driver in limits.DRIVERS:
        limits.prepare(engine.sync_engine, time_limits)
    return engine


def _defaults(url: URL, config: Mapping[str, Any]) -> dict[str, Any]:
    """Engine arguments from the pool keys."""
    recycle = config["SQLALCHEMY_POOL_RECYCLE"]
    pre_ping = config["SQLALCHEMY_POOL_PRE_PING"]
    server = not is_sqlite(url)
    arguments: dict[str, Any] = {
        "echo": config["SQLALCHEMY_ECHO"],
        "poolclass": BoundedPool,
        "pool_size": config["SQLALCHEMY_POOL_SIZE"],
        "max_overflow": config["SQLALCHEMY_MAX_OVERFLOW"],
        "pool_timeout": config["SQLALCHEMY_POOL_TIMEOUT"],
        "pool_recycle": (1800 if server else -1) if recycle is None else recycle,
        "pool_pre_ping": server if pre_ping is None else pre_ping,
    }
    if is_mysql(url):
        # Each statement sees what is committed, as on SQLite, and fewer gaps are locked.
        arguments["isolation_level"] = "READ COMMITTED"
        arguments["connect_args"] = {"init_command": SESSION_VARIABLES}
    if is_memory(url):
        # The database lives in one connection: sessions take turns, none shares a transaction.
        arguments |= {"pool_size": 1, "max_overflow": 0, "pool_recycle": -1}
    return arguments


async def create_database(engine: AsyncEngine) -> None:
    """Make the database of an engine if it is missing; tables are not made."""
    url = engine.url
    if is_sqlite(url):
        if not is_memory(url):
            path = Path(str(url.database).removeprefix("file:"))
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        async with engine.connect():
            return
    arguments, time_limits = engine.get_execution_options()[_MADE_WITH]
    arguments = arguments | {"isolation_level": "AUTOCOMMIT"}
    server = _build(url.set(database=""), arguments, time_limits)
    try:
        async with server.connect() as connection:
            name = server.dialect.identifier_preparer.quote(str(url.database))
            await connection.execute(
                text(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")
            )
    finally:
        await server.dispose()
