from quart import Quart

from quarterdeck.apscheduler import APScheduler

app = Quart(__name__)
scheduler = APScheduler(app)
soundings = []


@scheduler.task("interval", seconds=0.1)
async def take_sounding():
    soundings.append(f"{len(soundings) + 1} fathoms")


@app.get("/")
async def index():
    job = await scheduler.get_job("take_sounding")
    return f"{job.id}: {await scheduler.run_job(job.id) or soundings[-1]}"
