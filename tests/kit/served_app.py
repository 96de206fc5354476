"""An app of a few lines in an empty folder, served by a program as its developer runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

SECONDS = 40.0
SERVE = (sys.executable, "-m", "quarterdeck", "serve", "app:app", "--bind", "127.0.0.1:0")


@dataclass
class ServedApp:
    """A server process, its folder and its address."""

    process: subprocess.Popen[bytes]
    folder: Path
    url: str

    @property
    def log(self) -> str:
        """All that it has printed."""
        return (self.folder / "server.log").read_text()

    def get(self, path: str = "/", **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, timeout=SECONDS, trust_env=False)

    def wait_for(self, text: str) -> str:
        """Return the log once it holds the text."""
        deadline = time.monotonic() + SECONDS
        while text not in self.log:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)
        return self.log


@contextmanager
def served(
    folder: Path, code: str, command: tuple[str, ...] = SERVE, **variables: str
) -> Iterator[ServedApp]:
    """Write the code to ``app.py``, serve it, and end the server with the block."""
    (folder / "app.py").write_text(code)
    environment = {"PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": "1", **os.environ, **variables}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    app = ServedApp(process, folder, "")
    try:
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", app.log)):
            assert process.poll() is None, app.log
            assert time.monotonic() < deadline, app.log
            time.sleep(0.02)
        app.url = found[0]
        yield app
    finally:
        process.terminate()
        try:
            process.wait(SECONDS)
        finally:
            process.kill()
