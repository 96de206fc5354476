"""A Bootstrap page: base template, navigation, form, messages and a table. Nothing from a CDN.

pip install 'quarterdeck[bootstrap,wtf]'
quarterdeck serve bootstrap_page:app
"""

from quart import Quart, flash, redirect, render_template_string
from wtforms import StringField, SubmitField
from wtforms.validators import DataRequired

from quarterdeck.bootstrap import Bootstrap
from quarterdeck.wtf import CSRFProtect, QuartForm

app = Quart(__name__)
app.secret_key = "change this text"
Bootstrap(app)
CSRFProtect(app)
ships = [{"id": 1, "name": "Endeavour"}]

PAGE = """
{% extends "bootstrap/base.html" %}
{% from "bootstrap/form.html" import render_form %}
{% from "bootstrap/nav.html" import render_nav_item %}
{% from "bootstrap/table.html" import render_table %}
{% from "bootstrap/utils.html" import render_icon, render_messages %}
{% block title %}Ships{% endblock %}
{% block navbar %}
<nav class="navbar navbar-expand bg-body-tertiary"><div class="container">
<span class="navbar-brand">{{ render_icon("water") }} Harbour</span>
<div class="navbar-nav">{{ render_nav_item("index", "Ships") }}</div></div></nav>
{% endblock %}
{% block content %}
<main class="container mt-3">
{{ render_messages(container=False, dismissible=True) }}
{{ render_table(ships, [("id", "Number"), ("name", "Name")]) }}
{{ render_form(form) }}
</main>
{% endblock %}
"""


class ShipForm(QuartForm):
    name = StringField("Name", validators=[DataRequired()])
    submit = SubmitField("Arrive")


@app.route("/", methods=["GET", "POST"])
async def index():
    form = await ShipForm.from_request()
    if await form.validate_on_submit():
        ships.append({"id": len(ships) + 1, "name": form.name.data})
        await flash(f"{form.name.data} has arrived.", "success")
        return redirect("/")
    return await render_template_string(PAGE, form=form, ships=ships)
