"""Migrations: the verbs as functions, on SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import (
    Boolean,
    Column,
    Enum,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from quarterdeck import migrate as db_migrate
from quarterdeck.exceptions import (
    ForeignKeyViolationError,
    MigrationLockedError,
)
from quarterdeck.migrate import Applied
from quarterdeck.sqlalchemy import ExactDecimal, UTCDateTime

from .migrate_app import Harbour
from .migrate_app import _harbour as _harbour

pytestmark = pytest.mark.feature("G1")

loop_runs = threading.Event()  # for a script that waits while it is imported


async def test_from_nothing_to_tables_and_back(harbour: Harbour) -> None:
    assert await db_migrate.current() == []
    written = await db_migrate.migrate(message="Add boats")
    assert written is not None
    assert written.path.name == f"{datetime.now().astimezone():%Y-%m-%d}_add_boats.py"
    assert written.message == "Add boats"
    assert not harbour.rows("SELECT name FROM sqlite_master WHERE name = 'boat'")

    [applied] = await db_migrate.upgrade()
    assert (applied.revision, applied.upwards) == (written, True)
    assert harbour.rows("SELECT count(*) FROM boat") == [(0,)]
    assert await db_migrate.current() == [written]
    assert await db_migrate.upgrade() == []
    assert await db_migrate.migrate() is None
    await db_migrate.check()

    [undone] = await db_migrate.downgrade()
    assert (undone.revision, undone.upwards) == (written, False)
    assert not harbour.rows("SELECT name FROM sqlite_master WHERE name = 'boat'")
    assert await db_migrate.downgrade(revision="base") == []


async def test_upgrade_makes_folder_and_database(harbour: Harbour) -> None:
    await db_migrate.revision(message="empty")
    assert not harbour.file.parent.exists()
    await db_migrate.upgrade()
    assert harbour.file.is_file()
    assert [path.name for path in harbour.file.parent.glob("*.lock")] == []


async def test_env_py_is_three_lines(harbour: Harbour) -> None:
    lines = (harbour.folder / "migrations" / "env.py").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith('"""')] == [
        "from quarterdeck.migrate import run_migrations",
        "run_migrations()",
    ]


async def test_every_kind_of_column_survives_without_drift(harbour: Harbour) -> None:
    """Above all our own types, which are not what the database calls them."""
    db = harbour.db
    Table(
        "cargo",
        harbour.metadata,
        Column("id", Integer, primary_key=True),
        Column("boat_id", ForeignKey("boat.id", ondelete="CASCADE"), index=True),
        Column("price", ExactDecimal(15, 3), nullable=False),
        Column("amount", ExactDecimal(18, 6)),
        Column("at", UTCDateTime(), index=True),
        Column("note", Text),
        UniqueConstraint("boat_id", "at"),
    )
    written = await db_migrate.migrate(message="cargo")
    assert written is not None
    text = written.path.read_text()
    assert "from quarterdeck.sqlalchemy import ExactDecimal\n" in text
    assert "from quarterdeck.sqlalchemy import UTCDateTime\n" in text
    assert "ExactDecimal(precision=15, scale=3)" in text
    await db_migrate.upgrade()
    await db_migrate.check()
    assert await db_migrate.migrate() is None

    cargo = harbour.metadata.tables["cargo"]
    async with db.engine.begin() as connection:
        await connection.execute(cargo.insert().values(price=Decimal("1.125")))
        price = await connection.scalar(cargo.select().with_only_columns(cargo.c.price))
        assert price == Decimal("1.125")
    await db_migrate.downgrade()
    assert harbour.rows("SELECT name FROM sqlite_master WHERE name = 'cargo'") == []


