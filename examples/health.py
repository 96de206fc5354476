"""Health checks: for a load balancer.

pip install quarterdeck
quarterdeck serve health:app
"""

from quart import Quart

from quarterdeck.health import Health

app = Quart(__name__)
health = Health(app)


@app.get("/")
async def ready():
    return await health.ready()
