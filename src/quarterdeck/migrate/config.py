"""The configuration key of the migrations, and the state that an app holds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, seconds
from quarterdeck.exceptions import DatabaseUnreachableError

if TYPE_CHECKING:
    from alembic.config import Config

    from quarterdeck.sqlalchemy import SQLAlchemy

_log = logging.getLogger("quarterdeck.migrate")

Configure = Callable[["Config"], "Config"]

CONFIG = (
    ConfigKey(
        "MIGRATE_LOCK_SECONDS",
        600.0,
        seconds,
        "How long to wait while another process migrates the same database.",
        unit="seconds",
    ),
)


@dataclass(frozen=True, slots=True)
class MigrateState:
    """The database, the folder and the options of one app."""

    db: SQLAlchemy
    directory: Path
    lock_seconds: float
    options: dict[str, Any] = field(default_factory=dict)
    configure: list[Configure] = field(default_factory=list)

    async def check_before_serving(self) -> None:
        """Raise MigrationsPendingError if the database is not at the newest migration.

        A database that does not answer is logged: the app can serve when it is back. Without a
        folder of migrations there is nothing to compare.
        """
        from .workspace import Workspace  # it needs this module

        if not await asyncio.to_thread((self.directory / "env.py").is_file):
            return
        try:
            await Workspace().refuse_pending()
        except DatabaseUnreachableError as error:
            _log.warning("The migrations were not checked: %s", error)


STATE: ExtensionState[MigrateState] = ExtensionState("migrate", "Migrate")
