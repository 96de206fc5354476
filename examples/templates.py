"""Templates: inheritance, macros, filters and globals. They stand in the file to keep it single.

pip install quarterdeck
quarterdeck serve templates:app
"""

from jinja2 import DictLoader
from markupsafe import Markup
from quart import render_template

from quarterdeck.app import Quart

TEMPLATES = {
    "base.html": """<!doctype html><title>{% block title %}Harbour{% endblock %}</title>
<link rel="icon" href="{{ url_for('static', filename='favicon.ico') }}">
<main>{% block content %}{% endblock %}</main>{% include "footer.html" %}""",
    "footer.html": "<footer>{{ tide() }}</footer>",
    "macros.html": "{% macro berth(ship) %}<li>{{ ship.name | title }}: {{ ship.berth }}</li>{% endmacro %}",
    "ships.html": """{% extends "base.html" %}{% from "macros.html" import berth %}
{% block title %}Ships, {{ super() }}{% endblock %}
{% block content %}
<ul>{% for ship in ships if ship.tons is heavy %}{{ berth(ship) }}{% else %}None{% endfor %}</ul>
<p>{{ note }} {{ stamp }} {{ ships | map(attribute="tons") | sum | tons }}</p>
{% for key, value in prices.items() %}{{ key }}={{ value }};{% endfor %}{{ prices.get("rope", 0) }}
{% endblock %}""",
}

app = Quart(__name__)
app.jinja_env.loader = DictLoader(TEMPLATES)


@app.template_filter()
def tons(number: int) -> str:
    return f"{number:,} t"


@app.template_test()
def heavy(number: int) -> bool:
    return number > 100


@app.template_global()
def tide() -> str:
    return "Low tide"


@app.context_processor
async def prices():
    return {"prices": {"water": 3, "coal": 9}}


@app.get("/")
async def index():
    ships = [
        {"name": "endeavour", "berth": "B4", "tons": 368},
        {"name": "gig", "berth": "A1", "tons": 1},
    ]
    return await render_template(
        "ships.html", ships=ships, note="<b>escaped</b>", stamp=Markup("<b>as it is</b>")
    )