async def test_changed_table_keeps_rows_and_their_children(harbour: Harbour) -> None:
    """SQLite replaces the table; with foreign keys on, that would delete the children."""
    Table(
        "sail",
        harbour.metadata,
        Column("id", Integer, primary_key=True),
        Column("boat_id", ForeignKey("boat.id", ondelete="CASCADE"), nullable=False),
    )
    await db_migrate.migrate(message="first")
    await db_migrate.upgrade()
    harbour.write("INSERT INTO boat (id, name) VALUES (1, 'Ada')")
    harbour.write("INSERT INTO sail (id, boat_id) VALUES (7, 1)")

    harbour.boat.c.name.type = String(80)
    harbour.boat.append_column(Column("length", Integer))
    harbour.boat.append_constraint(UniqueConstraint("name"))
    await db_migrate.migrate(message="longer names")
    await db_migrate.upgrade()
    assert harbour.rows("SELECT id, name, length FROM boat") == [(1, "Ada", None)]
    assert harbour.rows("SELECT * FROM sail") == [(7, 1)]
    assert "uq_boat_name" in harbour.rows("SELECT sql FROM sqlite_master WHERE name = 'boat'")[0][0]
    async with harbour.db.engine.connect() as connection:
        enforced = await connection.exec_driver_sql("PRAGMA foreign_keys")
        assert enforced.scalar() == 1
    await db_migrate.check()


async def test_a_dropped_table_takes_its_indexes_along(harbour: Harbour) -> None:
    """MySQL would not let go of an index that a foreign key needs."""
    Table(
        "sail",
        harbour.metadata,
        Column("id", Integer, primary_key=True),
        Column("boat_id", ForeignKey("boat.id"), index=True),
    )
    written = await db_migrate.migrate()
    assert written is not None
    up, down = written.path.read_text().split("def downgrade")
    assert "create_index" in up
    assert down.count("drop_table") == 2
    assert "drop_index" not in down


async def test_failing_script_is_undone_and_earlier_ones_stay(harbour: Harbour) -> None:
    harbour.script(1, "op.execute('CREATE TABLE one (id INTEGER)')")
    harbour.script(2, "op.execute('CREATE TABLE two (id INTEGER)'); op.execute('NONSENSE')")
    with pytest.raises(Exception, match="NONSENSE"):
        await db_migrate.upgrade()
    assert harbour.rows("SELECT name FROM sqlite_master WHERE name IN ('one', 'two')") == [("one",)]
    assert [one.id for one in await db_migrate.current()] == ["r1"]


async def test_script_that_breaks_a_foreign_key_is_undone(harbour: Harbour) -> None:
    harbour.script(
        1,
        "op.execute('CREATE TABLE p (id INTEGER PRIMARY KEY)'); "
        "op.execute('CREATE TABLE c (p_id INTEGER REFERENCES p (id))'); "
        "op.execute('INSERT INTO p VALUES (1)'); op.execute('INSERT INTO c VALUES (1)')",
    )
    harbour.script(2, "op.execute('DELETE FROM p')")
    with pytest.raises(ForeignKeyViolationError, match="'c' would have rows"):
        await db_migrate.upgrade()
    assert harbour.rows("SELECT * FROM p") == [(1,)]


async def test_progress_is_told_of_each_script(harbour: Harbour) -> None:
    for number in (1, 2, 3):
        harbour.script(number, "pass")
    told: list[Applied] = []
    await db_migrate.upgrade(revision="+2", progress=told.append)
    assert [(one.revision.id, one.upwards) for one in told] == [("r1", True), ("r2", True)]
    assert all(one.seconds >= 0 for one in told)
    await db_migrate.downgrade(revision="base", progress=told.append)
    assert [(one.revision.id, one.upwards) for one in told[2:]] == [("r2", False), ("r1", False)]


async def test_script_may_use_the_current_app(harbour: Harbour) -> None:
    harbour.script(
        1, "from quart import current_app; op.execute(f'CREATE TABLE {current_app.name} (id INT)')"
    )
    await db_migrate.upgrade()
    assert harbour.rows("SELECT count(*) FROM harbour") == [(0,)]


