from quart import Quart
from wtforms import StringField

from quarterdeck.wtf import CSRFProtect, QuartForm

app = Quart(__name__)
app.secret_key = "only for the example"
CSRFProtect(app)


class ShipForm(QuartForm):
    name = StringField()


@app.get("/")
async def index():
    form = await ShipForm.from_request()
    return f"<form method=post>{form.hidden_tag()}{form.name}</form>"
