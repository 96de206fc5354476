"""The ``db`` commands, and several processes that upgrade at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from .migrate_app import Harbour

pytestmark = pytest.mark.feature("G1")


@pytest.fixture(name="harbour")
def _harbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harbour:
    monkeypatch.chdir(tmp_path)
    return Harbour(tmp_path)


def db(harbour: Harbour, *args: str) -> Result:
    result: Result = harbour.app.test_cli_runner().invoke(args=["db", *args])
    return result


def test_a_life_with_migrations(harbour: Harbour) -> None:
    """The verbs in the order of their use, on a plain ``quart.Quart``."""
    made = db(harbour, "init")
    assert made.output.startswith(f"Made '{harbour.folder / 'migrations'}'. Next: 'db migrate")
    assert db(harbour, "heads").output == "There are no migrations.\n"
    assert db(harbour, "current").output == "The database has no revision.\n"

    wrote = db(harbour, "migrate", "-m", "Add boats").output
    [script] = harbour.versions.glob("*_add_boats.py")
    assert wrote == f"Wrote '{script}'. Read it before 'db upgrade' runs it.\n"

    upgraded = db(harbour, "upgrade").output
    assert upgraded.startswith("Upgraded to ")
    assert f"  {script.stem}  Add boats (0." in upgraded
    assert db(harbour, "upgrade").output == "Nothing to do: the database is up to date.\n"
    assert db(harbour, "migrate").output == "No changes found.\n"
    assert db(harbour, "check").output.startswith("No changes found")

    assert db(harbour, "revision", "-m", "By hand").exit_code == 0
    history = db(harbour, "history", "-i").output.splitlines()
    assert [line.partition("  ")[2] for line in history] == [
        f"{script.stem[:10]}_by_hand  By hand (head)",
        f"{script.stem}  Add boats (current)",
    ]
    assert str(script) in db(harbour, "show", history[1][:6]).output
    assert "op.create_table" in db(harbour, "show", history[1][:6]).output

    assert db(harbour, "upgrade", "+1").output.startswith("Upgraded to ")
    assert db(harbour, "downgrade", "-1").output.startswith("Downgraded from ")
    assert db(harbour, "downgrade").output.startswith("Downgraded from ")
    assert db(harbour, "downgrade", "base").output == "Nothing to do.\n"
    assert db(harbour, "stamp").output == "The database is noted as being at 'head'.\n"
    assert "(head)" in db(harbour, "current").output


def test_check_before_between_and_after(harbour: Harbour) -> None:
    """It fails while a script is not written, and while it has not run."""
    db(harbour, "init")
    assert db(harbour, "check").exit_code == 1
    db(harbour, "migrate", "-m", "boats")
    assert db(harbour, "check").exit_code == 1
    db(harbour, "upgrade")
    assert db(harbour, "check").exit_code == 0
    harbour.write("INSERT INTO boat (name) VALUES ('Ada')")


def test_options_that_flask_migrate_has(harbour: Harbour) -> None:
    assert "one template" in db(harbour, "list-templates").output
    assert db(harbour, "init", "--multidb").exit_code == 0
    assert db(harbour, "branches").output == "There are no branches.\n"

    wrote = db(harbour, "revision", "--autogenerate", "-m", "boats", "--rev-id", "r1").output
    assert "boats.py" in wrote
    assert db(harbour, "upgrade", "--tag", "t", "-x", "a=1", "-x", "b").output.startswith("Upgr")
    assert db(harbour, "revision", "-m", "left", "--rev-id", "r2", "--branch-label", "l").output
    right = db(harbour, "revision", "-m", "right", "--rev-id", "r3", "--head", "r1", "--splice")
    assert right.exit_code == 0, right.output
    assert db(harbour, "branches").output.startswith("r1  ")

    listed = db(harbour, "history", "--rev-range", "r1:r3", "--verbose").output.splitlines()
    assert [line for line in listed if "after: " in line] == ["    after: r1", "    after: nothing"]
    assert f"    file: {next(harbour.versions.glob('*_boats.py'))}" in listed
    assert "    after: nothing" in db(harbour, "current", "-v").output
    assert db(harbour, "heads", "--verbose").output.count("    after: r1") == 2
    assert db(harbour, "merge", "--rev-id", "r4", "-m", "both").exit_code == 0
    assert db(harbour, "heads").output.startswith("r4  ")


def test_sql_is_printed_and_not_run(harbour: Harbour) -> None:
    db(harbour, "init")
    db(harbour, "migrate", "-m", "boats")
    assert "CREATE TABLE boat" in db(harbour, "upgrade", "--sql").output
    assert "DROP TABLE boat" in db(harbour, "downgrade", "head:base", "--sql").output
    assert db(harbour, "current").output == "The database has no revision.\n"


def test_editor(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("click.edit", lambda filename: opened.append(filename))
    db(harbour, "init")
    db(harbour, "revision", "-m", "by hand")
    assert db(harbour, "edit").exit_code == 0
    assert opened[0].endswith("_by_hand.py")


def test_merge(harbour: Harbour) -> None:
    db(harbour, "init")
    harbour.script(1, "pass")
    (harbour.versions / "other.py").write_text(
        (harbour.versions / "r1.py").read_text().replace("'r1'", "'other'")
    )
    assert "several heads: other, r1" in db(harbour, "upgrade").stderr
    assert db(harbour, "merge", "other", "r1", "-m", "join").exit_code == 0
    assert db(harbour, "upgrade").output.count("Upgraded to") == 3


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["upgrade", "zebra"], "Can't locate revision identified by 'zebra'. 'db history' lists"),
        (
            ["upgrade", "-d", "nowhere"],
            (
                "/nowhere' does not exist. Go to the folder of the app, name its migrations with "
                "'--directory FOLDER', or run 'db init' if it has none yet."
            ),
        ),
        (["init"], "holds migrations already"),
        (["check"], "the migrations are at r1. Run 'db upgrade' first."),
        (["migrate"], "the migrations are at r1. Run 'db upgrade' first."),
        (["current", "--bind", "archive"], "'archive'"),
    ],
)
def test_errors_are_one_sentence(harbour: Harbour, args: list[str], sentence: str) -> None:
    db(harbour, "init")
    harbour.script(1, "pass")
    result = db(harbour, *args)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


APP = """
import time
from quart import Quart
from quarterdeck.migrate import Migrate
from quarterdeck.sqlalchemy import SQLAlchemy

