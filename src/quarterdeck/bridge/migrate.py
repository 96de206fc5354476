"""Stands in for Flask-Migrate; its functions are awaited in an ``async def``."""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("migrate", "alembic", "sqlalchemy", "aiosqlite")

from quarterdeck import migrate as kit
from quarterdeck.migrate import Migrate

from .colours import coloured

__all__ = [
    "Migrate",
    "branches",
    "check",
    "current",
    "downgrade",
    "heads",
    "history",
    "init",
    "merge",
    "migrate",
    "revision",
    "show",
    "stamp",
    "upgrade",
]

branches = coloured(kit.branches, name="migrate.branches")
check = coloured(kit.check, name="migrate.check")
current = coloured(kit.current, name="migrate.current")
downgrade = coloured(kit.downgrade, name="migrate.downgrade")
heads = coloured(kit.heads, name="migrate.heads")
history = coloured(kit.history, name="migrate.history")
init = coloured(kit.init, name="migrate.init")
merge = coloured(kit.merge, name="migrate.merge")
migrate = coloured(kit.migrate, name="migrate.migrate")
revision = coloured(kit.revision, name="migrate.revision")
show = coloured(kit.show, name="migrate.show")
stamp = coloured(kit.stamp, name="migrate.stamp")
upgrade = coloured(kit.upgrade, name="migrate.upgrade")
