"""Forms: every field, their tokens, and pages with them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from quart import (
    Quart,
    Response,
    redirect,
    render_template_string,
    request,
    session,
)
from wtforms import fields as f

from quarterdeck.wtf import CSRFProtect, QuartForm

from .wtf_form_app import SENT, Address, EveryField, submit


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart("wtf_form")
    app.secret_key = "for these tests"
    app.config["WTF_CSRF_ENABLED"] = False
    return app


READ = {
    **{name: SENT[name] for name in ("string", "text", "password", "hidden", "radio", "several")},
    "date": dt.date(2026, 11, 21),
    "moment": dt.datetime(2026, 11, 21, 10, 30),  # noqa: DTZ001  # what DateTimeLocalField gives
    "integer": 12,
    "decimal": Decimal("12.345"),
    "float_": 1.5,
    "yes": True,
    "no": False,
    "select": 2,
    "address": {"city": "Bergen"},
    "tags": ["new", "hot"],
    "lines": [{"city": "Oslo"}, {"city": "Rome"}],
    "save": True,
}


@pytest.mark.feature("W1")
async def test_every_field_reads_what_a_browser_sends(app: Quart) -> None:
    valid, form = await submit(app, EveryField, SENT)
    assert (valid, form.errors) == (True, {})
    assert form.data == READ


@pytest.mark.feature("W1")
@pytest.mark.filterwarnings("ignore:'DateTimeField' renders:DeprecationWarning")
async def test_date_time_field_of_the_notes(app: Quart) -> None:
    class Form(QuartForm):
        moment = f.DateTimeField()

    assert (await submit(app, Form, {"moment": "2026-11-21 10:30:00"}))[0]
    assert not (await submit(app, Form, {"moment": "soon"}))[0]


@pytest.mark.feature("W1")
async def test_every_field_shows_the_object(app: Quart) -> None:
    class Thing:
        string, integer, date, no = "Ada", 3, dt.date(2026, 1, 2), False
        address = type("Address", (), {"city": "Bergen"})()
        tags = ["one"]

    async with app.test_request_context("/"):
        form = await EveryField.from_request(obj=Thing())
        html = await render_template_string(
            "{% for field in form %}{{ field }}{% endfor %}", form=form
        )
    for part in ('value="Ada"', 'value="3"', 'value="2026-01-02"', 'value="Bergen"', 'value="one"'):
        assert part in html
    assert not form.no.data


@pytest.mark.feature("W1")
async def test_what_was_typed_wins_over_the_object(app: Quart) -> None:
    valid, form = await submit(app, Address, {"city": ""}, data={"city": "Bergen"})
    assert not valid
    assert form.city.data == ""


@pytest.mark.parametrize("index", ["²", "9" * 5000, "٣"])
async def test_hostile_list_index_is_not_a_500(app: Quart, index: str) -> None:
    valid, form = await submit(app, EveryField, {**SENT, f"tags-{index}": "x"})
    assert valid
    assert form.tags.data == ["new", "hot"]


async def test_two_forms_on_a_page_by_prefix(app: Quart) -> None:
    valid, form = await submit(app, Address, {"b-city": "Rome", "city": "Oslo"}, prefix="b")
    assert (valid, form.data) == (True, {"city": "Rome"})


# --- tokens and pages ------------------------------------------------------------------------


PAGE = "{{ form.hidden_tag() }}|{{ form.csrf_token }}"


@pytest.mark.feature("W3")
@pytest.mark.parametrize("protected", [True, False], ids=["with CSRFProtect", "alone"])
async def test_form_round_trip_with_its_token(app: Quart, protected: bool) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    if protected:
        CSRFProtect(app)

    class Form(Address):
        id = f.HiddenField(default="7")

    @app.route("/", methods=["GET", "POST"])
    async def page() -> str:
        form = await Form.from_request()
        if await form.validate_on_submit():
            return f"saved {form.city.data}"
        return await render_template_string(PAGE, form=form) + str(form.errors)

    client = app.test_client()
    html = await (await client.get("/")).get_data(as_text=True)
    hidden, token_field, *_ = html.split("|")
    assert 'name="id"' in hidden
    assert 'type="hidden"' in token_field
    token = token_field.split('value="')[1].split('"')[0]
    assert token in hidden
    ok = await client.post("/", form={"city": "Rome", "csrf_token": token})
    assert await ok.get_data(as_text=True) == "saved Rome"
    refused = await client.post("/", form={"city": "Rome"})
    assert refused.status_code == (400 if protected else 200)
    assert "security token is missing" in await refused.get_data(as_text=True)


async def test_enclosed_forms_carry_no_token_of_their_own(app: Quart) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    async with app.test_request_context("/"):
        form = await EveryField.from_request()
    assert "csrf_token" in form
    assert "csrf_token" not in form.address.form


async def test_token_can_be_left_out_by_a_form(app: Quart) -> None:
    app.config["WTF_CSRF_ENABLED"] = True

    class Search(Address):
        class Meta:
            csrf = False

    async with app.test_request_context("/?city=Rome"):
        form = Search(request.args)
        assert "csrf_token" not in form
        assert "csrf_token" not in Address(meta={"csrf": False})
        assert await form.validate()
        assert "csrf_token" not in session


async def test_form_that_is_not_rendered_leaves_the_session_alone(app: Quart) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    async with app.test_request_context("/"):
        await Address.from_request()
        assert "csrf_token" not in session


async def test_hidden_tag_of_chosen_fields(app: Quart) -> None:
    class Form(QuartForm):
        a = f.HiddenField()
        b = f.HiddenField()
        c = f.StringField()

    form = Form()
    assert form.hidden_tag("a", form.c) == str(form.a)


@pytest.mark.feature("W4")
async def test_post_redirect_get_keeps_the_value(app: Quart) -> None:
    @app.route("/", methods=["GET", "POST"])
    async def index() -> Any:
        form = await Address.from_request(data={"city": session.get("city")})
        if await form.validate_on_submit():
            session["city"] = form.city.data
            return redirect("/")
        return await render_template_string("{{ session.city }}|{{ form.city }}", form=form)

    client = app.test_client()
    posted: Response = await client.post("/", form={"city": "Rome"})
    assert posted.status_code in {302, 303}
    page = await (await client.get(posted.location)).get_data(as_text=True)
    assert page.startswith("Rome|")
    assert 'value="Rome"' in page