db = SQLAlchemy()
app = Quart("harbour", instance_path={folder!r} + "/instance")
app.config["SQLALCHEMY_DATABASE_URI"] = {uri!r}
db.init_app(app)
Migrate(app, db)
"""
SCRIPTS = (
    "op.create_table('one', sa.Column('id', sa.Integer)); import time; time.sleep(0.5)",
    "op.create_table('two', sa.Column('id', sa.Integer))",
    "op.bulk_insert(sa.table('one', sa.column('id')), [{'id': 1}])",
)


def upgrade_in_processes(harbour: Harbour, uri: str, count: int) -> list[str]:
    """Start ``count`` processes on an empty database; return what each printed."""
    (harbour.folder / "app.py").write_text(APP.format(folder=str(harbour.folder), uri=uri))
    db(harbour, "init")
    for number, body in enumerate(SCRIPTS, start=1):
        harbour.script(number, body)
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "quart", "db", "upgrade"],
            cwd=harbour.folder,
            env=os.environ | {"QUART_SKIP_DOTENV": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(count)
    ]
    outputs = [process.communicate(timeout=50)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * count, outputs
    return outputs


def test_database_that_does_not_answer(tmp_path: Path) -> None:
    """The sentence names it, without the password."""
    uri = "mysql+aiomysql://ada:secret@127.0.0.1:1/harbour"
    harbour = Harbour(tmp_path, SQLALCHEMY_DATABASE_URI=uri)
    db(harbour, "init")
    for verb in ("upgrade", "current", "migrate"):
        result = db(harbour, verb)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: 'mysql+aiomysql://ada:***@127.0.0.1:1/harbour")
        assert "does not answer" in result.stderr


def test_four_processes_upgrade_one_sqlite_file(harbour: Harbour) -> None:
    """One works, the others wait, and nothing stays: no lock file, no warning."""
    outputs = upgrade_in_processes(harbour, "sqlite:///harbour.db", 4)
    idle = "Nothing to do: the database is up to date.\n"
    assert sorted(output == idle for output in outputs) == [False, True, True, True]
    [worked] = [output for output in outputs if output != idle]
    assert [line.split()[2] for line in worked.splitlines()] == ["r1", "r2", "r3"]
    assert harbour.rows("SELECT id FROM one") == [(1,)]
    assert not list(harbour.file.parent.glob("*.lock"))
