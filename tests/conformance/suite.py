"""Run the test suite of a framework over the kit, and compare failures with a list of reasons."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
RESULT = re.compile(r"^(PASSED|FAILED|ERROR) tests/(.+?\.py::.+?)(?: - .*)?$", re.M)
FAILURES = {"FAILED", "ERROR"}

Outcomes = Mapping[str, str]
Differences = Mapping[str, Sequence[str]]


def run(checkout: Path, *options: str) -> Outcomes:
    """Run the tests of a checkout in a temporary copy, with further options of pytest.

    Returns:
        The outcome of each test that ran, by name: ``PASSED``, ``FAILED`` or ``ERROR``.
    """
    command = [sys.executable, "-m", "pytest", "tests", "-q", "-rA", "--tb=no", "--rootdir", "."]
    # A file may be for another version of the framework, and a test may wait forever with it.
    command += ["--continue-on-collection-errors", "--timeout", "20"]
    command += ["-p", "no:xdist", "-p", "no:cacheprovider", *options]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(checkout / "tests", folder / "tests")
        shutil.copy(checkout / "pyproject.toml", folder)
        done = subprocess.run(
            command,
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": name},
            capture_output=True,
            text=True,
            check=False,
        )
    found = {test: outcome for outcome, test in RESULT.findall(done.stdout)}
    if not found:
        raise SystemExit(done.stdout + done.stderr)
    return found


def failures(outcomes: Outcomes) -> list[str]:
    """Return the names of the tests that did not pass."""
    return [test for test, outcome in outcomes.items() if outcome in FAILURES]


def read(file: Path) -> Differences:
    """Read a file of reasons, each with the tests or patterns that fail because of it."""
    return tomllib.loads(file.read_text("utf-8"))


def reason_of(test: str, differences: Differences) -> str | None:
    """Return the reason why a test fails; None if it has none."""
    bare = test.partition("[")[0]
    for reason, patterns in differences.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns for name in (test, bare)):
            return reason
    return None


def compare(failed: Sequence[str], differences: Differences) -> list[str]:
    """Print the number of failures by reason.

    Returns:
        The problems: failures without a reason, and reasons or tests of the file that no failure
        needs.
    """
    reasons = {test: reason_of(test, differences) for test in failed}
    for reason in differences:
        click.echo(f"{list(reasons.values()).count(reason):4}  {reason}")
    problems = [f"{test}: fails without a reason" for test in failed if reasons[test] is None]
    for reason, patterns in differences.items():
        problems += [
            f"{pattern}: no test fails, so that it needs no reason"
            for pattern in patterns
            if not any(reason_of(test, {reason: [pattern]}) for test in failed)
        ]
    for problem in problems:
        click.echo(f"      {problem}")
    return problems
