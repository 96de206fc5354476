"""Validators of forms: those of WTForms, and async ones wherever one may stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import wtforms
from quart import (
    Quart,
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
from quarterdeck.wtf import QuartForm

from .wtf_form_app import SENT, Address, EveryField, submit


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart("wtf_form")
    app.secret_key = "for these tests"
    app.config["WTF_CSRF_ENABLED"] = False
    return app


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
