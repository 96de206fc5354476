"""An app whose migrations tests write and run."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
)

from quarterdeck import migrate as db_migrate
from quarterdeck.migrate import Migrate
from quarterdeck.sqlalchemy import SQLAlchemy


class Harbour:
    """An app with tables that a test may change, in a folder of its own."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.folder = folder
        self.db = SQLAlchemy()
        self.app = Quart("harbour", instance_path=str(folder / "instance"))
        self.app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///harbour.db"
        self.app.config.update(config)
        self.db.init_app(self.app)
        Migrate(self.app, self.db, directory=folder / "migrations")
        self.boat = Table(
            "boat",
            self.metadata,
            Column("id", Integer, primary_key=True),
            Column("name", String(40), nullable=False),
        )

    @property
    def metadata(self) -> MetaData:
        return self.db.metadata

    @property
    def versions(self) -> Path:
        return self.folder / "migrations" / "versions"

    @property
    def file(self) -> Path:
        return self.folder / "instance" / "harbour.db"

    def rows(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(statement).fetchall()

    def write(self, statement: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute(statement)

    def script(self, number: int, body: str, downgrade: str = "pass") -> None:
        """Write a script by hand: ``r1`` after nothing, ``r2`` after ``r1`` and so on."""
        down = f"'r{number - 1}'" if number > 1 else "None"
        (self.versions / f"r{number}.py").write_text(
            f"'''step {number}'''\n"
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = 'r{number}'\ndown_revision = {down}\n"
            f"def upgrade():\n    {body}\n"
            f"def downgrade():\n    {downgrade}\n"
        )


@pytest.fixture(name="harbour")
async def _harbour(tmp_path: Path) -> AsyncIterator[Harbour]:
    harbour = Harbour(tmp_path)
    async with harbour.app.app_context():
        await db_migrate.init()
        yield harbour
        await harbour.db.dispose()
