"""One engine per database of the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from quarterdeck.exceptions import ConfigurationError, MissingPackageError

from . import db_errors, driver, sqlite
from .pool import BoundedPool, limit_uses
from .timeouts import Timeouts
from .urls import async_url, is_memory, is_mysql, is_postgresql, is_sqlite

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
    if not sources:
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
    sources = (_defaults(url, config), options, config["SQLALCHEMY_ENGINE_OPTIONS"], own)
    arguments = _merged(sources)
    if is_sqlite(url):
        # As Flask-SQLAlchemy, so that a first app runs; a folder of the app's choice must exist.
        below = not is_memory(url) and Path(str(url.database)).parent == Path(folder)
        instance = Path(folder) if below else None
        creator = driver.connector(url, arguments.pop("connect_args", {}), instance)
        arguments.setdefault("async_creator", creator)
    limits, command = Timeouts.of(config), None
    try:
        if is_mysql(url):
            from . import mysql  # only its users wait for this dialect

            command = mysql.take_init_command(url, arguments)
            url = url.difference_update_query(["init_command"])
        elif is_postgresql(url):
            from . import postgresql

            url = postgresql.use_settings(url, arguments, limits)
        engine = _build(url, arguments, limits, command)
    except MissingPackageError:
        raise  # its message names the command that installs it
    except (ImportError, TypeError, ValueError, SQLAlchemyError) as error:
        raise ConfigurationError(
            key, f"cannot be served: {error}", "Check its driver and the engine options."
        ) from error
    uses = config["SQLALCHEMY_POOL_MAX_USES"]
    if uses is not None and not is_memory(url):
        limit_uses(engine.sync_engine, uses)
    return engine


def _merged(sources: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the engine arguments, later ones first; ``connect_args`` are merged one by one."""
    arguments: dict[str, Any] = {}
    connect_args: dict[str, Any] = {}
    for source in sources:
        arguments |= source
        connect_args |= source.get("connect_args", {})
    if connect_args:
        arguments["connect_args"] = connect_args
    return arguments


def _build(
    url: URL, arguments: Mapping[str, Any], limits: Timeouts, command: str | None
) -> AsyncEngine:
    try:
        engine = create_async_engine(url, **_fit_pool(arguments))
    except ModuleNotFoundError as error:
        if is_mysql(url) and error.name in {"aiomysql", "asyncmy", "pymysql"}:
            raise MissingPackageError(error.name, "mysql") from error
        raise
    engine.update_execution_options(**{_MADE_WITH: (arguments, limits, command)})
    sync = engine.sync_engine
    db_errors.prepare(sync)
    if is_sqlite(url):
        sqlite.prepare(sync)
    elif is_mysql(url):
        from . import mysql

        if command is not None:
            mysql.run_after_connect(sync, command)
        if engine.dialect.driver in mysql.DRIVERS:
            mysql.prepare(sync, limits)
    elif is_postgresql(url):
        from . import postgresql

        postgresql.prepare(sync, limits)
    return engine


def _fit_pool(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Leave the size of a pool out where the app has chosen a class of pools without one."""
    if issubclass(arguments["poolclass"], QueuePool):
        return dict(arguments)
    sizes = {"pool_size", "max_overflow", "pool_timeout"}
    return {name: value for name, value in arguments.items() if name not in sizes}


def _defaults(url: URL, config: Mapping[str, Any]) -> dict[str, Any]:
    """Engine arguments from the pool keys."""
    recycle = config["SQLALCHEMY_POOL_RECYCLE"]
    pre_ping = config["SQLALCHEMY_POOL_PRE_PING"]
    server = not is_sqlite(url)
    arguments: dict[str, Any] = {
        "echo": config["SQLALCHEMY_ECHO"],
        # The text of an error goes to the log, and parameters are what users have entered.
        "hide_parameters": not config["SQLALCHEMY_ECHO"],
        "poolclass": BoundedPool,
        "pool_size": config["SQLALCHEMY_POOL_SIZE"],
        "max_overflow": config["SQLALCHEMY_MAX_OVERFLOW"],
        "pool_timeout": config["SQLALCHEMY_POOL_TIMEOUT"],
        "pool_recycle": (1800 if server else -1) if recycle is None else recycle,
        "pool_pre_ping": server if pre_ping is None else pre_ping,
    }
    if server:
        # Each statement sees what is committed, as on SQLite, and MySQL locks fewer gaps.
        arguments["isolation_level"] = "READ COMMITTED"
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
    arguments, time_limits, command = engine.get_execution_options()[_MADE_WITH]
    arguments = arguments | {"isolation_level": "AUTOCOMMIT"}
    if is_postgresql(url):
        from . import postgresql

        if await postgresql.has_database(engine):
            return
        url = url.set(database=postgresql.MAINTENANCE_DATABASE)
        make = postgresql.create_database
    else:
        from . import mysql

        url = url.set(database="")
        make = mysql.create_database
    server = _build(url, arguments, time_limits, command)
    try:
        await make(server, str(engine.url.database))
    finally:
        await server.dispose()
