"""Which due times lead to runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quarterdeck.apscheduler import Job, Outcome
from quarterdeck.apscheduler.options import make_job
from quarterdeck.apscheduler.planning import MAX_DUE, plan

from . import functions

pytestmark = pytest.mark.feature("SC2")

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def job(**options: Any) -> Job:
    given = {"trigger": "interval", "seconds": 10, "start_date": NOON, **options}
    return replace(make_job("x", functions.note, given, UTC), next_run_time=NOON)


def outcomes(each: Job, seconds: float) -> tuple[list[tuple[float, Outcome]], float]:
    """Return the due times and outcomes, and the next due time, in seconds after noon."""
    runs, advanced = plan(each, NOON + timedelta(seconds=seconds), "a:1:x")
    assert advanced.next_run_time is not None
    found = [((run.due - NOON).total_seconds(), run.outcome) for run in runs]
    return found, (advanced.next_run_time - NOON).total_seconds()


RUN, MISSED = Outcome.RUNNING, Outcome.MISSED


def test_on_time() -> None:
    assert outcomes(job(), 0.01) == ([(0, RUN)], 10)


def test_the_latest_stands_for_all() -> None:
    assert outcomes(job(), 35) == ([(30, RUN)], 40)


def test_each_is_run_without_coalesce() -> None:
    each = job(coalesce=False, misfire_grace_time=20)
    assert outcomes(each, 35) == ([(0, MISSED), (10, MISSED), (20, RUN), (30, RUN)], 40)


def test_too_late() -> None:
    assert outcomes(job(misfire_grace_time=2), 35) == ([(30, MISSED)], 40)
    assert outcomes(job(misfire_grace_time=None), 35) == ([(30, RUN)], 40)


def test_a_month_without_a_process_is_not_counted_through() -> None:
    runs, advanced = plan(job(coalesce=False), NOON + timedelta(days=30, seconds=5), "a:1:x")
    assert len(runs) == MAX_DUE
    assert advanced.next_run_time == NOON + timedelta(days=30, seconds=10)
