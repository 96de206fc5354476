"""What migrations answer, and how the extension is set up."""

from __future__ import annotations

from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import (
    Column,
    Integer,
    Table,
    Text,
)

from quarterdeck import migrate as db_migrate
from quarterdeck.exceptions import (
    ExtensionAlreadyInitializedError,
    MigrateDatabaseError,
    MigrationError,
    MigrationsFolderError,
    MigrationsOutsideError,
    MigrationsPendingError,
    MultipleHeadsError,
    RevisionNotFoundError,
    SchemaDriftError,
)
from quarterdeck.migrate import Migrate, run_migrations
from quarterdeck.migrate.rendering import file_name
from quarterdeck.sqlalchemy import SQLAlchemy

from .migrate_app import Harbour
from .migrate_app import _harbour as _harbour

pytestmark = pytest.mark.feature("G1")


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
            with pytest.raises(MigrationsFolderError, match=r"does not exist.*db init"):
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
