"""``quarterdeck serve --workers N`` in a process of its own, as an operator runs it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.wire import Address

SECONDS = 40.0

APP = """
import asyncio
import os
import time

from quart import Quart, request, websocket

VERSION = "one"
app = Quart(__name__)


@app.get("/")
async def index():
    return f"{os.getpid()} {VERSION}"


@app.get("/slow")
async def slow():
    open(f"slow-{request.args['name']}", "w").close()
    await asyncio.sleep(float(request.args.get("seconds", "1")))
    return "late but fine"


@app.get("/hang")
async def hang():
    time.sleep(600)


@app.get("/grow")
async def grow():
    app.ballast = bytes(range(256)) * 4096 * 100
    return str(os.getpid())


@app.websocket("/ws")
async def ws():
    await websocket.accept()
    while True:
        await websocket.send(await websocket.receive())


@app.after_serving
async def after_serving():
    open(f"after-serving-{os.getpid()}", "w").close()
"""


def plain_client(**options: Any) -> httpx.AsyncClient:
    """Return a client that reads no certificates, which takes 20 ms of CPU."""
    return httpx.AsyncClient(timeout=SECONDS, trust_env=False, verify=False, **options)  # noqa: S501


@dataclass
class Supervised:
    """A supervisor, its folder and its address."""

    process: subprocess.Popen[bytes]
    folder: Path
    address: Address

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def signal(self, name: signal.Signals) -> None:
        self.process.send_signal(name)

    async def get(self, path: str = "/") -> str:
        async with plain_client() as client:
            response = await client.get(self.url + path)
        assert response.status_code == 200, response.text
        return response.text

    async def workers(self, count: int) -> set[int]:
        """Ask until ``count`` different workers have answered; return their process ids."""
        found: set[int] = set()
        async with asyncio.timeout(SECONDS):
            while len(found) < count:
                answers = await asyncio.gather(*(self.get() for _ in range(8)))
                found |= {int(answer.split()[0]) for answer in answers}
        return found

    async def said(self, pattern: str) -> str:
        """Wait for words in the log."""
        async with asyncio.timeout(SECONDS):
            while not (found := re.search(pattern, self.log)):
                assert self.process.poll() is None, self.log
                await asyncio.sleep(0.02)
        return found.group()

    async def file(self, name: str) -> None:
        """Wait for a file that the app writes."""
        async with asyncio.timeout(SECONDS):
            while not (self.folder / name).exists():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.01)

    async def ended(self) -> int:
        """Wait for the end of the supervisor and return its exit code."""
        return await asyncio.to_thread(self.process.wait, SECONDS)


async def gone(pids: set[int]) -> None:
    """Wait until processes have ended."""
    async with asyncio.timeout(SECONDS):
        while any(is_running(pid) for pid in pids):  # noqa: ASYNC110 - no children of ours
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


COMMAND = ("-m", "quarterdeck", "serve", "app:app")


def start(
    folder: Path,
    *options: str,
    config: str = "",
    command: tuple[str, ...] = COMMAND,
    **more: str,
) -> subprocess.Popen[bytes]:
    """Start the command; ``more`` are environment variables."""
    if not (folder / "app.py").exists():
        (folder / "app.py").write_text(APP)
    (folder / "hypercorn.toml").write_text(config)
    with (folder / "log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, *command, *options],
            cwd=folder,
            env=os.environ | {"PYTHONWARNINGS": "error"} | more,
            stdout=log,
            stderr=log,
        )


@asynccontextmanager
async def supervised(
    folder: Path,
    *options: str,
    workers: int = 2,
    config: str = "",
    command: tuple[str, ...] = COMMAND,
    **more: str,
) -> AsyncIterator[Supervised]:
    """Serve the app of the folder with several workers, and end all processes afterwards."""
    bind = ("--bind", "127.0.0.1:0", "--workers", str(workers))
    process = start(folder, *bind, *options, config=config, command=command, **more)
    server = Supervised(process, folder, ("", 0))
    try:
        said = await server.said(r"Running on http://[\d.]+:\d+")
        host, _, port = said.rpartition("/")[2].rpartition(":")
        server.address = (host, int(port))
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            await server.ended()
        assert "ResourceWarning" not in server.log, server.log
