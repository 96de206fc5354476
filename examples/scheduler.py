"""Scheduled jobs: from a decorator, from the configuration, at run time, and over HTTP.

pip install 'quarterdeck[scheduler]'
quarterdeck serve scheduler:app
curl -u ada:secret http://127.0.0.1:8000/scheduler/jobs
"""

import secrets

from quart import Quart

from quarterdeck.apscheduler import APScheduler, HTTPBasicAuth

log: list[str] = []


async def note_tide():
    log.append("tide")


app = Quart(__name__)
app.config.update(
    JOBS=[{"id": "tide", "func": note_tide, "trigger": "interval", "hours": 6}],
    SCHEDULER_TIMEZONE="Europe/London",
    SCHEDULER_API_ENABLED=True,
    SCHEDULER_AUTH=HTTPBasicAuth(),
)
scheduler = APScheduler(app)


@scheduler.task("cron", hour=7, minute=30, retries=3)
async def report():
    log.append("report")


async def depart(ship: str):
    log.append(f"{ship} left")


@scheduler.authenticate
async def may_schedule(auth):
    return auth["username"] == "ada" and secrets.compare_digest(auth["password"], "secret")


@app.post("/depart/<ship>")
async def plan(ship: str):
    job = await scheduler.add_job(
        f"depart-{ship}", depart, args=[ship], trigger="interval", seconds=0.05, max_instances=1
    )
    return {"id": job.id, "next": job.next_run_time}, 201


@app.delete("/depart/<ship>")
async def cancel(ship: str):
    await scheduler.remove_job(f"depart-{ship}")
    return "", 204


@app.post("/report")
async def report_now():
    await scheduler.run_job("report")
    return [run.outcome for run in await scheduler.get_runs("report")]


@app.get("/log")
async def show_log():
    return log
