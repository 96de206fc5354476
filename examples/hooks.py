"""Hooks: code before and after requests, and work that outlives its request.

pip install quarterdeck
quarterdeck serve hooks:app
"""

import asyncio

from quart import after_this_request, g, request

from quarterdeck.app import Quart

app = Quart(__name__)
log: list[str] = []


@app.before_serving
async def open_harbour():
    log.append("serving")


@app.before_first_request
async def hoist_flag():
    log.append("first request")


@app.before_request
async def check_flag():
    g.steps = ["before"]
    if request.args.get("flag") == "black":
        return "No pirates", 403  # a return value ends the request here


@app.after_request
async def add_steps(response):
    response.headers["X-Steps"] = " ".join([*g.steps, "after"])
    return response


@app.teardown_request
async def note_error(error):
    if error is not None:
        log.append(f"failed: {error}")


@app.get("/")
async def index():
    g.steps.append("view")

    @after_this_request
    async def once(response):
        response.headers["X-Once"] = "yes"
        return response

    return "Harbour"


async def unload(cargo: str):
    await asyncio.sleep(0.01)
    log.append(f"unloaded {cargo}")


@app.post("/unload/<cargo>")
async def start_unloading(cargo: str):
    app.add_background_task(unload, cargo)  # the server waits for it when it stops
    return "Unloading", 202


@app.get("/log")
async def show_log():
    return log
