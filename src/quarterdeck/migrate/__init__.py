"""Schema migrations with Alembic over async engines; stands in for Flask-Migrate.

::

    migrate = Migrate(db=db)
    migrate.init_app(app)       # adds 'quart db init', 'db migrate', 'db upgrade', ...

    async with app.app_context():
        await upgrade()
"""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("migrate", "alembic", "sqlalchemy", "aiosqlite")

from .cli import commands
from .environment import run_migrations
from .extension import Migrate
from .operations import (
    branches,
    check,
    current,
    downgrade,
    heads,
    history,
    init,
    merge,
    migrate,
    render_sql,
    revision,
    show,
    stamp,
    upgrade,
)
from .revisions import Applied, Revision

__all__ = [
    "Applied",
    "Migrate",
    "Revision",
    "branches",
    "check",
    "commands",
    "current",
    "downgrade",
    "heads",
    "history",
    "init",
    "merge",
    "migrate",
    "render_sql",
    "revision",
    "run_migrations",
    "show",
    "stamp",
    "upgrade",
]