async def test_loop_is_not_held_up(harbour: Harbour) -> None:
    """Scripts are imported in a thread: a slow import does not stop the others."""
    harbour.script(1, "pass")
    waiting = f"import sys\nassert sys.modules[{__name__!r}].loop_runs.wait(10)\n"
    with (harbour.versions / "r1.py").open("a") as file:
        file.write(f"\n{waiting}")
    loop_runs.clear()
    asyncio.get_running_loop().call_later(0.1, loop_runs.set)

    await db_migrate.upgrade()

    assert loop_runs.is_set()


async def test_several_tasks_at_once(harbour: Harbour) -> None:
    harbour.script(1, "op.execute('CREATE TABLE one (id INTEGER)')")
    applied = await asyncio.gather(*(db_migrate.upgrade() for _ in range(5)))
    assert sorted(len(one) for one in applied) == [0, 0, 0, 0, 1]


async def test_cancelled_upgrade_is_undone_and_frees_the_lock(harbour: Harbour) -> None:
    reached = asyncio.Event()

    async def stall(_connection: Any) -> None:
        reached.set()
        await asyncio.sleep(50)

    harbour.app.extensions["stall"] = stall
    harbour.script(
        1,
        "op.execute('CREATE TABLE one (id INTEGER)'); from quart import current_app; "
        "op.run_async(current_app.extensions['stall'])",
    )
    task = asyncio.create_task(db_migrate.upgrade())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert harbour.rows("SELECT name FROM sqlite_master WHERE name = 'one'") == []
    harbour.script(1, "pass")
    assert len(await db_migrate.upgrade()) == 1


async def test_locked_by_another_for_too_long(tmp_path: Path) -> None:
    import fcntl

    harbour = Harbour(tmp_path, MIGRATE_LOCK_SECONDS=0.1)
    harbour.file.parent.mkdir()
    lock = harbour.file.with_name("harbour.db.migrate.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        async with harbour.app.app_context():
            await db_migrate.init()
            with pytest.raises(MigrationLockedError, match=r"harbour\.db\.migrate\.lock' is held"):
                await db_migrate.upgrade()


async def test_a_column_with_a_check_goes_and_comes(harbour: Harbour) -> None:
    """SQLite refuses to drop a column that a CHECK names."""
    await db_migrate.migrate(message="boats")
    await db_migrate.upgrade()
    harbour.boat.append_column(
        Column(
            "sold",
            Boolean(create_constraint=True, name="sold_is_boolean"),
            nullable=False,
            server_default=sqlalchemy.false(),
        )
    )
    harbour.boat.append_column(
        Column(
            "kind", Enum("sail", "motor", native_enum=False, create_constraint=True, name="kind")
        )
    )
    await db_migrate.migrate(message="sold")
    harbour.write("INSERT INTO boat (id, name) VALUES (1, 'Argo')")
    await db_migrate.upgrade()
    assert harbour.rows("SELECT id, name, sold, kind FROM boat") == [(1, "Argo", 0, None)]
    await db_migrate.downgrade()
    assert harbour.rows("SELECT * FROM boat") == [(1, "Argo")]
    await db_migrate.upgrade()
    with pytest.raises(sqlite3.IntegrityError):
        harbour.write("UPDATE boat SET sold = 2")

    # And the other way round: the models lose a column that they had.
    harbour.metadata.remove(harbour.boat)
    Table(
        "boat",
        harbour.metadata,
        Column("id", Integer, primary_key=True),
        Column("name", String(40), nullable=False),
        Column("kind", String(5)),
    )
    await db_migrate.migrate(message="not sold")
    await db_migrate.upgrade()
    assert harbour.rows("SELECT * FROM boat") == [(1, "Argo", None)]
    with pytest.raises(sqlite3.IntegrityError):
        harbour.write("UPDATE boat SET kind = 'steam'")
