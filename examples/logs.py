"""Logs: an id for each request, and slow requests by name.

pip install quarterdeck
quarterdeck serve logs:app
"""

from quart import Quart

from quarterdeck.logging import Logging, request_id

app = Quart(__name__)
app.config["LOG_SLOW_REQUEST_SECONDS"] = 0.5
Logging(app)


@app.get("/")
async def index():
    app.logger.info("A ship has arrived", extra={"ship": "Endeavour"})
    return f"Request {request_id()}"
