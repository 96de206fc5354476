"""JSON forms: a JSON body and the query, checked by a form class.

pip install 'quarterdeck[wtf]'
quarterdeck serve json_forms:app
curl --json '{"ship": "Endeavour", "lines": [{"good": "tea", "quantity": 2}]}' \
    'http://127.0.0.1:8000/orders?urgent=true'
"""

from quart import Quart
from wtforms import BooleanField, FieldList, FormField, IntegerField, StringField
from wtforms.validators import DataRequired, NumberRange

from quarterdeck.wtf import JSONForm, validate_data

app = Quart(__name__)


class LineForm(JSONForm):
    good = StringField(validators=[DataRequired()])
    quantity = IntegerField(validators=[NumberRange(min=1)])


class OrderForm(JSONForm):
    ship = StringField(validators=[DataRequired()])
    urgent = BooleanField()
    note = StringField()
    lines = FieldList(FormField(LineForm), min_entries=1)


@app.post("/orders")
@validate_data(OrderForm)  # 400 with the errors, unknown fields included
async def order(form: OrderForm):
    return form.valid_data, 201  # without the empty values
