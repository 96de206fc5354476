"""The ``Migrate`` extension, which adds the ``db`` commands to an app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from quart import Quart

from quarterdeck.config import read
from quarterdeck.exceptions import MigrateDatabaseError

from .cli import commands
from .config import CONFIG, STATE, Configure, MigrateState

if TYPE_CHECKING:
    from quarterdeck.sqlalchemy import SQLAlchemy


class Migrate:
    """Schema migrations with Alembic, and the ``db`` commands.

    Args:
        app: Initialise for this app at once.
        db: The database whose models are compared.
        directory: The folder of ``env.py`` and ``versions/``; a relative one starts at the
            working directory.
        command: The name of the group of commands.
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
        directory: str | Path = "migrations",
        command: str = "db",
        *,
        compare_type: bool = True,
        render_as_batch: bool = True,
        **options: Any,
    ) -> None:
        self.db = db
        self.directory = directory
        self.command = command
        self.options = {
            "compare_type": compare_type,
            "render_as_batch": render_as_batch,
        } | options
        self._configure: list[Configure] = []
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Quart,
        db: SQLAlchemy | None = None,
        directory: str | Path | None = None,
        command: str | None = None,
        **options: Any,
    ) -> None:
        """Add the group of commands to ``app``; arguments win over those of the constructor.

        Raises:
            MigrateDatabaseError: If neither this call nor the constructor names a database.
            ExtensionAlreadyInitializedError: If it was called for this app before.
        """
        STATE.refuse_second(app)
        db = db or self.db
        if db is None:
            raise MigrateDatabaseError
        config = read(app, CONFIG)
        state = MigrateState(
            db,
            Path(directory or self.directory),
            config["MIGRATE_LOCK_SECONDS"],
            self.options | options,
            self._configure,
        )
        STATE.attach(app, state)
        app.cli.add_command(commands, name=command or self.command)

    def configure(self, function: Configure) -> Configure:
        """Register a function that changes Alembic's ``Config`` before each command.

        It runs in Alembic's thread, gets the ``Config`` and returns it::

            @migrate.configure
            def log_statements(config):
                config.set_section_option("logger_sqlalchemy", "level", "INFO")
                return config
        """
        self._configure.append(function)
        return function
