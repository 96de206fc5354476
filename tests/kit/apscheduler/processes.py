"""Several processes that share a scheduler, and the record of their runs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 40.0  # what a busy machine may need


@dataclass(frozen=True)
class Tick:
    """A run: its process, and when it was."""

    pid: int
    at: float


class Processes:
    """Processes on one configuration, in a folder."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        (folder / "settings.json").write_text(json.dumps(settings))
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, count: int) -> None:
        """Start processes, and wait until they serve."""
        command = [sys.executable, "-m", "tests.kit.apscheduler.worker", str(self.folder)]
        environment = os.environ | {"PYTHONWARNINGS": "error"}
        with (self.folder / "log").open("ab") as log:
            started = [
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
                for _ in range(count)
            ]
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n", self.log
            self._processes[process.pid] = process

    def stop(self) -> None:
        """End all processes, frozen ones too."""
        processes, self._processes = self._processes, {}
        for process in processes.values():
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def ticks(self) -> list[Tick]:
        """The runs so far."""
        file = self.folder / "runs.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return [Tick(int(pid), float(at)) for _, pid, at in map(str.split, lines)]

    def signal(self, pid: int, name: int) -> None:
        self._processes[pid].send_signal(name)

    async def until(self, count: int, *, not_by: int = 0) -> list[Tick]:
        """Wait for so many runs, by other processes than one."""
        end = time.monotonic() + SECONDS
        while True:
            found = [tick for tick in self.ticks if tick.pid != not_by]
            if len(found) >= count:
                return found
            assert time.monotonic() < end, self.log
            await asyncio.sleep(0.05)
