"""Forms: fields, validators that may be async, CSRF protection, Post/Redirect/Get.

pip install 'quarterdeck[wtf]'
quarterdeck serve forms:app
"""

from quart import Quart, redirect, render_template_string, session, url_for
from wtforms import DateField, EmailField, IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, Email, Length, NumberRange, Optional, ValidationError

from quarterdeck.wtf import CSRFError, CSRFProtect, QuartForm

app = Quart(__name__)
app.secret_key = "change this text"
CSRFProtect(app)  # checks each POST, PUT, PATCH and DELETE

PAGE = """
<h1>Last ship: {{ session.ship or "none" }}</h1>
<form method="post">
{{ form.hidden_tag() }}
{% for field in form if field.widget.input_type != "hidden" %}
<p>{{ field.label }} {{ field }} {{ field.errors | join(" ") }}</p>
{% endfor %}
<button>Arrive</button>
</form>
"""


async def is_taken(name: str) -> bool:
    return name.casefold() == "titanic"  # in real life: await a query


class ShipForm(QuartForm):
    name = StringField("Name", validators=[DataRequired(), Length(max=80)])
    berth = SelectField("Berth", choices=["A1", "B4"])
    tons = IntegerField("Tons", validators=[NumberRange(1, 500_000)])
    agent = EmailField("Agent", validators=[Optional(), Email()])
    until = DateField("Until", validators=[Optional()])

    async def validate_name(self, field):
        if await is_taken(field.data):
            raise ValidationError("This name is taken.")


@app.route("/", methods=["GET", "POST"])
async def index():
    form = await ShipForm.from_request()
    if await form.validate_on_submit():
        session["ship"] = form.name.data
        return redirect(url_for("index"))  # reloading the page does not send the form again
    return await render_template_string(PAGE, form=form)


@app.errorhandler(CSRFError)
async def refused(error):
    return f"Not sent: {error.description}", 400
