"""What applications on Flask-WTF rely on: tokens by hand, meta tags, exemptions, languages."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer
from quart import g, render_template_string, request, session
from wtforms import BooleanField, IntegerField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, ValidationError

from quarterdeck.app import Quart
from quarterdeck.exceptions import NotAwaitedError
from quarterdeck.login import LoginManager, verify_password
from quarterdeck.wtf import (
    CSRFError,
    CSRFProtect,
    QuartForm,
    csrf_meta_tag,
    generate_csrf,
    validate_csrf,
)

pytestmark = pytest.mark.feature("W1")


class NameForm(QuartForm):
    name = StringField(validators=[DataRequired()])


class GermanForm(NameForm):
    class Meta:
        locales = ["de"]


async def pay() -> str:
    return "paid"


def make_app(**config: Any) -> tuple[Quart, CSRFProtect]:
    app = Quart(__name__)
    app.config.update({"SECRET_KEY": "for these tests", "TESTING": True} | config)
    csrf = CSRFProtect(app)
    app.add_url_rule("/pay", "pay", pay, methods=["POST"])
    return app, csrf


class TestTokens:
    async def test_a_wrong_token_is_refused_without_await(self) -> None:
        app, _ = make_app()
        async with app.test_request_context("/"):
            token = generate_csrf()
            validate_csrf(token)
            for wrong in (None, "", "x" + token):
                with pytest.raises(CSRFError):
                    validate_csrf(wrong)

    async def test_the_error_is_a_validation_error_too(self) -> None:
        app, _ = make_app()
        async with app.test_request_context("/"):
            generate_csrf()
            with pytest.raises(ValidationError) as caught:
                validate_csrf("wrong")
            assert isinstance(caught.value, CSRFError)
            assert caught.value.reason == "token_invalid"

    async def test_a_view_that_forgets_await_does_not_pay(self) -> None:
        app, _ = make_app(WTF_CSRF_CHECK_DEFAULT=False)
        paid = []

        @app.post("/by-hand")
        async def by_hand() -> str:
            validate_csrf((await request.form).get("csrf_token"))
            paid.append(1)
            return "paid"

        client = app.test_client()
        assert (await client.post("/by-hand", form={"csrf_token": "x"})).status_code == 400
        assert not paid

    async def test_keys_of_its_own(self) -> None:
        app, _ = make_app()
        async with app.test_request_context("/"):
            token = generate_csrf(secret_key="other", token_key="other_token")
            signer = URLSafeTimedSerializer("other", salt="wtf-csrf-token")
            assert signer.loads(token) == session["other_token"]
            assert g.other_token == token
            validate_csrf(token, secret_key="other", token_key="other_token")
            with pytest.raises(CSRFError):
                validate_csrf(token)
            with pytest.raises(CSRFError):
                validate_csrf(token, token_key="other_token")
            assert generate_csrf() != token

    async def test_an_age_of_its_own(self) -> None:
        app, _ = make_app(WTF_CSRF_TIME_LIMIT=None)
        async with app.test_request_context("/"):
            token = generate_csrf()
            validate_csrf(token)
            with pytest.raises(CSRFError) as caught:
                validate_csrf(token, time_limit=-1)
            assert caught.value.reason == "token_expired"

    async def test_tests_find_the_token(self) -> None:
        app, _ = make_app()
        async with app.test_request_context("/"):
            assert generate_csrf() == g.csrf_token
            assert "csrf_token" in session

    async def test_a_form_with_a_key_of_its_own(self) -> None:
        app, _ = make_app()

        class OwnForm(NameForm):
            class Meta:
                csrf_secret = "of this form"

        async with app.test_request_context("/", method="POST", form={"name": "Ada"}):
            made: Any = OwnForm()
            token = made.csrf_token.current_token
            signer = URLSafeTimedSerializer("of this form", salt="wtf-csrf-token")
            assert signer.loads(token) == session["csrf_token"]
            form: Any = OwnForm(formdata=None)
            form.csrf_token.data, form.name.data = token, "Ada"
            assert form.csrf_token.validate(form)


class TestMetaTag:
    async def test_in_a_template(self) -> None:
        app, _ = make_app()
        async with app.test_request_context("/"):
            html = await render_template_string("{{ csrf_meta_tag() }}")
            assert html == f'<meta name="csrf-token" content="{g.csrf_token}">'

    async def test_its_name(self) -> None:
        app, _ = make_app(WTF_CSRF_META_NAME='to"ken')
        async with app.test_request_context("/"):
            assert str(csrf_meta_tag()).startswith('<meta name="to&#34;ken" content="')
            assert str(csrf_meta_tag("x", "key", "where")).startswith('<meta name="x"')
            assert "where" in session


class TestExemptions:
    async def test_by_the_name_of_the_view(self) -> None:
        app, csrf = make_app()
        assert (await app.test_client().post("/pay")).status_code == 400
        assert csrf.exempt(f"{__name__}.pay") == f"{__name__}.pay"
        assert (await app.test_client().post("/pay")).status_code == 200
        async with app.app_context():
            assert csrf.is_exempt("pay")

    async def test_a_check_by_hand_may_heed_them(self) -> None:
        app, csrf = make_app(WTF_CSRF_CHECK_DEFAULT=False)
        csrf.exempt(f"{__name__}.pay")
        app.add_url_rule("/other", "other", lambda: "other", methods=["GET", "POST"])

        @app.before_request
        async def check() -> None:
            await csrf.protect(apply_exemptions=True)

        client = app.test_client()
        assert (await client.post("/pay")).status_code == 200
        assert (await client.post("/other")).status_code == 400
        assert (await client.get("/other")).status_code == 200


class TestForgottenAwait:
    async def test_of_protect(self) -> None:
        app, csrf = make_app(
            WTF_CSRF_CHECK_DEFAULT=False, PROPAGATE_EXCEPTIONS=False, TESTING=False
        )

        @app.post("/by-hand")
        async def by_hand() -> str:
            csrf.protect()  # type: ignore[unused-coroutine]
            return "paid"

        assert (await app.test_client().post("/by-hand")).status_code == 500
        app.config["PROPAGATE_EXCEPTIONS"] = True
        with pytest.raises(NotAwaitedError, match=r"'csrf\.protect\(\)' at .*test_wtf_flask"):
            await app.test_client().post("/by-hand")

    async def test_of_verify_password(self) -> None:
        app = Quart(__name__)
        LoginManager(app)
        async with app.app_context():
            with pytest.raises(NotAwaitedError, match="'verify_password"):
                assert not verify_password(None, "wrong")  # type: ignore[truthy-bool]


async def test_the_app_knows_the_extension() -> None:
    app, csrf = make_app()
    assert app.extensions["csrf"] is csrf


class TestLanguages:
    async def message(self, accept: str, form_class: Any = NameForm, **config: Any) -> str:
        app, _ = await asyncio.to_thread(
            make_app, **config
        )  # as a server makes it, before its loop
        headers = {"Accept-Language": accept} if accept else {}
        async with app.test_request_context("/", method="POST", headers=headers):
            form = form_class(None)
            await form.validate()
            return str(form.name.errors[0])

    ENGLISH, GERMAN = "This field is required.", "Dieses Feld wird benötigt."

    @pytest.mark.parametrize(
        ("accept", "languages", "expected"),
        [
            ("de-CH, en;q=0.5", "en, de", GERMAN),
            ("en, de;q=0.5", "en, de", ENGLISH),
            ("fr", "en, de", ENGLISH),
            ("", "en, de", ENGLISH),
            ("de", "", ENGLISH),
            ("de", "xx, de-AT", GERMAN),
        ],
    )
    async def test_messages_are_in_a_language_of_app_and_visitor(
        self, accept: str, languages: str, expected: str
    ) -> None:
        assert await self.message(accept, WTF_I18N_LANGUAGES=languages) == expected

    async def test_they_can_be_switched_off(self) -> None:
        config = {"WTF_I18N_LANGUAGES": "de", "WTF_I18N_ENABLED": False}
        assert await self.message("de", **config) == self.ENGLISH

    async def test_a_form_can_choose_its_language(self) -> None:
        assert await self.message("en", GermanForm) == self.GERMAN


class TestJSON:
    """A form of a page reads a flat JSON object, as Flask-WTF's does."""

    class OrderForm(QuartForm):
        good = StringField(validators=[DataRequired()])
        quantity = IntegerField()
        gift = BooleanField()
        paid = BooleanField()
        tags = SelectMultipleField(choices=["a", "b", "c"])  # type: ignore[list-item]  # stubs of 3.2
        note = StringField()

    def app(self) -> Quart:
        app, _ = make_app(WTF_CSRF_ENABLED=False)

        @app.post("/")
        async def index() -> Any:
            form = await self.OrderForm.from_request()
            return {"valid": await form.validate_on_submit(), "data": form.data}

        return app

    async def test_an_object_fills_the_fields(self) -> None:
        flags = {"gift": True, "paid": False}
        body = {"good": "Chai", "quantity": 3, "tags": ["a", "c"], "note": None} | flags
        response = await self.app().test_client().post("/", json=body)

        assert await response.get_json() == {"valid": True, "data": body}

    @pytest.mark.parametrize("body", [[1], "text", 3, None, {"good": {"id": 1}}, {"tags": [["a"]]}])
    async def test_anything_else_is_400(self, body: Any) -> None:
        assert (await self.app().test_client().post("/", json=body)).status_code == 400
