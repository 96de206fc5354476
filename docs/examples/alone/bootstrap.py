from quart import Quart, render_template_string

from quarterdeck.bootstrap import Bootstrap

app = Quart(__name__)
app.secret_key = "only for the example"
Bootstrap(app)

PAGE = """
{% extends "bootstrap/base.html" %}
{% block title %}Ships{% endblock %}
{% block content %}<h1 class="display-1">Ships</h1>{% endblock %}
"""


@app.get("/")
async def index():
    return await render_template_string(PAGE)
