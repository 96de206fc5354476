"""Which due times of a job lead to runs, and when it is due again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from .job import Job
from .run import Outcome, Run

#: A job that was due more often than this, because no process ran for long, goes on from now.
MAX_DUE = 1_000


def plan(job: Job, now: datetime, process: str) -> tuple[list[Run], Job]:
    """Return the runs of a job that is due, and the job with its next run time.

    With ``coalesce`` the latest due time stands for all. A run that is later than
    ``misfire_grace_time`` has the outcome ``missed``.
    """
    times: list[datetime] = []
    following = job.next_run_time
    while following is not None and following <= now and len(times) < MAX_DUE:
        times.append(following)
        following = job.trigger.get_next_fire_time(following, now)
    if following is not None and following <= now:
        following = job.trigger.get_next_fire_time(None, now)
    chosen = times[-1:] if job.coalesce else times
    return [_run(job, due, now, process) for due in chosen], replace(job, next_run_time=following)


def _run(job: Job, due: datetime, now: datetime, process: str) -> Run:
    grace = job.misfire_grace_time
    is_late = grace is not None and now - due > timedelta(seconds=grace)
    outcome = Outcome.MISSED if is_late else Outcome.RUNNING
    return Run(job.id, due.astimezone(UTC), outcome, process)
