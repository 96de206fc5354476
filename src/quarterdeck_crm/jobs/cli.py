"""``crm jobs``: look after the scheduled jobs from the command line."""

from __future__ import annotations

import click

from quarterdeck.apscheduler import Run
from quarterdeck.commands import AppGroup
from quarterdeck_crm.schema import check_schema

from . import services
from .schedules import in_words

jobs = AppGroup("jobs", help="List the scheduled jobs, run them, pause and resume them.")


@jobs.command("list")
async def list_() -> None:
    """List the jobs: id, next time, outcome of the latest run, schedule."""
    await check_schema()
    for each in await services.list_jobs(actor=None):
        due = each.job.next_run_time
        shown = "paused" if due is None else f"{due:%Y-%m-%d %H:%M}"
        latest = each.latest.outcome if each.latest else "never ran"
        click.echo(f"{each.job.id:<24}  {shown:<16}  {latest:<11}  {in_words(each.job)}")


@jobs.command()
@click.argument("job_id")
async def run(job_id: str) -> None:
    """Run JOB_ID now and wait until it has ended."""
    await check_schema()
    await services.run_job(job_id, actor=None, wait=True)
    (latest,) = await services.list_runs(job_id, actor=None, limit=1)
    click.echo(_line(latest))


@jobs.command()
@click.argument("job_id")
async def pause(job_id: str) -> None:
    """Keep JOB_ID from running until it is resumed."""
    await check_schema()
    job = await services.pause_job(job_id, actor=None)
    click.echo(f"Paused {job.id}.")


@jobs.command()
@click.argument("job_id")
async def resume(job_id: str) -> None:
    """Let JOB_ID run again at its next time."""
    await check_schema()
    job = await services.resume_job(job_id, actor=None)
    click.echo(f"Resumed {job.id}. Next: {job.next_run_time:%Y-%m-%d %H:%M}.")


@jobs.command()
@click.argument("job_id")
@click.option(
    "--limit",
    type=click.IntRange(1, services.MAX_RUNS),
    default=20,
    show_default=True,
    help="The most runs to show.",
)
async def history(job_id: str, limit: int) -> None:
    """Show the latest runs of JOB_ID: time, outcome, duration, host and error."""
    await check_schema()
    for found in await services.list_runs(job_id, actor=None, limit=limit):
        click.echo(_line(found))


def _line(run: Run) -> str:
    seconds = "" if run.seconds is None else f"{run.seconds:.3f} s"
    parts = (f"{run.due:%Y-%m-%d %H:%M:%S}", f"{run.outcome:<11}", f"{seconds:>10}", run.host)
    return "  ".join((*parts, run.error or "")).rstrip()
