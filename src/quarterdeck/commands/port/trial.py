"""Run the tests of a copy of a project, and read what the probe wrote."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import probe
from .functions import Position
from .process import Progress, Run, facts, last_begun
from .project import NEVER_COPIED, write
from .requirements import PLUGIN
from .rewriting import ABSOLUTE, CASCADE

PROBE = "quarterdeck_port_probe"
# Both are needed: pytest reports some forgotten awaits as the one, some as the other.
STRICT = ["-W", "error::RuntimeWarning", "-W", "error::pytest.PytestUnraisableExceptionWarning"]
# SQLAlchemy derives its warnings from RuntimeWarning; the original gives them, too.
STRICT += ["-W", "default::sqlalchemy.exc.SAWarning"]

PATIENCE = 120.0  # seconds without any progress after which a run is stopped
MAX_REPEATS = 3  # of a run, each without a test or page that did not end

_NOT_INHERITED = ("COVERAGE", "COV_", "PYTEST_ADDOPTS", "PYTEST_CURRENT", "PYTEST_X", "PYTHONPATH")

Marks = dict[str, str]  # the text of each file with marks of the functions that run


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
        old_ways: The keys of the bridge for what its versions of packages do.
        stopped: Why the run was stopped; "" if it ended by itself.
        stopped_at: The test or the page that did not end.
        seconds: How long it took.
        longest: The longest time without progress, in seconds.
    """

    outcomes: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    ran: set[tuple[str, str]] = field(default_factory=set)
    waited: dict[tuple[str, str], list[tuple[Position, str]]] = field(default_factory=dict)
    pages: dict[tuple[str, str, str], Answer] = field(default_factory=dict)
    waits: list[dict[str, Any]] = field(default_factory=list)
    output: str = ""
    refused: str = ""
    old_ways: list[str] = field(default_factory=list)
    stopped: str = ""
    stopped_at: str = ""
    seconds: float = 0.0
    longest: float = 0.0

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
        patience: Seconds without progress after which it is stopped.
        skipped: The tests and pages that did not end in an earlier run, each with the reason.
    """

    python: str
    tests: list[str]
    bridged: bool
    timeout: float = 1800
    patience: float = PATIENCE
    skipped: dict[str, str] = field(default_factory=dict)

    def run(
        self,
        folder: Path,
        *,
        mode: str = "tests",
        marks: Marks | None = None,
        only: list[str] | None = None,
        app: tuple[str, str] | None = None,
        progress: Progress | None = None,
        repeats: int = MAX_REPEATS,
    ) -> Trial:
        """Run the tests of a copy of ``folder``, or crawl its app if ``app`` names one.

        A run that stands still is stopped, and repeated without the test or page that did not
        end. That test counts as failed.

        Args:
            folder: The project; it stays as it is.
            marks: Files of the copy with other texts, which report the functions that run.
            mode: ``tests``, ``broken`` (each view answers 500) or ``crawl``.
            only: The names of the tests to run; all by default.
            app: The module and the name of the app or its factory.
            progress: Called while tests end.
            repeats: How often a run is repeated.
        """
        trial = self._run(folder, mode, marks or {}, only, app, progress)
        while trial.stopped_at and trial.stopped_at not in self.skipped and repeats:
            repeats -= 1
            self.skipped[trial.stopped_at] = trial.stopped
            trial = self._run(folder, mode, marks or {}, only, app, progress)
        ends = self.skipped | ({trial.stopped_at: trial.stopped} if trial.stopped_at else {})
        for name, reason in ends.items():
            if app is None and "::" in name and (only is None or name in only):
                trial.outcomes[name], trial.messages[name] = "failed", reason
        return trial

    def _run(
        self,
        folder: Path,
        mode: str,
        marks: Marks,
        only: list[str] | None,
        app: tuple[str, str] | None,
        progress: Progress | None,
    ) -> Trial:
        started = time.monotonic()
        with TemporaryDirectory(prefix="port-", ignore_cleanup_errors=True) as scratch:
            copy = Path(scratch, folder.name or "project")
            copy_project(folder, copy)
            for name, text in marks.items():
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
                command += ["--continue-on-collection-errors"]
                command += self._options(mode)
                command += only if only is not None else self.tests
            environment = self._environment(scratch, copy, output, mode)
            run = Run(command, copy, environment, output, self.timeout, self.patience)
            text = run.wait(progress)
            trial = collect(output)
            trial.output, trial.longest = text, run.longest
            if run.stopped:
                trial.stopped, trial.stopped_at = run.stopped, last_begun(output)
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
            "QUARTERDECK_PORT_SKIPPED": json.dumps(sorted(self.skipped)),
        }
        if self.bridged:
            environment["QUARTERDECK_PORT_BRIDGED"] = "1"
            environment["QUARTERDECK_BRIDGE_WAITS"] = str(Path(scratch, "waits"))
        return environment


def copy_project(folder: Path, target: Path) -> None:
    """Copy a project without its environments and caches."""

    def left_out(parent: str, names: list[str]) -> set[str]:
        return {
            name
            for name in names
            if name in NEVER_COPIED
            or Path(parent, name, "pyvenv.cfg").exists()
            or _is_special(Path(parent, name))
        }

    shutil.copytree(folder, target, ignore=left_out, symlinks=True, dirs_exist_ok=True)


def _is_special(path: Path) -> bool:
    """Whether a file is a socket, a pipe or a device, which cannot be copied."""
    mode = path.lstat().st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


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
        elif "versions" in fact:
            versions = fact["versions"]
            if versions["werkzeug"] < [2, 1]:
                trial.old_ways.append(ABSOLUTE)
            if versions.get("sqlalchemy", [2]) < [2]:
                trial.old_ways.append(CASCADE)
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
