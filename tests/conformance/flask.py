"""Run Flask's own tests over the kit, and compare what fails with the list of differences.

From a checkout of Flask::

    python -m tests.conformance.flask CHECKOUT

It prints how many tests pass, and how many fail for each reason in ``flask_differences.toml``. It
ends with an error if a test fails without a reason, or if all tests of a reason pass.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
DIFFERENCES = Path(__file__).with_name("flask_differences.toml")
PLUGIN = "tests.conformance.flask_facade"
#: It raises KeyboardInterrupt, which ends the run of the facade.
ENDS_THE_RUN = "tests/test_basic.py::test_baseexception_error_handling"
RESULT = re.compile(r"^(PASSED|FAILED|ERROR) tests/(\S+\.py::\S+)", re.M)


def run(checkout: Path, folder: Path) -> dict[str, str]:
    """Return the outcome of each test: ``PASSED``, ``FAILED`` or ``ERROR``."""
    shutil.copytree(checkout / "tests", folder / "tests")
    command = [sys.executable, "-m", "pytest", "tests", "-q", "-rA", "--tb=no", "-W", "ignore"]
    command += ["-c", "/dev/null", "--rootdir", ".", "--deselect", ENDS_THE_RUN, "-p", PLUGIN]
    command += ["-p", "no:asyncio", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = {name: outcome for outcome, name in RESULT.findall(done.stdout)}
    if not found:
        raise SystemExit(done.stdout + done.stderr)
    return found


def reason_of(test: str, differences: dict[str, list[str]]) -> str | None:
    """Return the reason why a test fails; None if it has none."""
    bare = test.partition("[")[0]
    for reason, patterns in differences.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns for name in (test, bare)):
            return reason
    return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.flask")
    parser.add_argument("checkout", type=Path, help="a folder with the source of Flask")
    checkout = parser.parse_args().checkout
    differences = tomllib.loads(DIFFERENCES.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run(checkout, Path(folder))
    failed = [name for name, outcome in outcomes.items() if outcome in {"FAILED", "ERROR"}]
    reasons = {name: reason_of(name, differences) for name in failed}
    click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} tests pass")
    for reason in differences:
        click.echo(f"{list(reasons.values()).count(reason):4}  {reason}")
    unknown = [name for name, reason in reasons.items() if reason is None]
    unneeded = [reason for reason in differences if reason not in reasons.values()]
    for line in (*unknown, *unneeded):
        click.echo(f"      {line}: {'fails without a reason' if line in reasons else 'not needed'}")
    return 1 if unknown or unneeded else 0


if __name__ == "__main__":
    sys.exit(main())
