"""Forms that are sent as a browser sends them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import wtforms
from quart import (
    Quart,
)
from wtforms import fields as f
from wtforms import validators as v

from quarterdeck.wtf import QuartForm


async def submit(
    app: Quart, form_class: type[QuartForm], values: Any, **kwargs: Any
) -> tuple[bool, Any]:
    """Send values as a browser does; the outcome and the form as the view saw them."""
    seen: list[tuple[bool, Any]] = []

    async def view() -> str:
        form = await form_class.from_request(**kwargs)
        seen.append((await form.validate_on_submit(), form))
        return "seen"

    path = f"/{len(app.view_functions)}"
    app.add_url_rule(path, path[1:], view, methods=["GET", "POST"])
    response = await app.test_client().post(
        path,
        data=urlencode(values, doseq=True),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert response.status_code == 200
    return seen[0]


# --- fields -------------------------------------------------------------------------


class Address(QuartForm):
    city = f.StringField(validators=[v.DataRequired()])


# Any: the stubs are of WTForms 3.2, where a choice was a tuple, which 3.3 warns of
LETTERS: Any = ["a", "b", "c"]
Choice: Any = vars(wtforms)["SelectChoice"]
NUMBERS: Any = [Choice(1, "one"), Choice(2, "two")]


class EveryField(QuartForm):
    string = f.StringField()
    text = f.TextAreaField()
    password = f.PasswordField()
    hidden = f.HiddenField()
    date = f.DateField()
    moment = f.DateTimeLocalField()
    integer = f.IntegerField()
    decimal = f.DecimalField(places=None)
    float_ = f.FloatField()
    yes = f.BooleanField()
    no = f.BooleanField(default=True)
    radio = f.RadioField(choices=LETTERS)
    select = f.SelectField(choices=NUMBERS, coerce=int)
    several = f.SelectMultipleField(choices=LETTERS)
    address = f.FormField(Address)
    tags = f.FieldList(f.StringField())
    lines = f.FieldList(f.FormField(Address))
    save = f.SubmitField("Save")


SENT = {
    "string": "Grüße",
    "text": "two\r\nlines",
    "password": "secret",
    "hidden": "7",
    "date": "2026-11-21",
    "moment": "2026-11-21T10:30",
    "integer": "12",
    "decimal": "12.345",
    "float_": "1.5",
    "yes": "y",
    "radio": "b",
    "select": "2",
    "several": ["a", "c"],
    "address-city": "Bergen",
    "tags-0": "new",
    "tags-1": "hot",
    "lines-0-city": "Oslo",
    "lines-1-city": "Rome",
    "save": "Save",
}
