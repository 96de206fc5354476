"""The scheduled jobs for programs of administrators."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from quarterdeck.apscheduler import Job, Outcome, Run
from quarterdeck.login import current_user
from quarterdeck_crm.jobs import services
from quarterdeck_crm.jobs.schedules import in_words

from . import bp
from . import fields as f
from .answers import Answer
from .operations import operation
from .schemas import Representation

GROUP = "Jobs"
JobId = Annotated[str, Meta(description="The id.", examples=["clean_sessions"])]


class JobRun(Representation):
    """A run of a job."""

    due: f.Moment
    started: f.Moment | None
    seconds: Annotated[float, Meta(description="How long it took.", examples=[0.25])] | None
    outcome: Annotated[Outcome, Meta(description="How it ended.")]
    attempts: Annotated[int, Meta(description="How often it was tried.", examples=[1])]
    error: Annotated[str, Meta(description="Of the last attempt.")] | None
    host: Annotated[str, Meta(description="Where it ran.", examples=["crm-1"])]
    by_hand: Annotated[bool, Meta(description="Whether a user began it.", examples=[False])]


class ScheduledJob(Struct, kw_only=True):
    """A scheduled job."""

    id: JobId
    name: Annotated[str, Meta(description="Its name.", examples=["Remove old history"])]
    schedule: Annotated[str, Meta(description="In words.", examples=["Every day at 03:10"])]
    is_paused: Annotated[bool, Meta(description="Whether it waits to be resumed.")]
    next_run_time: f.Moment | None
    latest_run: JobRun | None

    @classmethod
    def about(cls, job: Job, latest: Run | None) -> ScheduledJob:
        return cls(
            id=job.id,
            name=job.name,
            schedule=in_words(job),
            is_paused=job.next_run_time is None,
            next_run_time=job.next_run_time,
            latest_run=None if latest is None else JobRun.of(latest),
        )


class Jobs(Struct, kw_only=True):
    """All scheduled jobs."""

    items: Annotated[list[ScheduledJob], Meta(description="The next to run first.")]


class JobRuns(Struct, kw_only=True):
    """Runs of a job."""

    items: Annotated[list[JobRun], Meta(description="The latest first.")]


class RunQuery(Struct, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=services.MAX_RUNS, description="The most runs.")] = 50


@bp.get("/jobs")
@operation(GROUP, answers=Jobs)
async def list_jobs() -> Answer:
    """List the scheduled jobs; administrators may."""
    found = await services.list_jobs(actor=current_user)
    return Answer(Jobs(items=[ScheduledJob.about(each.job, each.latest) for each in found]))


@bp.get("/jobs/<job_id>")
@operation(GROUP, answers=ScheduledJob)
async def read_job(job_id: str) -> Answer:
    """Read a job with its latest run."""
    return await _answer(job_id)


@bp.get("/jobs/<job_id>/runs")
@operation(GROUP, query=RunQuery, answers=JobRuns)
async def list_job_runs(job_id: str, query_args: RunQuery) -> Answer:
    """List the latest runs of a job."""
    runs = await services.list_runs(job_id, actor=current_user, limit=query_args.limit)
    return Answer(JobRuns(items=[JobRun.of(run) for run in runs]))


@bp.post("/jobs/<job_id>/run")
@operation(GROUP, answers=ScheduledJob, status=202, conflicts=True)
async def run_job(job_id: str) -> Answer:
    """Run a job now.

    The answer does not wait until it has ended; the list of runs shows how it ends.
    """
    await services.run_job(job_id, actor=current_user)
    return await _answer(job_id, status=202)


@bp.post("/jobs/<job_id>/pause")
@operation(GROUP, answers=ScheduledJob)
async def pause_job(job_id: str) -> Answer:
    """Keep a job from running until it is resumed."""
    await services.pause_job(job_id, actor=current_user)
    return await _answer(job_id)


@bp.post("/jobs/<job_id>/resume")
@operation(GROUP, answers=ScheduledJob, conflicts=True)
async def resume_job(job_id: str) -> Answer:
    """Let a job run again at its next time."""
    await services.resume_job(job_id, actor=current_user)
    return await _answer(job_id)


async def _answer(job_id: str, *, status: int = 200) -> Answer:
    job = await services.get_job(job_id, actor=current_user)
    runs = await services.list_runs(job_id, actor=current_user, limit=1)
    return Answer(ScheduledJob.about(job, runs[0] if runs else None), status)
