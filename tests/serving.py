"""A CRM in a folder of its own: its commands, and ``crm serve`` as people run it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import databases
from tests.servers import free_port

START_SECONDS = 60.0
INSTANCE = "instance"


def crm(folder: Path, *words: str, stdin: str | None = None, **more: str) -> str:
    """Run one ``crm`` command and return what it prints; ``more`` are environment variables."""
    command = [sys.executable, "-m", "quarterdeck_crm", *words]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder, **more),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing of this machine's configuration is left."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CRM_")}
    settings = {"CRM_INSTANCE": str(folder / INSTANCE), "PYTHONWARNINGS": "error"}
    return kept | databases.environment(folder) | settings | more


@contextmanager
def serving(folder: Path, *, port: int = 0, **more: str) -> Iterator[str]:
    """Serve the CRM of the folder, and give its address."""
    with server(folder, port=port, **more) as (_, address):
        yield address


@contextmanager
def server(
    folder: Path, *, port: int = 0, **more: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Serve the CRM of the folder; gives the process and the address.

    What it says goes to a file there.

    Args:
        folder: Where its instance folder is.
        port: Any free one if not given.
        **more: Environment variables.
    """
    log = folder / "log"
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "quarterdeck_crm", "serve", "--bind", f"127.0.0.1:{port}"],
            cwd=folder,
            env=environment(folder, **more),
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
    deadline = time.monotonic() + START_SECONDS
    try:
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield process, found.group()
    finally:
        process.terminate()
        ended = process.wait(20)
    assert ended == 0, log.read_text()


class Site:
    """``crm serve`` on a port that stays the same; any number of them may share a folder.

    Args:
        folder: Where the instance folder is.
        host: The loopback address to listen on.
        **more: Environment variables.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1", **more: str) -> None:
        self.host, self.port = host, free_port()
        self.url = f"http://{host}:{self.port}"
        self._folder = folder
        self._environment = environment(folder, **more)

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start it without waiting, so that several can start at the same time."""
        command = [sys.executable, "-m", "quarterdeck_crm", "serve"]
        log, printed = (self._folder / f"{name}-{self.port}" for name in ("log", "out"))
        with log.open("a") as said, printed.open("a") as out:
            self._process = subprocess.Popen(
                [*command, "--bind", f"{self.host}:{self.port}"],
                cwd=self._folder,
                env=self._environment,
                stdout=out,
                stderr=said,
            )

    def wait(self) -> None:
        """Wait until it accepts connections."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, self.said
                assert time.monotonic() < deadline, self.said
                time.sleep(0.05)
            else:
                return

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers, if ``CRM_WORKERS`` asked for several."""
        (factory,) = children(self._process.pid)
        return children(factory)

    @property
    def said(self) -> str:
        """What it wrote to the standard error, in all its lives."""
        return (self._folder / f"log-{self.port}").read_text()

    @property
    def printed(self) -> str:
        """What it wrote to the standard output: its access log."""
        return (self._folder / f"out-{self.port}").read_text()

    def stop(self) -> int:
        """End it as an operator does, and return its exit code."""
        self._process.terminate()
        return self._process.wait()

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()
        self._process.wait()


def children(pid: int) -> list[int]:
    """Return the ids of the processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
