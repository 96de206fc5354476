"""One process of a trial run: wait for its end, and stop it if it stands still."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Progress = Callable[[int, int], None]  # how many of how many tests have ended

_SECONDS_TO_START = 120.0  # for the imports of a project; nothing is known about them before
_SECONDS_TO_EXIT = 20.0  # for threads that go on after the last test


@dataclass
class Run:
    """One run of a command.

    Attributes:
        command: The command.
        folder: Where it runs.
        environment: Its environment variables.
        output: The file to which the probe writes facts.
        timeout: Seconds after which the run is stopped.
        patience: Seconds without a new fact after which it is stopped.
        longest: The longest time without a new fact, in seconds.
        stopped: Why it was stopped; "" if it ended by itself.
    """

    command: list[str]
    folder: Path
    environment: dict[str, str]
    output: Path
    timeout: float
    patience: float
    longest: float = 0.0
    stopped: str = ""

    def wait(self, progress: Progress | None = None) -> str:
        """Run the command to its end, and return what it printed."""
        with Path(self.output.parent, "output").open("w+b") as said:
            process = subprocess.Popen(  # noqa: S603 - the interpreter that the user named
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                self._watch(process, progress)
            finally:
                stop(process)
            said.seek(0)
            return said.read().decode(errors="replace")

    def _watch(self, process: subprocess.Popen[bytes], progress: Progress | None) -> None:
        started = last = time.monotonic()
        size = 0
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.3)
                return
            now = time.monotonic()
            if (grown := self.output.stat().st_size) != size:
                size, last = grown, now
                if progress is not None:
                    progress(*count(self.output))
            self.longest = max(self.longest, now - last)
            if now - last > _SECONDS_TO_EXIT and is_finished(self.output):
                return  # a thread of the project keeps the process
            if now - last > self.patience and (
                now - last > _SECONDS_TO_START or last_begun(self.output)
            ):
                self.stopped = f"It did not end within {now - last:.0f} s{self._place(process)}."
                return
            if now - started > self.timeout:
                self.stopped = f"All tests together took longer than {self.timeout:.0f} s."
                return

    def _place(self, process: subprocess.Popen[bytes]) -> str:
        """Ask the probe where the run stands."""
        if not hasattr(signal, "SIGUSR1"):
            return ""
        process.send_signal(signal.SIGUSR1)
        time.sleep(1)
        for fact in reversed(facts(self.output)):
            if "stands" in fact:
                path, line, name = fact["stands"]
                return f": '{name}' ({path}:{line}) waited"
        return ""


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process with its children, such as servers that tests start."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def facts(output: Path) -> list[dict[str, Any]]:
    """Return the facts that the probe wrote; a last line that is cut short is left out."""
    found = []
    for line in output.read_text("utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def count(output: Path) -> tuple[int, int]:
    """Return how many tests have ended, and how many there are."""
    ended, total = 0, 0
    for fact in facts(output):
        ended += "test" in fact
        total = int(fact.get("collected", total))
    return ended, total


def is_finished(output: Path) -> bool:
    """Whether all tests have ended."""
    return any("finished" in fact for fact in facts(output))


def last_begun(output: Path) -> str:
    """Return the test or page that began last."""
    return next((fact["began"] for fact in reversed(facts(output)) if "began" in fact), "")
