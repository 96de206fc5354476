"""Programs that some tests need and that may be missing on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def require_program(name: str, path: str) -> str:
    """Return the full path of a program, or skip the test by name and reason.

    With ``CI=true`` a missing program is a failure.

    Args:
        name: What people call it, for the reason.
        path: Its path, or its name on the search path.
    """
    found = shutil.which(path)
    if found is not None:
        return found
    reason = f"{name} is not on this machine (looked for {path})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Return when somebody listens on the port; fail when the process ends first."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{process.args!r} does not listen"
            time.sleep(0.1)


@contextmanager
def mariadb(folder: Path) -> Iterator[int]:
    """Run a MariaDB server with an empty ``root`` password; give its port."""
    server = require_program("MariaDB", "mariadbd")
    install = require_program("MariaDB", "mariadb-install-db")
    data = ["--no-defaults", f"--datadir={folder / 'data'}"]
    if os.geteuid() == 0:
        data.append("--user=root")
    method = "--auth-root-authentication-method=normal"
    subprocess.run([install, *data, method, "--skip-test-db"], check=True, capture_output=True)
    port = free_port()
    places = [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
    network = ["--bind-address=127.0.0.1", f"--port={port}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([server, *data, *places, *network], stdout=log, stderr=log)
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)
