"""The functions that ``env.py`` calls: Alembic configured from the app, online or as SQL text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alembic import context
from sqlalchemy import Connection, Engine, MetaData

from quarterdeck.exceptions import ForeignKeyViolationError, MigrationsOutsideError

from .rendering import render_type

ATTRIBUTE = "quarterdeck"
Callback = Callable[..., None]  # Alembic's 'on_version_apply'


@dataclass(frozen=True, slots=True)
class MigrationRun:
    """What one run of ``env.py`` needs.

    Attributes:
        engine: Where the migrations go.
        metadata: The tables as the models have them.
        options: Arguments of ``EnvironmentContext.configure``.
        on_apply: Called after each script, in its transaction.
        online: Calls a function with a connection and waits for it.
    """

    engine: Engine
    metadata: MetaData
    options: dict[str, Any]
    on_apply: Callback
    online: Callable[[Callable[[Connection], None]], None]


def run_migrations() -> None:
    """Run the command. Called by ``env.py`` only.

    Raises:
        MigrationsOutsideError: If it was not one of our commands that loaded ``env.py``.
    """
    try:
        run: MigrationRun = context.config.attributes[ATTRIBUTE]
    except (AttributeError, KeyError, NameError):
        raise MigrationsOutsideError from None
    if context.is_offline_mode():
        _run_offline(run)
    else:
        # Alembic imports the scripts when it first looks at them; that is no work for the loop.
        list(context.script.walk_revisions())
        run.online(lambda connection: _run_online(run, connection))


def _run_offline(run: MigrationRun) -> None:
    settings: dict[str, Any] = {
        "target_metadata": run.metadata,
        "literal_binds": True,
        "dialect_opts": {"paramstyle": "named"},
    }
    context.configure(url=run.engine.url, **(settings | run.options))
    with context.begin_transaction():
        context.run_migrations()


def _run_online(run: MigrationRun, connection: Connection) -> None:
    """Migrate in one transaction per script, also on SQLite.

    Our SQLite engines begin a transaction before the first change, of the schema too.
    """
    if connection.dialect.name == "sqlite":
        with _foreign_keys_off(connection) as check:
            _configure(run, connection, check, transactional_ddl=True)
            context.run_migrations()
    else:
        _configure(run, connection)
        context.run_migrations()


def _configure(
    run: MigrationRun, connection: Connection, *checks: Callback, **options: Any
) -> None:
    def on_apply(**details: Any) -> None:
        for callback in (*checks, run.on_apply):
            callback(**details)

    settings: dict[str, Any] = {
        "target_metadata": run.metadata,
        "render_item": render_type,
        "transaction_per_migration": True,
        "on_version_apply": on_apply,
    }
    context.configure(connection, **(settings | options | run.options))


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[Callback]:
    """Let SQLite replace a table without deleting, by cascade, the rows that point to it.

    Gives the check that is run before each script's commit: it raises
    ``ForeignKeyViolationError`` if more rows point nowhere than before.
    """
    enforced = _pragma(connection, "foreign_keys")[0][0]
    _pragma(connection, "foreign_keys = OFF")
    before = _dangling(connection)
    connection.rollback()

    def check(**_details: Any) -> None:
        if more := _dangling(connection) - before:
            raise ForeignKeyViolationError(sorted(more))

    try:
        yield check
    finally:
        connection.rollback()
        _pragma(connection, f"foreign_keys = {enforced}")
        connection.rollback()


def _dangling(connection: Connection) -> Counter[str]:
    return Counter(row[0] for row in _pragma(connection, "foreign_key_check"))


def _pragma(connection: Connection, words: str) -> list[Any]:
    result = connection.exec_driver_sql(f"PRAGMA {words}")
    return list(result) if result.returns_rows else []
