from datetime import UTC, datetime

from quart import Quart, render_template_string

from quarterdeck.moment import Moment

app = Quart(__name__)
Moment(app)


@app.get("/")
async def index():
    then = datetime(2026, 11, 21, 9, tzinfo=UTC)
    return await render_template_string("{{ moment(then).format('LL') }}", then=then)
