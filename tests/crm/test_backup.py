"""The commands for backup and restore in ``docs/deploy.md``, as an operator types them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import databases
from tests.demonstration import Demonstrations
from tests.services import require_program
from tests.serving import INSTANCE, crm, environment

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"
BLOCK = r"<!-- {} -->\n```console\n(.*?)```"

pytestmark = [pytest.mark.feature("AP6"), pytest.mark.timeout(300)]  # commands under load


def run_block(name: str, folder: Path, *rewrites: tuple[str, str]) -> None:
    """Run the commands of a block of the page in a folder."""
    found = re.search(BLOCK.format(name), PAGE.read_text("utf-8"), re.S)
    assert found, name
    commands = "\n".join(line.removeprefix("$ ") for line in found[1].splitlines())
    for written, ours in rewrites:
        commands = re.sub(written, lambda _, ours=ours: ours, commands)  # type: ignore[misc]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", commands],
        cwd=folder,
        env=environment(folder, PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def exported(folder: Path) -> list[str]:
    """Return the orders and their lines that the CRM of a folder exports."""
    crm(folder, "export", "orders", "orders.csv", "--lines", "lines.csv")
    return [(folder / f"{name}.csv").read_text() for name in ("orders", "lines")]


def test_backup_and_restore(demonstrations: Demonstrations, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    (old / "backup").mkdir()
    demonstrations.copy(old)
    attachments = old / INSTANCE / "attachments"
    attachments.mkdir(exist_ok=True)
    (attachments / "file").write_text("kept")
    kind, backup, restore = _rewrites(old, new)

    run_block(f"backup: {kind}", old, *backup)
    (new / INSTANCE).mkdir()
    (old / "backup").rename(new / "backup")
    run_block(f"restore: {kind}", new, *restore)

    assert (new / INSTANCE / "attachments" / "file").read_text() == "kept"
    restored = exported(new)
    assert restored == exported(old)
    assert "Q000001" in restored[0]


Rewrites = tuple[tuple[str, str], ...]


def _rewrites(old: Path, new: Path) -> tuple[str, Rewrites, Rewrites]:
    """Return the database of this run, and its own address and names for the commands."""
    if databases.is_sqlite():
        require_program("SQLite's command", "sqlite3")
        return "sqlite", (), ()
    access, source = databases.access(old)
    _, target = databases.access(new)
    options = " ".join(access)
    dump = ("mariadb-dump", f"mariadb-dump {options}")
    client = (r"\bmariadb (?=--execute|crm)", f"mariadb {options} ")
    return (
        "mariadb",
        (dump, (r"\bcrm >", f"{source} >")),
        (client, (r"DATABASE crm", f"DATABASE {target}"), (r"\bcrm <", f"{target} <")),
    )
