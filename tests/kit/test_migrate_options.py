"""Migrations: arguments, branches, templates, folders and binds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.config import Config
from quart import Quart
from sqlalchemy import (
    Column,
    Integer,
    Table,
)

from quarterdeck import migrate as db_migrate
from quarterdeck.exceptions import (
    MigrationsFolderError,
)
from quarterdeck.migrate import Migrate
from quarterdeck.sqlalchemy import SQLAlchemy

from .migrate_app import Harbour
from .migrate_app import _harbour as _harbour

pytestmark = pytest.mark.feature("G1")


async def test_scripts_and_env_py_read_arguments(harbour: Harbour) -> None:
    harbour.script(
        1, "assert op.get_context().environment_context.get_x_argument(True) == {'a': '1'}"
    )
    env = harbour.folder / "migrations" / "env.py"
    env.write_text(
        "from alembic import context\n"
        "assert context.get_tag_argument() == 'harvest'\n" + env.read_text()
    )
    with pytest.raises(AssertionError):
        await db_migrate.upgrade(tag="harvest")
    [applied] = await db_migrate.upgrade(x_arg="a=1", tag="harvest")
    assert applied.revision.id == "r1"
    await db_migrate.downgrade(x_arg=["a=1"], tag="harvest")
    assert "r1" in await db_migrate.render_sql(x_arg="a=1", tag="harvest")
    await db_migrate.stamp(tag="harvest")


async def test_branches_and_heads(harbour: Harbour) -> None:
    await db_migrate.revision(message="trunk", rev_id="r1")
    await db_migrate.revision(message="left", rev_id="r2", branch_label="left")
    await db_migrate.revision(message="right", rev_id="r3", head="r1", splice=True)
    assert [one.id for one in await db_migrate.branches()] == ["r1"]
    assert {one.id for one in await db_migrate.heads()} == {"r2", "r3"}
    joined = await db_migrate.merge(message="both", rev_id="r4")
    assert joined.id == "r4"
    assert set(joined.after) == {"r2", "r3"}
    await db_migrate.revision(message="later", rev_id="r5", head="r4")
    other = await db_migrate.revision(
        message="apart", rev_id="r6", head="base", branch_label="apart", depends_on="r5"
    )
    assert {one.id for one in await db_migrate.heads()} == {"r5", "r6"}
    assert await db_migrate.heads(resolve_dependencies=True) == [other]


async def test_template_and_config_of_an_app(tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    db = SQLAlchemy()
    app = Quart("tests")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + str(tmp_path / "x.db")
    db.init_app(app)
    migrate = Migrate(db=db, directory="nowhere", command="nothing")
    migrate.init_app(app, directory=tmp_path / "made", command="schema")
    assert "schema" in app.cli.commands
    assert not {"db", "nothing"} & set(app.cli.commands)

    @migrate.configure
    def greet(config: Config) -> Config:
        config.set_main_option("greeting", "hello")
        return config

    async with app.app_context():
        with pytest.raises(MigrationsFolderError, match=r"has no 'env\.py'"):
            await db_migrate.init(template=template)
        (template / "env.py").write_text(
            "from alembic import context\n"
            "raise ValueError(context.config.get_main_option('greeting'))\n"
        )
        await db_migrate.init(template=template, package=True)
        assert (tmp_path / "made" / "versions" / "__init__.py").is_file()
        with pytest.raises(ValueError, match="hello"):
            await db_migrate.upgrade()
        await db.dispose()


async def test_every_file_of_a_template_is_taken(tmp_path: Path) -> None:
    """A template may bring files of its own, and writes scripts in its own way."""
    template = tmp_path / "template"
    template.mkdir()
    (template / "README").write_text("House rules.\n")
    (template / "env.py").write_text(
        "from quarterdeck.migrate import run_migrations\nrun_migrations()\n"
    )
    ours = Path(db_migrate.__file__).parent / "templates" / "script.py.mako"
    (template / "script.py.mako").write_text("# House style\n" + ours.read_text())
    harbour = Harbour(tmp_path)
    async with harbour.app.app_context():
        await db_migrate.init(template=template)
        written = await db_migrate.migrate(message="boats")
        await db_migrate.upgrade()
        await harbour.db.dispose()
    assert (harbour.folder / "migrations" / "README").read_text() == "House rules.\n"
    assert written is not None
    assert written.path.read_text().startswith("# House style\n")
    assert harbour.rows("SELECT count(*) FROM boat") == [(0,)]


@pytest.mark.parametrize("kind", [str, Path])
async def test_folder_of_the_scripts(tmp_path: Path, kind: Callable[[Path], str | Path]) -> None:
    """``directory`` is a text or a path."""
    db = SQLAlchemy()
    app = Quart("harbour", instance_path=str(tmp_path))
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///harbour.db"
    db.init_app(app)
    Table("boat", db.metadata, Column("id", Integer, primary_key=True))
    Migrate(app, db, directory=kind(tmp_path / "schema" / "steps"))
    async with app.app_context():
        await db_migrate.init()
        written = await db_migrate.migrate(message="boats")
        await db_migrate.upgrade()
        async with db.engine.begin() as connection:
            await connection.execute(db.metadata.tables["boat"].insert())
        await db.dispose()
    assert written is not None
    assert written.path.parent == tmp_path / "schema" / "steps" / "versions"


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
        await db_migrate.upgrade()
        async with harbour.db.get_engine("archive").begin() as connection:
            await connection.execute(harbour.db.metadata_for("archive").tables["log"].insert())
        await db_migrate.downgrade(bind="archive")
        assert await db_migrate.current(bind="archive") == []
        assert await db_migrate.current() == [main]
        await harbour.db.dispose()
    assert harbour.rows("SELECT count(*) FROM boat") == [(0,)]
