"""Migrations on MariaDB and PostgreSQL: the lock of the server, no drift, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table, UniqueConstraint, inspect, text

from quarterdeck import migrate as db_migrate
from quarterdeck.apscheduler.sqlalchemy import scheduler_tables
from quarterdeck.exceptions import MigrationLockedError
from quarterdeck.mail.sqlalchemy import outbox_table
from quarterdeck.migrate.locks import MIGRATION_LOCK
from quarterdeck.session.sqlalchemy import session_table
from quarterdeck.sqlalchemy import ExactDecimal, UTCDateTime
from tests.servers import Server

from .migrate_app import Harbour
from .test_migrate_cli import upgrade_in_processes

pytestmark = [pytest.mark.feature("G1"), pytest.mark.external_service("MariaDB", "PostgreSQL")]

LOCKS = {
    "mysql": "SELECT GET_LOCK(CONCAT('quarterdeck-', LEFT(SHA2('locked', 256), 32)), 0)",
    "postgresql": f"SELECT pg_try_advisory_lock({MIGRATION_LOCK})",
}


@pytest.fixture(params=["mariadb", "postgresql"], name="server")
def _server(request: pytest.FixtureRequest, running: Callable[[str], Server]) -> str:
    port = running(request.param).port
    if request.param == "postgresql":
        return f"postgresql://postgres@127.0.0.1:{port}"
    return f"mysql+aiomysql://root@127.0.0.1:{port}"


def test_four_processes_upgrade_one_database(server: str, tmp_path: Path) -> None:
    uri = f"{server}/four"
    outputs = upgrade_in_processes(Harbour(tmp_path, SQLALCHEMY_DATABASE_URI=uri), uri, 4)
    idle = "Nothing to do: the database is up to date.\n"
    assert sorted(output == idle for output in outputs) == [False, True, True, True]
    assert sum(output.count("Upgraded to") for output in outputs) == 3


async def test_round_trip_without_drift(server: str, tmp_path: Path) -> None:
    harbour = Harbour(tmp_path, SQLALCHEMY_DATABASE_URI=f"{server}/round_trip")
    Table(
        "cargo",
        harbour.metadata,
        Column("id", Integer, primary_key=True),
        Column("boat_id", ForeignKey("boat.id", ondelete="CASCADE"), index=True),
        Column("price", ExactDecimal(15, 3), nullable=False),
        Column("at", UTCDateTime(), index=True),
        UniqueConstraint("boat_id", "at"),
    )
    session_table(harbour.metadata)
    outbox_table(harbour.metadata)
    scheduler_tables(harbour.metadata)
    async with harbour.app.app_context():
        await db_migrate.init()
        await db_migrate.migrate(message="first")
        await db_migrate.upgrade()
        await db_migrate.check()

        harbour.boat.c.name.type = String(80)
        harbour.boat.append_column(Column("length", Integer))
        await db_migrate.migrate(message="longer names")
        await db_migrate.upgrade()
        await db_migrate.check()

        assert len(await db_migrate.downgrade(revision="base")) == 2
        async with harbour.db.engine.connect() as connection:
            left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        assert left == ["alembic_version"]
        await harbour.db.dispose()


async def test_locked_by_another_for_too_long(server: str, tmp_path: Path) -> None:
    harbour = Harbour(
        tmp_path, SQLALCHEMY_DATABASE_URI=f"{server}/locked", MIGRATE_LOCK_SECONDS=0.1
    )
    async with harbour.app.app_context():
        await db_migrate.init()
        harbour.script(1, "pass")
        await db_migrate.upgrade()
        async with harbour.db.engine.connect() as connection:
            assert await connection.scalar(text(LOCKS[connection.dialect.name])) == 1
            with pytest.raises(MigrationLockedError, match="'locked' is held"):
                await db_migrate.upgrade()
        await harbour.db.dispose()
