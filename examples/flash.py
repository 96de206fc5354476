"""Flashes: messages that the next page shows, once.

pip install quarterdeck
quarterdeck serve flash:app
"""

from quart import flash, redirect, render_template_string, request, url_for

from quarterdeck.app import Quart

app = Quart(__name__)
app.secret_key = "change this text"

PAGE = """
{% for category, text in get_flashed_messages(with_categories=true) %}
<p class="{{ category }}">{{ text }}</p>
{% endfor %}
<form method="post"><input name="ship"><button>Arrive</button></form>
"""


@app.get("/")
async def index():
    return await render_template_string(PAGE)


@app.post("/")
async def arrive():
    ship = (await request.form).get("ship", "").strip()
    if ship:
        await flash(f"{ship} has arrived.", "success")
    else:
        await flash("Enter the name of the ship.", "error")
    return redirect(url_for("index"))
