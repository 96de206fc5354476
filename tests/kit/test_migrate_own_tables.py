"""Tables that rooms make by themselves: migrations leave them alone, unless they are declared."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from quart import session
from sqlalchemy import text

from quarterdeck import migrate as db_migrate
from quarterdeck.app import Quart
from quarterdeck.apscheduler import APScheduler
from quarterdeck.apscheduler.sqlalchemy import scheduler_tables
from quarterdeck.mail import Mail
from quarterdeck.migrate import Migrate, Revision
from quarterdeck.session import Session
from quarterdeck.session.sqlalchemy import session_table
from quarterdeck.sqlalchemy import SQLAlchemy

pytestmark = pytest.mark.feature("G1")

Made = tuple[Quart, SQLAlchemy]
OWN = {"sessions", "scheduler_job", "scheduler_lease", "scheduler_run"}


def make_app(folder: Path, *, schedules: bool = True, **options: Any) -> Made:
    app = Quart("harbour", instance_path=str(folder / "instance"))
    app.secret_key = "only for this test"
    app.config.update(
        SQLALCHEMY_DATABASE_URI="sqlite:///harbour.db",
        SESSION_TYPE="sqlalchemy",
        SCHEDULER_JOBSTORES={"default": {"type": "sqlalchemy"}},
        SCHEDULER_LEASE="sqlalchemy",
    )
    db = SQLAlchemy(app)
    app.config["SESSION_SQLALCHEMY"] = app.config["SCHEDULER_SQLALCHEMY"] = lambda: db.engine
    Migrate(app, db, directory=folder / "migrations", **options)
    Session(app)
    if schedules:
        APScheduler(app)
    Mail(app, db=db)

    @app.get("/")
    async def index() -> str:
        session["seen"] = True
        return ""

    return app, db


@pytest.fixture
def options() -> dict[str, Any]:
    """Arguments of ``make_app``; parametrize for others."""
    return {}


@pytest.fixture
def made(tmp_path: Path, options: dict[str, Any]) -> Made:
    return make_app(tmp_path, **options)


async def up(written: Revision | None) -> str:
    """The first half of a script."""
    assert written is not None
    script = await asyncio.to_thread(written.path.read_text)
    return script.partition("def downgrade")[0]


async def visit(app: Quart, db: SQLAlchemy) -> None:
    """Serve once, which makes the tables."""
    async with app.app_context():
        await db.create_database()
    async with app.test_app() as running:
        assert (await running.test_client().get("/")).status_code == 200


async def tables(db: SQLAlchemy) -> set[str]:
    async with db.engine.connect() as connection:
        found = await connection.scalars(text("SELECT name FROM sqlite_master WHERE type='table'"))
        return set(found)


async def test_tables_that_rooms_have_made_are_not_dropped(made: Made) -> None:
    app, db = made
    await visit(app, db)
    async with app.app_context():
        assert await tables(db) >= OWN
        await db_migrate.init()
        script = await up(await db_migrate.migrate(message="first"))
        assert "op.create_table('mail_outbox'" in script  # it is in the metadata by itself
        assert "drop_table" not in script
        assert not [name for name in OWN if name in script]
        await db_migrate.upgrade()
        assert await tables(db) >= OWN
        await db_migrate.check()
        await db.dispose()


async def test_declared_tables_are_made_by_migrations(made: Made) -> None:
    app, db = made
    session_table(db.metadata)
    scheduler_tables(db.metadata)
    async with app.app_context():
        await db_migrate.init()
        await db_migrate.migrate(message="first")
        await db_migrate.upgrade()
        assert await tables(db) >= OWN
        await db_migrate.check()
        await db.dispose()


def all_but_charts(name: str | None, type_: str, _parents: Any) -> bool:
    return type_ != "table" or name != "chart"


@pytest.mark.parametrize("options", [{"schedules": False, "include_name": all_but_charts}])
async def test_other_tables_are_dropped_unless_the_app_leaves_them_out(made: Made) -> None:
    """Those of a room that the app no longer has, too: the filter of the app decides."""
    app, db = made
    async with app.app_context():
        await db.create_database()
        async with db.engine.begin() as connection:
            for name in ("chart", "wreck", "scheduler_job"):
                await connection.execute(text(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)"))
        await db_migrate.init()
        script = await up(await db_migrate.migrate(message="first"))
        assert "op.drop_table('wreck')" in script
        assert "op.drop_table('scheduler_job')" in script
        assert "chart" not in script
        await db.dispose()
