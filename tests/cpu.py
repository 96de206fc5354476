"""``pytest --cpu``: the CPU time of each test file, and of the programs that it started.

A program counts when it ends, so a server that many files share counts for the last of them.
"""

from __future__ import annotations

import resource
from collections import defaultdict
from collections.abc import Generator
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
        spent = [now - before for now, before in zip(used, self._before, strict=True)]
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
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return [usage.ru_utime + usage.ru_stime for usage in both]
