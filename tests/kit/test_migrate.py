"""Migrations: the verbs as functions, on SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, Text, UniqueConstraint

from quarterdeck import migrate as db_migrate
from quarterdeck.exceptions import (
    ExtensionAlreadyInitializedError,
    ForeignKeyViolationError,
    MigrateDatabaseError,
    MigrationError,
    MigrationLockedError,
    MigrationsFolderError,
    MigrationsOutsideError,
    MigrationsPendingError,
    MultipleHeadsError,
    RevisionNotFoundError,
    SchemaDriftError,
)
from quarterdeck.migrate import Applied, Migrate, run_migrations
from quarterdeck.migrate.rendering import file_name
from quarterdeck.sqlalchemy import ExactDecimal, SQLAlchemy, UTCDateTime

pytestmark = pytest.mark.feature("G1")


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
    with (harbour.versions / "r1.py").open("a") as file:
        file.write("\nimport time\ntime.sleep(1)\n")
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    heart = asyncio.create_task(beat())
    await db_migrate.upgrade()
    heart.cancel()
    assert longest < 0.8


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


async def test_database_in_memory(tmp_path: Path) -> None:
    harbour = Harbour(tmp_path, SQLALCHEMY_DATABASE_URI="sqlite://")
    async with harbour.app.app_context():
        await db_migrate.init()
        await db_migrate.migrate(message="boats")
        await db_migrate.upgrade()
        async with harbour.db.engine.connect() as connection:
            assert (await connection.execute(harbour.boat.select())).all() == []
        await db_migrate.check()
        await harbour.db.dispose()


async def test_each_bind_has_its_own_line(tmp_path: Path) -> None:
    harbour = Harbour(tmp_path, SQLALCHEMY_BINDS={"archive": "sqlite:///archive.db"})
    Table("log", harbour.db.metadata_for("archive"), Column("id", Integer, primary_key=True))
    async with harbour.app.app_context():
        await db_migrate.init()
        main = await db_migrate.migrate(message="boats")
        archive = await db_migrate.migrate(message="log", bind="archive")
        assert main is not None
        assert archive is not None
        assert archive.path.parent.name == "versions_archive"
        await db_migrate.upgrade(bind="archive")
        assert await db_migrate.current(bind="archive") == [archive]
        assert await db_migrate.current() == []
        await db_migrate.check(bind="archive")
        await harbour.db.dispose()


class TestAnswers:
    async def test_pending(self, harbour: Harbour) -> None:
        harbour.script(1, "pass")
        with pytest.raises(MigrationsPendingError, match=r"at no revision, .* at r1"):
            await db_migrate.check()
        with pytest.raises(MigrationsPendingError):
            await db_migrate.migrate()

    async def test_drift_in_words(self, harbour: Harbour) -> None:
        await db_migrate.migrate()
        await db_migrate.upgrade()
        harbour.boat.append_column(Column("length", Integer, index=True))
        harbour.boat.c.name.nullable = True
        harbour.boat.c.name.type = Text()
        Table("pier", harbour.metadata, Column("id", Integer, primary_key=True))
        with pytest.raises(SchemaDriftError) as caught:
            await db_migrate.check()
        *whole, altered = sorted(caught.value.differences)
        assert whole == [
            "add column 'boat.length'",
            "add index 'ix_boat_length' on 'boat'",
            "add table 'pier'",
        ]
        assert altered == (
            "modify type of 'boat.name' from VARCHAR(length=40) to Text(); "
            "modify nullable of 'boat.name' from False to True"
        )

    async def test_unknown_revision(self, harbour: Harbour) -> None:
        harbour.script(1, "pass")
        for verb in (db_migrate.upgrade, db_migrate.stamp, db_migrate.show):
            with pytest.raises(RevisionNotFoundError, match=r"'zebra'.*'db history'"):
                await verb(revision="zebra")

    async def test_several_heads_and_their_merge(self, harbour: Harbour) -> None:
        harbour.script(1, "pass")
        harbour.script(2, "pass")
        text = (harbour.versions / "r2.py").read_text()
        (harbour.versions / "other.py").write_text(text.replace("'r2'", "'other'"))
        assert {one.id for one in await db_migrate.heads()} == {"r2", "other"}
        with pytest.raises(MultipleHeadsError, match=r"other, r2.*db merge"):
            await db_migrate.upgrade()
        merged = await db_migrate.merge(message="join")
        assert sorted(merged.after) == ["other", "r2"]
        assert len(await db_migrate.upgrade()) == 4

    async def test_missing_folder(self, tmp_path: Path) -> None:
        harbour = Harbour(tmp_path)
        async with harbour.app.app_context():
            with pytest.raises(MigrationsFolderError, match=r"has no migrations.*db init"):
                await db_migrate.upgrade()
        assert not harbour.file.exists()

    async def test_second_init(self, harbour: Harbour) -> None:
        with pytest.raises(MigrationsFolderError, match="already"):
            await db_migrate.init()

    async def test_history_show_and_stamp(self, harbour: Harbour) -> None:
        for number in (1, 2, 3):
            harbour.script(number, "pass")
        assert [one.id for one in await db_migrate.history()] == ["r3", "r2", "r1"]
        assert [one.id for one in await db_migrate.history(revisions="r2:")] == ["r3", "r2"]
        assert (await db_migrate.show(revision="r2")).message == "step 2"
        await db_migrate.stamp(revision="r2")
        assert [one.id for one in await db_migrate.current()] == ["r2"]
        assert [one.revision.id for one in await db_migrate.upgrade()] == ["r3"]

    async def test_sql_needs_no_database(self, harbour: Harbour) -> None:
        written = await db_migrate.migrate(message="boats")
        assert written is not None
        harbour.file.unlink()
        up = await db_migrate.render_sql()
        assert "CREATE TABLE boat" in up
        assert f"VALUES ('{written.id}')" in up
        down = await db_migrate.render_sql(revision="head:base", downwards=True)
        assert "DROP TABLE boat" in down
        assert not harbour.file.exists()

    async def test_batch_as_sql_is_refused_on_sqlite(self, harbour: Harbour) -> None:
        harbour.script(
            1, "with op.batch_alter_table('boat') as b: b.alter_column('name', nullable=True)"
        )
        with pytest.raises(MigrationError, match="requires a live database"):
            await db_migrate.render_sql()


class TestSetup:
    def test_no_database(self) -> None:
        with pytest.raises(MigrateDatabaseError):
            Migrate(Quart("harbour"))

    def test_twice(self, tmp_path: Path) -> None:
        harbour = Harbour(tmp_path)
        with pytest.raises(ExtensionAlreadyInitializedError):
            Migrate(harbour.app, harbour.db)

    def test_database_and_folder_of_init_app_win(self, tmp_path: Path) -> None:
        app, db = Quart("harbour"), SQLAlchemy()
        Migrate(directory="a").init_app(app, db, directory="b")
        state = app.extensions["migrate"]
        assert (state.db, state.directory) == (db, Path("b"))

    def test_env_py_by_alembics_own_program(self) -> None:
        with pytest.raises(MigrationsOutsideError, match="quart db upgrade"):
            run_migrations()

    async def test_options_reach_alembic(self, harbour: Harbour) -> None:
        harbour.app.extensions["migrate"].options["include_name"] = lambda name, *_: name != "boat"
        harbour.app.extensions["migrate"].options["version_table"] = "steps"
        await db_migrate.migrate()
        await db_migrate.upgrade()
        assert harbour.rows("SELECT count(*) FROM steps") == [(1,)]
        assert len(await db_migrate.current()) == 1


@pytest.mark.parametrize(
    ("message", "taken", "name"),
    [
        ("Add orders", [], "add_orders"),
        ("Add orders", ["add_orders"], "add_orders_2"),
        ("Add orders", ["add_orders", "add_orders_2"], "add_orders_3"),
        ("100 % + more: größer!", [], "100_more_größer"),
        ("x" * 100, [], "x" * 60),
    ],
)
def test_file_name(tmp_path: Path, message: str, taken: list[str], name: str) -> None:
    today = file_name(tmp_path, "")[:10]
    for stem in taken:
        (tmp_path / f"{today}_{stem}.py").touch()
    assert file_name(tmp_path, message) == f"{today}_{name}"
