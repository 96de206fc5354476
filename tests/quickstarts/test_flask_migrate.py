"""Flask-Migrate: the three commands of its first example, in a project of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.feature("G1")

APP = """
from quart import Quart
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.migrate import Migrate

app = Quart(__name__, instance_path={folder!r})
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///app.db"

db = SQLAlchemy(app)
migrate = Migrate(app, db)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(128))
"""

MORE = """    email = db.Column(db.String(128))
"""


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP.format(folder=str(tmp_path)))
    return tmp_path


def quart(project: Path, *arguments: str) -> str:
    """Run the ``quart`` program in the folder of the project."""
    done = subprocess.run(
        [sys.executable, "-m", "quart", *arguments],
        cwd=project,
        env=os.environ | {"QUART_APP": "app"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_migration_and_a_second_one(project: Path) -> None:
    quart(project, "db", "init")
    quart(project, "db", "migrate", "-m", "Initial migration.")
    quart(project, "db", "upgrade")
    (project / "app.py").write_text(APP.format(folder=str(project)) + MORE)
    quart(project, "db", "migrate", "-m", "Add email.")
    (script,) = (project / "migrations" / "versions").glob("*add_email*.py")
    assert "email" in script.read_text()
    quart(project, "db", "upgrade")
    assert "Add email. (head) (current)" in quart(project, "db", "history", "-i")
    quart(project, "db", "downgrade")
    assert "Initial migration." in quart(project, "db", "current", "-v")
