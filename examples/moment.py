"""Moment: times in the time zone and language of the reader, readable without JavaScript.

pip install quarterdeck
quarterdeck serve moment:app
"""

from datetime import UTC, datetime, timedelta

from quart import Quart, render_template_string

from quarterdeck.moment import Moment

app = Quart(__name__)
Moment(app)

PAGE = """
<!doctype html><title>Tides</title>
<p>Written {{ moment(at).format("LLL") }}, {{ moment(at).fromNow(refresh=True) }}.</p>
<p>High water: {{ moment(tide).calendar() }}, {{ moment(tide).fromTime(at) }} after that.</p>
<p>In seconds: {{ moment(at).unix() }}</p>
{{ moment.include_moment() }}
"""


@app.get("/")
async def index():
    at = datetime(2026, 11, 21, 9, tzinfo=UTC)
    return await render_template_string(PAGE, at=at, tide=at + timedelta(hours=6))
