"""``pytest --cpu``: the CPU time of each test file, and of the programs that it started.

A program counts while it runs, so a server that many files share counts for each of them.
"""

from __future__ import annotations

import os
import resource
from collections import defaultdict
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

KEY = "CPU seconds"


class Meter:
    """Writes into each report the CPU seconds since the one before, and prints their sums."""

    def __init__(self) -> None:
        self._before = _used()
        self._of_file: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self,
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        used = _used()
        # The time of children that a program leaves behind is lost: a difference may be negative.
        spent = [max(0.0, now - then) for now, then in zip(used, self._before, strict=True)]
        report.user_properties.append((KEY, spent))
        self._before = used
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        sums = self._of_file[report.location[0]]
        spent: Any = dict(report.user_properties)[KEY]
        for position, seconds in enumerate(spent):
            sums[position] += seconds

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section(f"{KEY}: all, tests, programs")
        for file, (own, programs) in sorted(self._of_file.items(), key=lambda of: -sum(of[1])):
            terminalreporter.line(f"{own + programs:7.1f} {own:7.1f} {programs:7.1f}  {file}")
        own, programs = (sum(times) for times in zip(*self._of_file.values(), strict=True))
        terminalreporter.line(f"{own + programs:7.1f} {own:7.1f} {programs:7.1f}  all")


def _used() -> list[float]:
    """Return the seconds of this process, and of all programs below it."""
    own, ended = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    running = sum(map(_seconds_of, _children(os.getpid())))
    return [own.ru_utime + own.ru_stime, ended.ru_utime + ended.ru_stime + running]


def _seconds_of(pid: int) -> float:
    """Return the seconds of a running process, of those below it, and of those that ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # it has just ended
        return 0.0
    ticks = sum(int(field) for field in stat.rpartition(")")[2].split()[11:15])
    return ticks / os.sysconf("SC_CLK_TCK") + sum(map(_seconds_of, _children(pid)))


def _children(pid: int) -> list[int]:
    """Return the ids of the processes that a process has started; none where there is no /proc."""
    lists = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has just ended, or the process
            lists.append(children.read_text())
    return [int(each) for each in " ".join(lists).split()]
