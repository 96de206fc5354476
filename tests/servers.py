"""Database and cache servers that tests start, kill and freeze.

Each listens on a free loopback port and keeps its files in a folder of the test run.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from tests.services import require_program

START_SECONDS = 30.0
SHOWN_LOG_BYTES = 4_000


class Server:
    """A server process that can be taken away and brought back on the same port."""

    def __init__(self, command: list[str], port: int) -> None:
        self.command = command
        self.port = port
        with tempfile.TemporaryFile() as log:
            self._log = os.dup(log.fileno())  # a number, open until the tests end
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        self._process = subprocess.Popen(self.command, stdout=self._log, stderr=subprocess.STDOUT)
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

    def end(self) -> None:
        """End it for good, as fast as it leaves nothing behind."""
        self.thaw()
        self.kill()

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

    def log_end(self) -> str:
        """Return the end of what it has printed, for the report of a failed test."""
        start = max(os.fstat(self._log).st_size - SHOWN_LOG_BYTES, 0)
        return os.pread(self._log, SHOWN_LOG_BYTES, start).decode(errors="replace")

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class PostgreSQL(Server):
    """A server with a process for each connection, which runs as a user that is not root."""

    def __init__(self, command: list[str], port: int, data: Path) -> None:
        super().__init__(command, port)
        self._state = data / "postmaster.pid"

    def kill(self) -> None:
        if self._process is None:
            return
        super().freeze()  # it starts no other process
        processes = self._connections()
        self._signal(processes, signal.SIGKILL)
        super().kill()
        while any(map(_is_alive, processes)):  # they share memory, which the next server asks for
            time.sleep(0.01)

    def run_sql(self, *statements: str) -> None:
        """Run statements as the administrator, each in a transaction of its own."""
        program = next(one for one in self.command if Path(one).name == "postgres")
        place = ["--host=127.0.0.1", f"--port={self.port}", "--username=postgres", "--quiet"]
        words = [word for each in statements for word in ("-c", each)]
        psql = [str(Path(program).with_name("psql")), *place, *words, "postgres"]
        subprocess.run(psql, check=True, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # SIGTERM waits for its clients
            self._process.wait(START_SECONDS)
            self._process = None

    def end(self) -> None:
        self.thaw()
        self.stop()

    def freeze(self) -> None:
        super().freeze()
        self._signal(self._connections(), signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._signal(self._connections(), signal.SIGCONT)
        super().thaw()

    def _connections(self) -> list[int]:
        assert self._process is not None
        pid = self._process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def _signal(self, processes: list[int], number: signal.Signals) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def _accepts(self) -> bool:
        """Whether it is ready; the port is open before that."""
        with suppress(OSError):
            return super()._accepts() and self._state.read_text().rstrip().endswith("ready")
        return False


def _is_alive(process: int) -> bool:
    """Whether a process runs; one that ended may wait for its parent."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


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


def postgresql(_folder: Path) -> PostgreSQL:
    """PostgreSQL; its administrator 'postgres' needs no password.

    It refuses to run as root, and another user cannot enter the folders of pytest. So its files
    are in a folder of their own, which goes when this process ends.
    """
    programs = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/")), reverse=True)
    initdb = require_program("PostgreSQL", *(f"{each}/initdb" for each in programs), "initdb")
    data, port = Path(tempfile.mkdtemp(prefix="postgresql-")), free_port()
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    other: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(data, "nobody")
        other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(
        [*other, initdb, f"--pgdata={data}", "--no-sync", *options], check=True, capture_output=True
    )
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "shared_buffers": "16MB",
        "max_connections": "150",
        "autovacuum": "off",
        "jit": "off",
        "dynamic_shared_memory_type": "mmap",  # in its folder, where a killed server may leave it
        # What is committed outlives a killed server, not a power cut: tests wait for no disk.
        "fsync": "off",
        "full_page_writes": "off",
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    program = str(Path(initdb).with_name("postgres"))
    return PostgreSQL([*other, program, "-D", str(data), "-p", str(port), *words], port, data)


#: How each kind of server is made, in a folder of its own.
STARTERS: dict[str, Callable[[Path], Server]] = {
    "redis": redis_server,
    "mariadb": mariadb,
    "postgresql": postgresql,
    "memcached": memcached,
    "mongodb": mongodb,
}


class Killable(Protocol):
    """A server of any kind."""

    def start(self) -> None: ...
    def kill(self) -> None: ...


S = TypeVar("S", bound=Killable)


@contextmanager
def running(server: S) -> Iterator[S]:
    """Start a server, and kill it at the end of the block."""
    try:
        server.start()
        yield server
    finally:
        server.kill()
