"""The jobs for pages, programs and commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quarterdeck.apscheduler import Job, Run
from quarterdeck.babel import gettext as _
from quarterdeck.exceptions import JobBusyError, JobNotFoundError
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.extensions import scheduler
from quarterdeck_crm.models import Role, User
from quarterdeck_crm.permissions import require_role

from .schedules import Schedule

MAX_RUNS = 1_000


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job with its latest run; None if it never ran, or not for a month."""

    job: Job
    latest: Run | None

    @property
    def is_paused(self) -> bool:
        return self.job.next_run_time is None


async def list_jobs(*, actor: User | None) -> list[JobStatus]:
    """Return all jobs, the next to run first, with their latest runs; administrators may.

    Raises:
        ForbiddenError: If the actor is no administrator; None is the command line.
    """
    require_role(actor, Role.ADMIN)
    jobs = await scheduler.get_jobs()
    latest = await scheduler.get_latest_runs(jobs)
    return [JobStatus(job, latest.get(job.id)) for job in jobs]


async def get_job(job_id: str, *, actor: User | None) -> Job:
    """Return a job.

    Raises:
        ForbiddenError: If the actor is no administrator.
        NotFoundError: If there is no such job.
    """
    require_role(actor, Role.ADMIN)
    job = await scheduler.get_job(job_id)
    if job is None:
        raise _missing(job_id)
    return job


async def list_runs(job_id: str, *, actor: User | None, limit: int) -> list[Run]:
    """Return the latest runs of a job, the latest first."""
    await get_job(job_id, actor=actor)
    return await scheduler.get_runs(job_id, limit=limit)


async def pause_job(job_id: str, *, actor: User | None) -> Job:
    """Keep a job from running until it is resumed."""
    require_role(actor, Role.ADMIN)
    try:
        return await scheduler.pause_job(job_id)
    except JobNotFoundError:
        raise _missing(job_id) from None


async def resume_job(job_id: str, *, actor: User | None) -> Job:
    """Let a job run again at its next time."""
    require_role(actor, Role.ADMIN)
    try:
        job = await scheduler.resume_job(job_id)
    except JobNotFoundError:
        raise _missing(job_id) from None
    if job is None:
        raise ConflictError(_("This job has no further time to run at, and was removed."))
    return job


async def run_job(job_id: str, *, actor: User | None, wait: bool = False) -> None:
    """Run a job now, in this process; its schedule stays as it is.

    Args:
        job_id: Of the job.
        actor: Must be an administrator.
        wait: Whether to return when it has ended, with its error.

    Raises:
        ConflictError: If it is running already.
    """
    require_role(actor, Role.ADMIN)
    try:
        await scheduler.run_job(job_id, wait=wait)
    except JobNotFoundError:
        raise _missing(job_id) from None
    except JobBusyError:
        raise ConflictError(_("This job is running already. Wait until it has ended.")) from None


async def reschedule_job(job_id: str, schedule: Schedule, *, actor: User | None) -> Job:
    """Give a job another schedule. A paused job stays paused."""
    job = await get_job(job_id, actor=actor)
    paused = {"next_run_time": None} if job.next_run_time is None else {}
    return await scheduler.modify_job(job_id, trigger=schedule.trigger(), **paused)


def failing(jobs: Sequence[JobStatus]) -> list[JobStatus]:
    """Return the jobs whose latest run did not succeed."""
    return [each for each in jobs if each.latest is not None and each.latest.is_failure]


def _missing(job_id: str) -> NotFoundError:
    return NotFoundError(_("There is no job '%(job_id)s'.", job_id=job_id))
