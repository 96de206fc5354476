"""Forms: every field, every validator, async validators wherever one may stand."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
import wtforms
from quart import (
    Quart,
    Response,
    redirect,
    render_template_string,
    request,
    session,
)
from werkzeug.datastructures import MultiDict
from wtforms import fields as f
from wtforms import validators as v
from wtforms.validators import StopValidation, ValidationError

from quarterdeck.exceptions import (
    AsyncValidatorError,
    FormNotAwaitedError,
    FormNotBoundError,
    SyncValidateError,
)
from quarterdeck.wtf import CSRFProtect, QuartForm


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart("wtf_form")
    app.secret_key = "for these tests"
    app.config["WTF_CSRF_ENABLED"] = False
    return app


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


# --- validators ----------------------------------------------------------------------


@pytest.mark.feature("W2")
@pytest.mark.parametrize(
    ("validator", "good", "bad"),
    [
        (v.DataRequired(), "x", " "),
        (v.InputRequired(), "x", ""),
        (v.Email(), "ada@example.com", "ada@"),
        (v.EqualTo("other"), "same", "different"),
        (v.IPAddress(), "127.0.0.1", "127.0.0.256"),
        (v.Length(min=2, max=3), "abc", "abcd"),
        (v.Regexp(r"^[a-z]+$"), "abc", "a1"),
        (v.URL(), "https://example.com/x", "example"),
        (v.AnyOf(["a", "b"]), "a", "c"),
        (v.NoneOf(["a", "b"]), "c", "a"),
        (v.UUID(), "12345678-1234-5678-1234-567812345678", "1234"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
async def test_validator_of_wtforms(app: Quart, validator: Any, good: str, bad: str) -> None:
    class Form(QuartForm):
        value = f.StringField(validators=[validator])
        other = f.StringField()

    valid, _ = await submit(app, Form, {"value": good, "other": "same"})
    assert valid
    valid, form = await submit(app, Form, {"value": bad, "other": "same"})
    assert not valid
    assert form.value.errors


@pytest.mark.feature("W2")
@pytest.mark.parametrize(("text", "valid"), [("5", True), ("11", False), ("x", False), ("", True)])
async def test_number_range_and_optional(app: Quart, text: str, valid: bool) -> None:
    class Form(QuartForm):
        value = f.IntegerField(validators=[v.Optional(), v.NumberRange(1, 10)])

    assert (await submit(app, Form, {"value": text}))[0] is valid


@pytest.mark.feature("W2")
async def test_choice_that_was_not_offered(app: Quart) -> None:
    _, form = await submit(app, EveryField, {**SENT, "select": "3", "several": ["a", "q"]})
    assert set(form.errors) == {"select", "several"}


# --- async validators ------------------------------------------------------------------


async def taken(form: Any, field: Any) -> None:
    await asyncio.sleep(0)
    if field.data == "taken":
        raise ValidationError("Is taken.")


class Taken:
    async def __call__(self, form: Any, field: Any) -> None:
        await taken(form, field)


def in_list(validator: Any) -> type[QuartForm]:
    return type("InList", (QuartForm,), {"name": f.StringField(validators=[validator])})


class Inline(QuartForm):
    name = f.StringField()

    async def validate_name(form, field: Any) -> None:  # noqa: N805, RUF100  # WTForms' habit
        await taken(form, field)


class InEnclosed(QuartForm):
    inner = f.FormField(Inline)


class InList(QuartForm):
    names = f.FieldList(f.StringField(validators=[taken]))


class InListOfForms(QuartForm):
    inners = f.FieldList(f.FormField(Inline))


class OnList(QuartForm):
    names = f.FieldList(f.StringField())

    async def validate_names(self, field: Any) -> None:
        for entry in field:
            await taken(self, entry)


class PreValidated(f.StringField):
    async def pre_validate(self, form: Any) -> None:  # type: ignore[override]  # may be async
        await taken(form, self)


class Stopped(f.StringField):
    async def pre_validate(self, form: Any) -> None:  # type: ignore[override]  # may be async
        if self.data == "taken":
            raise StopValidation("Is taken.")


class PostValidated(f.StringField):
    async def post_validate(self, form: Any, validation_stopped: bool) -> None:  # type: ignore[override]
        await taken(form, self)


class OwnValidate(f.StringField):
    async def validate(self, form: Any, extra_validators: Any = ()) -> bool:  # type: ignore[override]
        self.errors = ["Is taken."] if self.data == "taken" else []
        return not self.errors


@pytest.mark.feature("W2")
@pytest.mark.hazard("async validator never awaited")
@pytest.mark.parametrize(
    ("form_class", "key"),
    [
        (in_list(taken), "name"),
        (in_list(Taken()), "name"),
        (in_list(lambda form, field: taken(form, field)), "name"),
        (Inline, "name"),
        (InEnclosed, "inner-name"),
        (InList, "names-0"),
        (InListOfForms, "inners-0-name"),
        (OnList, "names-0"),
        (type("Pre", (QuartForm,), {"name": PreValidated()}), "name"),
        (type("Stop", (QuartForm,), {"name": Stopped(validators=[taken])}), "name"),
        (type("Post", (QuartForm,), {"name": PostValidated()}), "name"),
        (type("Own", (QuartForm,), {"name": OwnValidate()}), "name"),
    ],
)
async def test_async_validator_is_awaited(
    app: Quart, form_class: type[QuartForm], key: str
) -> None:
    assert (await submit(app, form_class, {key: "free"}))[0] is True
    valid, form = await submit(app, form_class, {key: "taken"})
    assert valid is False
    assert "Is taken." in str(form.errors)


@pytest.mark.hazard("async validator never awaited")
def test_bare_wtforms_lets_an_async_validator_pass() -> None:
    class Bare(wtforms.Form):
        name = f.StringField(validators=[taken])

    with pytest.warns(RuntimeWarning, match="never awaited"):
        assert Bare(MultiDict({"name": "taken"})).validate()


async def test_extra_validators_may_be_async(app: Quart) -> None:
    async with app.test_request_context("/", method="POST"):
        form = Address(MultiDict({"city": "taken"}))
        assert not await form.validate({"city": [taken]})
        assert not await form.validate_on_submit({"city": [taken]})
        assert form.errors == {"city": ["Is taken."]}


async def test_validators_run_in_order_one_after_the_other(app: Quart) -> None:
    calls: list[str] = []

    def step(name: str, error: type[Exception] | None = None) -> Callable[..., Any]:
        async def run(form: Any, field: Any) -> None:
            calls.append(f"{name} starts")
            await asyncio.sleep(0)
            calls.append(f"{name} ends")
            if error:
                raise error(name)

        return run

    class Form(QuartForm):
        one = f.StringField(
            validators=[step("a", ValidationError), step("b", StopValidation), step("never")]
        )
        two = f.StringField(validators=[step("c")])

    valid, form = await submit(app, Form, {"one": "x", "two": "y"})
    assert not valid
    assert form.errors == {"one": ["a", "b"]}
    assert calls == [f"{name} {what}" for name in "abc" for what in ("starts", "ends")]


async def test_stop_without_a_message_ends_the_chain_as_valid(app: Quart) -> None:
    class Form(QuartForm):
        name = f.StringField(validators=[v.Optional(), taken])

    assert (await submit(app, Form, {"name": ""}))[0]


async def test_unforeseen_error_in_a_validator_is_not_a_pass(app: Quart) -> None:
    async def broken(form: Any, field: Any) -> None:
        raise RuntimeError("database away")

    async with app.test_request_context("/", method="POST"):
        with pytest.raises(RuntimeError, match="database away"):
            await in_list(broken)(MultiDict({"name": "x"})).validate_on_submit()


# --- failing closed ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["validate", "validate_on_submit"])
async def test_forgotten_await_raises(app: Quart, method: str) -> None:
    async with app.test_request_context("/", method="POST"):
        form = Address(MultiDict({"city": "Rome"}))
        with pytest.raises(FormNotAwaitedError, match=f"{method}.*await form"):
            assert getattr(form, method)()


async def test_forgotten_await_raises_for_an_own_validate(app: Quart) -> None:
    class Form(Address):
        async def validate(self, extra_validators: Any = None) -> bool:  # type: ignore[override]
            if await super().validate(extra_validators) and self.city.data == "Nowhere":
                self.form_errors.append("There is no such place.")
                return False
            return not self.errors

    valid, form = await submit(app, Form, {"city": "Nowhere"})
    assert (valid, form.errors) == (False, {"": ["There is no such place."]})
    with pytest.raises(FormNotAwaitedError):
        bool(Form().validate())


def test_synchronous_validate_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(SyncValidateError, match="async def validate"):

        class Form(Address):
            def validate(self, extra_validators: Any = None) -> bool:
                return True


async def test_synchronous_path_of_a_field_refuses_async_validators() -> None:
    form = in_list(Taken())(MultiDict({"name": "free"}))
    with pytest.raises(AsyncValidatorError, match=r"'name'.*Taken"):
        form["name"].validate(form)


@pytest.mark.filterwarnings("ignore:.*pre_validate")  # Python notices it too
@pytest.mark.parametrize(
    "field",
    [
        f.StringField(validators=[taken]),
        PreValidated(),
        f.FieldList(f.StringField(validators=[taken])),
    ],
)
async def test_plain_form_inside_refuses_async_validators(field: Any) -> None:
    enclosed = type("Plain", (wtforms.Form,), {"name": field})
    form_class = type("Outer", (QuartForm,), {"inner": f.FormField(enclosed)})
    with pytest.raises(AsyncValidatorError, match="derive enclosed forms from QuartForm"):
        await form_class(MultiDict({"inner-name": "x", "inner-name-0": "x"})).validate()


async def test_plain_form_inside_with_sync_validators(app: Quart) -> None:
    class Plain(wtforms.Form):
        name = f.StringField(validators=[v.DataRequired()])

    form_class = type("Outer", (QuartForm,), {"inner": f.FormField(Plain)})
    assert (await submit(app, form_class, {"inner-name": "x"}))[0]
    assert not (await submit(app, form_class, {"inner-name": ""}))[0]


async def test_form_without_the_data_of_the_request_is_refused(app: Quart) -> None:
    async with app.test_request_context("/", method="POST"):
        with pytest.raises(FormNotBoundError, match=r"await Address.from_request\(\)"):
            await Address().validate_on_submit()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_nothing_is_submitted_by_a_safe_method(app: Quart, method: str) -> None:
    async with app.test_request_context("/?city=Rome", method=method):
        form = await Address.from_request()
        assert not form.is_submitted()
        assert not await form.validate_on_submit()
        assert form.errors == {}


async def test_form_errors_keep_a_form_invalid() -> None:
    form = Address(MultiDict({"city": "Rome"}))
    form.form_errors.append("Closed today.")
    assert not await form.validate()


async def test_errors_of_a_service_are_shown_by_field() -> None:
    form = Address(MultiDict({"city": "Rome"}))
    assert await form.validate()
    form.add_errors({"city": ["Is taken."], "stock": ["Nothing is left."]})
    assert form.errors == {"city": ["Is taken."], "": ["Nothing is left."]}


async def test_errors_of_a_service_for_an_enclosed_form() -> None:
    form = InEnclosed(MultiDict({"inner-name": "free"}))
    form.add_errors({"inner": ["Nobody lives there."]})
    assert form.errors == {"": ["Nobody lives there."]}


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
