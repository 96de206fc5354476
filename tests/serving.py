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
from typing import Protocol, TypeVar

from tests import databases
from tests.servers import free_port

START_SECONDS = 60.0


def crm(folder: Path, *words: str) -> str:
    """Run one ``crm`` command and return what it prints."""
    command = [sys.executable, "-m", "quarterdeck_crm", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing of this machine's configuration is left."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CRM_")}
    settings = {"CRM_INSTANCE": str(folder / "instance"), "PYTHONWARNINGS": "error"}
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
        **more: Environment variables.
    """

    def __init__(self, folder: Path, **more: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._environment = environment(folder, **more)

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start it without waiting, so that several can start at the same time."""
        command = [sys.executable, "-m", "quarterdeck_crm", "serve"]
        with (self._folder / f"log-{self.port}").open("a") as said:
            self._process = subprocess.Popen(
                [*command, "--bind", f"127.0.0.1:{self.port}"],
                cwd=self._folder,
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )

    def wait(self) -> None:
        """Wait until it accepts connections."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, self.said
                assert time.monotonic() < deadline, self.said
                time.sleep(0.05)
            else:
                return

    @property
    def said(self) -> str:
        """What it wrote to the standard error, in all its lives."""
        return (self._folder / f"log-{self.port}").read_text()

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()
        self._process.wait()


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
