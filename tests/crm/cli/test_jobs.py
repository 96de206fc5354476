"""``crm jobs``, as an operator uses it."""

from __future__ import annotations

import pytest

from .test_cli import Crm, crm, ready, upgraded

__all__ = ["crm", "ready", "upgraded"]

pytestmark = pytest.mark.feature("SC4")


def test_jobs_are_listed_run_paused_and_resumed(ready: Crm) -> None:
    listed = ready("jobs", "list").stdout
    assert "clean_imports" in listed
    assert "never ran" in listed
    assert "Every Sunday at 04:00" in listed

    assert "succeeded" in ready("jobs", "run", "clean_imports").stdout
    assert "Paused clean_imports." in ready("jobs", "pause", "clean_imports").stdout
    (line,) = (each for each in ready("jobs", "list").stdout.splitlines() if "imports" in each)
    assert "paused" in line
    assert "succeeded" in line
    assert "Resumed clean_imports. Next: 2" in ready("jobs", "resume", "clean_imports").stdout
    assert ready("jobs", "history", "clean_imports").stdout.count("succeeded") == 1


def test_an_unknown_job_is_named(ready: Crm) -> None:
    done = ready("jobs", "run", "nothing")
    assert done.exit_code == 1
    assert "There is no job 'nothing'." in done.stderr
