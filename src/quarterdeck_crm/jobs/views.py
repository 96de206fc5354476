"""The pages of the jobs, for administrators."""

from __future__ import annotations

from decimal import Decimal

from quart import flash, redirect, render_template, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.apscheduler import Job, Run
from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, role_required
from quarterdeck_crm.dashboard.charts import ColumnChart, column_chart
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import csrf
from quarterdeck_crm.languages.words import day_of_month
from quarterdeck_crm.models import Role

from . import bp as bp
from . import services, tasks
from .forms import ScheduleForm
from .schedules import in_words, schedule_of

SHOWN_RUNS = 50
CHARTED_RUNS = 20

__all__ = ["bp", "tasks"]  # the tasks declare the jobs


@bp.get("/")
@role_required(Role.ADMIN)
async def index() -> str:
    jobs = await services.list_jobs(actor=current_user)
    return await render_template(
        "jobs/index.html",
        jobs=jobs,
        failing=services.failing(jobs),
        in_words=in_words,
        zone=jobs[0].job.trigger_spec().get("timezone") if jobs else None,
    )


@bp.get("/<job_id>")
@role_required(Role.ADMIN)
async def show(job_id: str) -> str:
    return await _show_page(job_id)


@bp.post("/<job_id>/run")
@role_required(Role.ADMIN)
async def run(job_id: str) -> ResponseReturnValue:
    try:
        await services.run_job(job_id, actor=current_user)
    except ConflictError as error:
        return await _show_page(job_id, problem=str(error)), 409
    await flash(_("The job has started. Reload the page to see how it ended."), "success")
    return _to(job_id)


@bp.post("/<job_id>/pause")
@role_required(Role.ADMIN)
async def pause(job_id: str) -> ResponseReturnValue:
    job = await services.pause_job(job_id, actor=current_user)
    await flash(_("'%(name)s' is paused.", name=job.name), "success")
    return _to(job_id)


@bp.post("/<job_id>/resume")
@role_required(Role.ADMIN)
async def resume(job_id: str) -> ResponseReturnValue:
    job = await services.resume_job(job_id, actor=current_user)
    await flash(_("'%(name)s' runs again.", name=job.name), "success")
    return _to(job_id)


@bp.get("/<job_id>/edit")
@role_required(Role.ADMIN)
async def edit(job_id: str) -> str:
    job = await services.get_job(job_id, actor=current_user)
    form = await ScheduleForm.from_request()
    if (schedule := schedule_of(job)) is not None:
        form.fill(schedule)
    return await _edit_page(job, form)


@bp.post("/<job_id>/edit")
@role_required(Role.ADMIN)
@csrf.redisplay
async def edit_submit(job_id: str) -> ResponseReturnValue:
    job = await services.get_job(job_id, actor=current_user)
    form = await ScheduleForm.from_request()
    if await form.validate():
        changed = await services.reschedule_job(job_id, form.schedule(), actor=current_user)
        await flash(
            _("'%(name)s' runs: %(schedule)s.", name=job.name, schedule=in_words(changed)),
            "success",
        )
        return _to(job_id)
    return await _edit_page(job, form), 422


def _to(job_id: str) -> ResponseReturnValue:
    return redirect(url_for("jobs.show", job_id=job_id), 303)


async def _show_page(job_id: str, problem: str | None = None) -> str:
    job = await services.get_job(job_id, actor=current_user)
    runs = await services.list_runs(job_id, actor=current_user, limit=SHOWN_RUNS)
    timed = [run for run in runs if run.seconds is not None][:CHARTED_RUNS]
    return await render_template(
        "jobs/show.html",
        job=job,
        runs=runs,
        timed=timed,
        chart=_chart(timed) if len(timed) > 1 else None,
        schedule=in_words(job),
        problem=problem,
    )


async def _edit_page(job: Job, form: ScheduleForm) -> str:
    return await render_template("jobs/edit.html", job=job, form=form, schedule=in_words(job))


def _chart(runs: list[Run]) -> ColumnChart:
    """Return the durations, the earliest first."""
    return column_chart(
        [(day_of_month(run.due), _rounded(run.seconds or 0)) for run in reversed(runs)]
    )


def _rounded(seconds: float) -> Decimal:
    return Decimal(str(round(seconds, 3)))
