"""Run the tests of a copy of a project, and read what the probe wrote."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import probe
from .functions import Position
from .project import NEVER_COPIED, write
from .requirements import PLUGIN

PROBE = "quarterdeck_port_probe"
# Both are needed: pytest reports some forgotten awaits as the one, some as the other.
STRICT = ["-W", "error::RuntimeWarning", "-W", "error::pytest.PytestUnraisableExceptionWarning"]

_NOT_INHERITED = ("COVERAGE", "COV_", "PYTEST_ADDOPTS", "PYTEST_CURRENT", "PYTEST_X", "PYTHONPATH")

Marks = dict[str, str]  # the text of each file with marks of the functions that run
Progress = Callable[[int, int], None]  # how many of how many tests have ended


@dataclass
class Answer:
    """The answer of one page in a crawl."""

    status: int
    text: str
    location: str


@dataclass
class Trial:
    """The results of one run.

    Attributes:
        outcomes: ``passed``, ``failed``, ``error`` or ``skipped``, by test name.
        messages: The end of the traceback of each test that did not pass.
        ran: The functions that ran, as path and name.
        waited: The places of the operations that plain functions waited for, by function.
        pages: The answers of the crawl, by test, client and address.
        waits: The log of waits of the bridge, as it wrote it.
        output: What pytest printed.
        refused: Why there was no crawl.
        has_absolute_locations: Whether its Werkzeug is older than 2.1.
    """

    outcomes: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    ran: set[tuple[str, str]] = field(default_factory=set)
    waited: dict[tuple[str, str], list[tuple[Position, str]]] = field(default_factory=dict)
    pages: dict[tuple[str, str, str], Answer] = field(default_factory=dict)
    waits: list[dict[str, Any]] = field(default_factory=list)
    output: str = ""
    refused: str = ""
    has_absolute_locations: bool = False
    seconds: float = 0.0

    @property
    def passed(self) -> set[str]:
        """The names of the tests that passed."""
        return {name for name, outcome in self.outcomes.items() if outcome == "passed"}

    @property
    def failed(self) -> set[str]:
        """The names of the tests that failed or could not be run."""
        return {name for name, outcome in self.outcomes.items() if outcome in ("failed", "error")}


@dataclass
class Runner:
    """Runs trials of one project with one interpreter.

    Attributes:
        python: The interpreter.
        tests: The arguments of pytest.
        bridged: Whether the project uses the bridge.
        timeout: Seconds after which a run is stopped.
    """

    python: str
    tests: list[str]
    bridged: bool
    timeout: float = 1800

    def run(
        self,
        folder: Path,
        *,
        mode: str = "tests",
        marks: Marks | None = None,
        only: list[str] | None = None,
        app: tuple[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Trial:
        """Run the tests of a copy of ``folder``, or crawl its app if ``app`` names one.

        Args:
            folder: The project; it stays as it is.
            marks: Files of the copy with other texts, which report the functions that run.
            mode: ``tests``, ``broken`` (each view answers 500) or ``crawl``.
            only: The names of the tests to run; all by default.
            app: The module and the name of the app or its factory.
            progress: Called while tests end.
        """
        started = time.monotonic()
        with TemporaryDirectory(prefix="port-") as scratch:
            copy = Path(scratch, folder.name or "project")
            copy_project(folder, copy)
            for name, text in (marks or {}).items():
                write(copy / name, text)
            Path(scratch, f"{PROBE}.py").write_text(
                Path(probe.__file__).read_text("utf-8"), "utf-8"
            )
            output = Path(scratch, "facts")
            output.touch()
            command = [self.python]
            if app is not None:
                command += [str(Path(scratch, f"{PROBE}.py")), *app]
            else:
                command += ["-m", "pytest", "-p", PROBE, "-p", "no:cacheprovider"]
                command += self._options(mode)
                command += only if only is not None else self.tests
            environment = self._environment(scratch, copy, output, mode)
            text = self._wait(command, copy, environment, output, progress)
            trial = collect(output)
            trial.output = text
            read_waits(trial, Path(scratch, "waits"), copy)
        trial.seconds = time.monotonic() - started
        return trial

    def _options(self, mode: str) -> list[str]:
        if not self.bridged:
            return []
        # Without the rewriting of assertions, Python knows the exact place of each call.
        exact = ["--assert=plain"] if mode == "tests" else []
        return ["-p", PLUGIN, *STRICT, *exact]

    def _environment(self, scratch: str, copy: Path, output: Path, mode: str) -> dict[str, str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)
        }
        environment |= {
            "PYTHONPATH": scratch,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "QUARTERDECK_PORT_OUTPUT": str(output),
            "QUARTERDECK_PORT_ROOT": str(copy),
            "QUARTERDECK_PORT_MODE": mode,
        }
        if self.bridged:
            environment["QUARTERDECK_PORT_BRIDGED"] = "1"
            environment["QUARTERDECK_BRIDGE_WAITS"] = str(Path(scratch, "waits"))
        return environment

    def _wait(
        self,
        command: list[str],
        folder: Path,
        environment: dict[str, str],
        output: Path,
        progress: Progress | None,
    ) -> str:
        with Path(output.parent, "output").open("w+b") as said:
            process = subprocess.Popen(  # noqa: S603 - the interpreter that the user named
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            end = time.monotonic() + self.timeout
            try:
                while True:
                    try:
                        process.wait(0.3)
                        break
                    except subprocess.TimeoutExpired:
                        if time.monotonic() > end:
                            break
                        if progress is not None:
                            progress(*count(output))
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            said.seek(0)
            return said.read().decode(errors="replace")


def copy_project(folder: Path, target: Path) -> None:
    """Copy a project without its environments and caches."""

    def left_out(parent: str, names: list[str]) -> set[str]:
        return {
            name
            for name in names
            if name in NEVER_COPIED or Path(parent, name, "pyvenv.cfg").exists()
        }

    shutil.copytree(folder, target, ignore=left_out, symlinks=True, dirs_exist_ok=True)


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


def collect(output: Path) -> Trial:
    """Return the trial that the facts of a probe describe."""
    trial = Trial()
    worse = {"passed": 0, "skipped": 1, "failed": 2, "error": 2}
    for fact in facts(output):
        if "test" in fact:
            name, outcome = fact["test"], fact["outcome"]
            if worse[outcome] >= worse.get(trial.outcomes.get(name, "passed"), 0):
                trial.outcomes[name] = outcome
                if fact.get("message"):
                    trial.messages[name] = fact["message"]
        elif "ran" in fact:
            path, name = fact["ran"]
            trial.ran.add((path, name))
        elif "page" in fact:
            test, who, url = fact["page"]
            answer = Answer(fact["status"], fact["text"], fact["location"])
            trial.pages[test, who, url] = answer
        elif "werkzeug" in fact:
            trial.has_absolute_locations = fact["werkzeug"] < [2, 1]
        elif "refused" in fact:
            trial.refused = fact["refused"]
    return trial


def read_waits(trial: Trial, log: Path, folder: Path) -> None:
    """Add the log of waits of the bridge, as far as it is about files of the project."""
    root = folder.resolve()
    for line in log.read_text("utf-8").splitlines() if log.exists() else ():
        wait = json.loads(line)
        path = Path(folder, wait["file"]).resolve()
        if not path.is_relative_to(root):
            continue
        wait["file"] = path.relative_to(root).as_posix()
        trial.waits.append(wait)
        if wait["kind"] == "wait" and wait["function"]:
            place = (wait["line"], wait["column"], wait["end_line"], wait["end_column"])
            key = (wait["file"], wait["function"])
            trial.waited.setdefault(key, []).append((place, wait["what"]))


def arguments_of(command: str) -> list[str]:
    """Return the arguments of pytest in a command such as ``python -m pytest tests -q``.

    Raises:
        ValueError: If the command does not run pytest.
    """
    words = shlex.split(command)
    for index, word in enumerate(words):
        if Path(word).name in ("pytest", "py.test"):
            return words[index + 1 :]
    raise ValueError(f"'{command}' does not run pytest. Tests of unittest run with pytest, too.")
