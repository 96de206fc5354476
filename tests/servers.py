"""Database and cache servers that tests start, kill and freeze.

Each listens on a free loopback port and keeps its files in a folder of the test run.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.services import require_program

START_SECONDS = 30.0


class Server:
    """A server process that can be taken away and brought back on the same port."""

    def __init__(self, command: list[str], port: int) -> None:
        self.command = command
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        self._process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts():
            assert self._process.poll() is None, f"{self.command[0]} ended by itself"
            assert time.monotonic() < deadline, f"{self.command[0]} does not accept connections"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """Stop it from answering; its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def heal(self) -> None:
        """Bring it back, whatever was done to it."""
        self.thaw()
        if self._process is None:
            self.start()

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a loopback port that nobody uses, also not while its server is down.

    It is below those that systems give to clients: asking whether such a port answers could
    reach the asking socket itself, and any client could be given it.
    """
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(10_000, 30_000)))  # noqa: S311
            return int(probe.getsockname()[1])


def redis_server(folder: Path, *, persistent: bool = False) -> Server:
    """Redis that forgets everything when it is killed, or nothing."""
    program, port = require_program("Redis", "redis-server"), free_port()
    keep = {"appendonly": "yes" if persistent else "no", "appendfsync": "always"}
    options = {"bind": "127.0.0.1", "port": port, "dir": folder, "save": "", **keep}
    return Server([program, *(str(w) for k, v in options.items() for w in (f"--{k}", v))], port)


def memcached(_folder: Path) -> Server:
    """Memcached with 16 MB."""
    program, port = require_program("memcached", "memcached"), free_port()
    user = ["-u", "root"] if os.geteuid() == 0 else []
    return Server([program, "-l", "127.0.0.1", "-p", str(port), "-m", "16", "-U", "0", *user], port)


def mongodb(folder: Path) -> Server:
    """MongoDB if it is installed, else the stand-in."""
    # Here, because only tests with this server pay for importing the client.
    from tests.mongo_connections import close_cancelled_connections

    close_cancelled_connections()
    port = free_port()
    if program := shutil.which("mongod"):
        options = ["--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(folder)]
        return Server([program, *options], port)
    return Server(
        [sys.executable, str(Path(__file__).with_name("mongo_standin.py")), str(port)], port
    )


def mariadb(folder: Path, *more: str) -> Server:
    """MariaDB with an empty database 'test'; everybody on this machine may do everything.

    Options of the server in ``more`` win over those here.
    """
    program = require_program("MariaDB", "mariadbd")
    install = require_program("MariaDB's installer", "mariadb-install-db")
    data, port = folder / "data", free_port()
    user = ["--user=root"] if os.geteuid() == 0 else []
    # Servers that share a folder for temporary tables crash now and then (seen with 10.11.19).
    temporary = folder / "tmp"
    temporary.mkdir()
    user.append(f"--tmpdir={temporary}")
    small = ["--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M"]
    installed = subprocess.run(
        [install, "--no-defaults", f"--datadir={data}", "--skip-test-db", *small, *user],
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert installed.returncode == 0, installed.stdout
    (folder / "init.sql").write_text("CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4;")
    options = [
        f"--datadir={data}",
        f"--socket={folder / 'socket'}",
        f"--init-file={folder / 'init.sql'}",
    ]
    options += ["--bind-address=127.0.0.1", f"--port={port}", "--skip-grant-tables", *user]
    options += small
    # What is committed outlives a killed server, not a power cut: tests do not wait for the disk.
    options += ["--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2"]
    return Server([program, "--no-defaults", *options, *more], port)


#: How each kind of server is made, in a folder of its own.
STARTERS: dict[str, Callable[[Path], Server]] = {
    "redis": redis_server,
    "mariadb": mariadb,
    "memcached": memcached,
    "mongodb": mongodb,
}
