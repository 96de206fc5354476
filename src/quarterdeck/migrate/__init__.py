"""Schema migrations with Alembic over async engines; stands in for Flask-Migrate.

::

    migrate = Migrate(db=db)
    migrate.init_app(app)       # adds 'quart db init', 'db migrate', 'db upgrade', ...

    async with app.app_context():
        await upgrade()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quarterdeck import _extras

_extras.needs("migrate", "alembic", "sqlalchemy", "aiosqlite")

from quarterdeck import _deferred

from .cli import commands
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
from .standing import Standing, standing

if TYPE_CHECKING:
    from .environment import run_migrations
else:  # only an 'env.py' calls it, in Alembic's thread
    __getattr__ = _deferred.deferred(__name__, {"run_migrations": "environment"})

__all__ = [
    "Applied",
    "Migrate",
    "Revision",
    "Standing",
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
    "standing",
    "upgrade",
]
