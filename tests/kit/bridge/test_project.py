"""A Flask project runs unchanged: the plugin of pytest, the import hook, plain unittest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent / "project"


def _python(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-m", *args],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
        timeout=50,
    )


def test_the_tests_of_a_project_run_unchanged(tmp_path: Path) -> None:
    log = tmp_path / "waits"
    done = _python("pytest", "-q", "--bridge-waits", str(log), "cases.py")

    assert "5 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert ("shop.py", "verify", "Query.first") in {
        (Path(each["file"]).name, each["function"], each["what"]) for each in found
    }


def test_plain_unittest() -> None:
    done = _python("unittest", "unit")

    assert "Ran 2 tests" in done.stderr, done.stderr
    assert "FAILED (failures=1)" in done.stderr, done.stderr
    assert "it has run" in done.stderr
