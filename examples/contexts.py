"""Contexts: ``g``, ``request`` and ``current_app`` in views, helpers and tasks; signals.

pip install quarterdeck
quarterdeck serve contexts:app
"""

import asyncio

from blinker import Namespace
from quart import Quart, current_app, g, request
from quart.signals import request_finished

app = Quart(__name__)
app.config["HARBOUR"] = "Oban"
arrived = Namespace().signal("arrived")
log: list[str] = []


@app.before_request
async def set_ship():
    g.ship = request.args.get("ship", "no ship")


async def greeting() -> str:
    """Knows app and request, although nothing was passed to it."""
    await asyncio.sleep(0.01)  # other requests run here, each with its own 'g'
    return f"{g.ship} in {current_app.config['HARBOUR']}"


@app.get("/")
async def index():
    first, _ = await asyncio.gather(greeting(), greeting())  # tasks see the context too
    await arrived.send_async(current_app._get_current_object(), ship=g.ship)
    return first


@app.get("/later")
async def later():
    ship = g.ship  # the task outlives the request: hand it what it needs

    async def note():
        log.append(f"{ship} noted in {current_app.config['HARBOUR']}")

    app.add_background_task(note)
    return "", 202


@arrived.connect
async def write_down(sender, ship):
    log.append(f"{ship} arrived")


@request_finished.connect_via(app)
async def finished(sender, response, **_):
    log.append(f"{response.status_code}")


@app.get("/log")
async def show_log():
    return log


@app.before_serving
async def by_hand():
    async with app.app_context():
        log.append(f"started in {current_app.config['HARBOUR']}")
