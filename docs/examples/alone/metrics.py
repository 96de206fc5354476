from quart import Quart

from quarterdeck.metrics import Metrics

app = Quart(__name__)
metrics = Metrics(app)


@app.get("/")
async def index():
    return await metrics.response()
