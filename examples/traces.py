"""Traces: requests and statements by OpenTelemetry.

pip install 'quarterdeck[otel]'
quarterdeck serve traces:app
"""

from quart import Quart

from quarterdeck.otel import OpenTelemetry, trace_headers

app = Quart(__name__)
OpenTelemetry(app)


@app.get("/")
async def index():
    return f"Traces go on with {trace_headers()}"
