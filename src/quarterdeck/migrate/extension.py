"""The ``Migrate`` extension: what an app's migrations are made with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quart import Quart

from quarterdeck._config import ConfigKey, read, seconds
from quarterdeck._state import ExtensionState
from quarterdeck.exceptions import MigrateDatabaseError

if TYPE_CHECKING:
    from quarterdeck.sqlalchemy import SQLAlchemy

CONFIG = (
    ConfigKey(
        "MIGRATE_LOCK_SECONDS",
        600.0,
        seconds,
        "Seconds to wait while another process migrates the same database",
    ),
)


@dataclass(frozen=True, slots=True)
class MigrateState:
    """What one app's migrations are made with."""

    db: SQLAlchemy
    directory: Path
    lock_seconds: float
    options: dict[str, Any] = field(default_factory=dict)


state: ExtensionState[MigrateState] = ExtensionState("migrate", "Migrate")


class Migrate:
    """Schema migrations with Alembic, and the ``db`` commands.

    Args:
        app: Initialise for this app at once.
        db: The database whose models are compared.
        directory: The folder of ``env.py`` and ``versions/``; a relative one starts at the
            working directory.
        compare_type: Whether a changed column type is a change.
        render_as_batch: Whether scripts change tables in batches. SQLite can only change them
            so, and elsewhere a batch is a plain ALTER TABLE.
        options: Further arguments of Alembic's ``EnvironmentContext.configure``, for example
            ``compare_server_default=True`` or ``include_object=...``.
    """

    def __init__(
        self,
        app: Quart | None = None,
        db: SQLAlchemy | None = None,
        *,
        directory: str | Path = "migrations",
        compare_type: bool = True,
        render_as_batch: bool = True,
        **options: Any,
    ) -> None:
        self.db = db
        self.directory = directory
        self.options = {
            "compare_type": compare_type,
            "render_as_batch": render_as_batch,
        } | options
        if app is not None:
            self.init_app(app)

    def init_app(
        self, app: Quart, db: SQLAlchemy | None = None, *, directory: str | Path | None = None
    ) -> None:
        """Add the ``db`` commands to ``app``.

        Raises:
            MigrateDatabaseError: If neither this call nor the constructor names a database.
            ExtensionAlreadyInitializedError: If it was called for this app before.
        """
        from .cli import commands

        state.refuse_second(app)
        db = db or self.db
        if db is None:
            raise MigrateDatabaseError
        config = read(app, CONFIG)
        folder = Path(directory or self.directory)
        state.attach(app, MigrateState(db, folder, config["MIGRATE_LOCK_SECONDS"], self.options))
        app.cli.add_command(commands)
