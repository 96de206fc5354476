"""Forms over JSON bodies and query arguments."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    FieldList,
    FormField,
    IntegerField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional, ValidationError

from quarterdeck.wtf import JSONForm, validate_data

pytestmark = pytest.mark.feature("W5")


COLOURS: Any = ["red", "blue"]  # Any: the stubs know tuples only


class Line(JSONForm):
    good = StringField(validators=[DataRequired()])
    quantity = IntegerField(validators=[InputRequired(), NumberRange(min=1)])


class Order(JSONForm):
    id = IntegerField(validators=[InputRequired()])
    note = StringField()
    paid = BooleanField()
    gift = BooleanField(default=True)
    discount = DecimalField(validators=[Optional()], places=None)
    due = DateField(validators=[Optional()])
    colours = SelectMultipleField(choices=COLOURS)
    tags = FieldList(StringField(), max_entries=3)
    lines = FieldList(FormField(Line))

    async def validate_note(self, field: Any) -> None:
        if field.data == "taken":
            raise ValidationError("Is taken.")


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart("wtf_json")

    @app.route("/orders", methods=["GET", "POST"])
    @validate_data(Order)
    async def orders(form: Order) -> dict[str, Any]:
        return form.valid_data

    @app.post("/sync/<int:number>")
    @validate_data(Line)
    def sync(number: int, form: Line) -> dict[str, Any]:
        return {"number": number, **form.valid_data}

    return app


async def errors_of(app: Quart, body: Any, path: str = "/orders") -> Any:
    response = await app.test_client().post(path, json=body)
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    problem = await response.get_json()
    assert problem["status"] == 400
    return problem["errors"]


async def test_valid_data_of_body_and_query_without_empty_ones(app: Quart) -> None:
    body = {
        "note": "",
        "discount": 0.125,
        "due": None,
        "colours": ["red"],
        "tags": ["a", "b"],
        "lines": [{"good": "Chai", "quantity": 2}],
    }
    response = await app.test_client().post("/orders?id=7", json=body)
    assert await response.get_json() == {
        "id": 7,
        "gift": True,
        "discount": "0.125",
        "colours": ["red"],
        "tags": ["a", "b"],
        "lines": [{"good": "Chai", "quantity": 2}],
    }


async def test_false_and_zero_are_not_empty(app: Quart) -> None:
    response = await app.test_client().post("/orders", json={"id": 0, "paid": False})
    assert await response.get_json() == {"id": 0, "paid": False, "gift": True}


async def test_query_alone(app: Quart) -> None:
    response = await app.test_client().get("/orders?id=7&tags=a&tags=b&paid=true&gift=false")
    answer = await response.get_json()
    assert (answer["tags"], answer["paid"], answer["gift"]) == (["a", "b"], True, False)


async def test_view_may_be_synchronous_and_take_path_values(app: Quart) -> None:
    response = await app.test_client().post("/sync/3", json={"good": "Chai", "quantity": 1})
    assert await response.get_json() == {"number": 3, "good": "Chai", "quantity": 1}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"colour": "red"}, "'colour' is not a field of this form."),
        ({"lines": [{"goods": 1}]}, "'lines[0].goods' is not a field of this form."),
        ({"lines": {"good": "Chai"}}, "'lines' must be a list."),
        ({"lines": ["Chai"]}, "'lines[0]' must be an object."),
        ({"note": ["a"]}, "'note' must be a single value."),
        ({"note": {"a": 1}}, "'note' must be a single value."),
        ({"colours": "red"}, "'colours' must be a list."),
        ({"tags": ["a", None]}, "'tags[1]' must be a single value."),
        ({"tags": list("abcd")}, "'tags' must not have more than 3 entries."),
        ([1], "The body must be a JSON object."),
        ("text", "The body must be a JSON object."),
        (None, "The body must be a JSON object."),
    ],
)
async def test_what_does_not_fit_is_refused(app: Quart, body: Any, problem: str) -> None:
    assert problem in (await errors_of(app, body))[""]


async def test_unknown_query_argument_is_refused(app: Quart) -> None:
    errors = await errors_of(app, {"id": 1}, "/orders?page=2")
    assert errors == {"": ["'page' is not a field of this form."]}


async def test_same_name_in_both_places_is_refused(app: Quart) -> None:
    errors = await errors_of(app, {"id": 1}, "/orders?id=2")
    assert errors == {"": ["'id' is given both in the body and in the address."]}


async def test_repeated_query_argument_of_a_single_value(app: Quart) -> None:
    errors = await errors_of(app, {}, "/orders?id=1&id=2")
    assert "'id' must be a single value." in errors[""]


@pytest.mark.parametrize("number", [1.5, True, "x", "1.0"])
async def test_number_is_not_bent_to_fit(app: Quart, number: Any) -> None:
    assert await errors_of(app, {"id": number}) == {"id": ["Not a valid integer value."]}


async def test_all_messages_come_at_once(app: Quart) -> None:
    errors = await errors_of(
        app, {"note": "taken", "lines": [{"good": "Chai", "quantity": 0}], "odd": 1}
    )
    assert set(errors) == {"", "id", "note", "lines"}
    assert errors["lines"] == [{"quantity": ["Number must be at least 1."]}]


async def test_broken_json_and_other_bodies() -> None:
    app = Quart("wtf_json")
    app.post("/")(validate_data(Line)(lambda form: "ok"))
    client = app.test_client()
    headers = {"Content-Type": "application/json"}
    assert (await client.post("/", data=b"{", headers=headers)).status_code == 400
    assert (await client.post("/", form={"good": "Chai"})).status_code == 415


async def test_prefix() -> None:
    app = Quart("wtf_json")
    async with app.test_request_context("/?good=Chai", method="POST", json={"quantity": 2}):
        form = await Line.from_request(prefix="a")
        assert await form.validate()
        assert form.valid_data == {"good": "Chai", "quantity": 2}
