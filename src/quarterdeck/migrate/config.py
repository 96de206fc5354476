"""The configuration key of the migrations, and the state that an app holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, seconds

if TYPE_CHECKING:
    from alembic.config import Config

    from quarterdeck.sqlalchemy import SQLAlchemy

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


STATE: ExtensionState[MigrateState] = ExtensionState("migrate", "Migrate")
