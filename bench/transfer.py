"""Importing and exporting 100,000 orders with 260,000 lines, on each database.

Run ``python -m bench transfer``. The commands are those that users use, each in a process of its
own: ``crm import orders``, the same a second time, ``crm export orders``. Peak memory is told for
10,000 orders too: it should be the same. On SQLite somebody else writes all the time.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crm.transfer.large_files import write_files
from tests.servers import mariadb

from bench.side_by_side import PYTHON

FEW, MANY = 10_000, 100_000
LINES = 2.6  # for each order
CRM = [PYTHON, "-m", "quarterdeck_crm"]
ROOMY = ("--innodb-buffer-pool-size=512M", "--innodb-log-file-size=128M")


@dataclass(frozen=True)
class Run:
    """What one command took."""

    seconds: float
    cpu: float
    megabytes: float


def measure(database: str, url: str, folder: Path) -> None:
    """Import and export with one database, and print a row."""
    environment = {"CRM_INSTANCE": str(folder), "DATABASE_URL": url}
    write_files(folder, FEW, prefix="A")
    _crm(environment, "db", "upgrade")
    for kind in ("accounts", "goods"):
        _crm(environment, "import", kind, f"{folder}/{kind}.csv")
    orders = ("orders", f"{folder}/orders.csv", "--lines", f"{folder}/lines.csv")
    few = _crm(environment, "import", *orders)
    write_files(folder, MANY, prefix="B")
    with _somebody_else(folder / "crm.sqlite3", database == "SQLite") as waits:
        first = _crm(environment, "import", *orders)
    again = _crm(environment, "import", *orders)
    export = _crm(environment, "export", *orders, "--force")
    print(f"\n{database:24} seconds   CPU s    rows/s     MB")
    for what, run in (("import", first), ("the same again", again), ("export", export)):
        rows = MANY * (1 + LINES) / run.seconds
        print(f"  {what:22} {run.seconds:7.1f} {run.cpu:7.1f} {rows:9,.0f} {run.megabytes:6.0f}")
    print(f"  {FEW:,} orders were imported with {few.megabytes:.0f} MB.")
    if waits:
        print(f"  Somebody else wrote {len(waits)} times and waited {max(waits):.2f} s at most.")
    sys.stdout.flush()


def _crm(environment: Mapping[str, str], *arguments: str) -> Run:
    """Run a command; exits if it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [*CRM, *arguments],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"'crm {' '.join(arguments)}' failed"
    cpu = used.ru_utime + used.ru_stime
    return Run(time.perf_counter() - started, cpu, used.ru_maxrss / 1024)


@contextmanager
def _somebody_else(path: Path, is_sqlite: bool) -> Iterator[list[float]]:
    """Write all the time from outside; gives the seconds that each write waited."""
    waits: list[float] = []
    ended = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(path, timeout=60, isolation_level=None)
        while not ended.wait(0.1):
            started = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            waits.append(time.perf_counter() - started)
            connection.execute("UPDATE account SET version = version + 1 WHERE id = 1")
            connection.execute("COMMIT")
        connection.close()

    thread = threading.Thread(target=write)
    if is_sqlite:
        thread.start()
    yield waits
    ended.set()
    if is_sqlite:
        thread.join()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure("SQLite", f"sqlite+aiosqlite:///{folder / 'crm.sqlite3'}", folder)
    for driver in ("aiomysql", "asyncmy"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            server = mariadb(folder, *ROOMY)
            server.start()
            try:
                url = f"mysql+{driver}://root@127.0.0.1:{server.port}/crm"
                measure(f"MariaDB, {driver}", url, folder)
            finally:
                server.kill()


if __name__ == "__main__":
    main()
