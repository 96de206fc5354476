"""A CRM with demonstration data, made once per run by its commands, and copied for each test."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests import databases
from tests.serving import INSTANCE, environment

NAMES = ("admin", "mod", "user")
TOKENS = "tokens"

# As many commands as lines, in one process: each start takes a second.
PROGRAM = """
import sys
from quarterdeck_crm import create_app
from quarterdeck_crm.cli import make_program

for line in sys.stdin:
    make_program(create_app)(line.split(), standalone_mode=False)
"""


class Demonstrations:
    """Copies of a CRM with demonstration data, and tokens of its users.

    Args:
        shared: The folder of the originals. On SQLite, all processes of a run can share it.
    """

    def __init__(self, shared: Path) -> None:
        self._shared = shared

    def copy(self, folder: Path, *, orders: int = 20) -> dict[str, str]:
        """Put a CRM with so many orders into a folder; return a token for each of ``NAMES``."""
        original = self._shared / f"demonstration-{orders}"
        with (self._shared / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (original / TOKENS).exists():
                _make(original, orders)
        shutil.copytree(original / INSTANCE, folder / INSTANCE)
        databases.copy(original, folder)
        return dict(zip(NAMES, (original / TOKENS).read_text().split(), strict=True))


def _make(folder: Path, orders: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # an attempt before may have been cut off
    folder.mkdir()
    commands = ["db upgrade", f"demo --orders {orders}"]
    commands += [f"token create {name}@quarterdeck.example --name Tests" for name in NAMES]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="\n".join(commands),
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / TOKENS).write_text("\n".join(re.findall(r"^qd_\S+$", done.stdout, re.M)))
