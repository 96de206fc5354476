"""Metrics: requests, WebSockets and the event loop for Prometheus.

pip install 'quarterdeck[metrics]'
quarterdeck serve metrics:app
"""

from quart import Quart

from quarterdeck.metrics import Metrics

app = Quart(__name__)
metrics = Metrics(app)


@app.get("/")
async def index():
    return await metrics.response()
