"""CSRF protection of requests: tokens, exemptions, referrers and errors."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from itsdangerous import TimestampSigner
from quart import Blueprint, Quart, Request, Response, render_template_string, request, session
from quart.datastructures import FileStorage
from quart.formparser import FormDataParser
from quart.views import MethodView
from werkzeug.exceptions import BadRequest
from wtforms import StringField
from wtforms.validators import DataRequired

from quarterdeck.app import Quart as DeckQuart
from quarterdeck.exceptions import ConfigurationError, ExtensionAlreadyInitializedError
from quarterdeck.wtf import CSRFError, CSRFProtect, QuartForm, generate_csrf, validate_csrf
from quarterdeck.wtf.origin import Origin


class NameForm(QuartForm):
    name = StringField(validators=[DataRequired()])


def make_app(cls: type[Quart] = Quart, **config: Any) -> tuple[Quart, CSRFProtect]:
    app = cls("wtf_csrf")
    app.secret_key = "for these tests"
    app.config.update(config)
    csrf = CSRFProtect(app)

    @app.get("/")
    async def page() -> str:
        return await render_template_string("{{ csrf_token() }}")

    @app.route("/save", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def save() -> str:
        return "saved"

    @app.errorhandler(CSRFError)
    async def refused(error: CSRFError) -> tuple[str, int]:
        return error.reason, 400

    return app, csrf


@pytest.fixture(name="app", params=[Quart, DeckQuart], ids=["quart", "quarterdeck"])
def _app(request: pytest.FixtureRequest) -> Quart:
    return make_app(request.param)[0]


async def token_of(client: Any) -> str:
    return str(await (await client.get("/")).get_data(as_text=True))


async def text_of(response: Response) -> str:
    return str(await response.get_data(as_text=True))


@pytest.mark.feature("W3")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_unsafe_request_without_token_is_refused(app: Quart, method: str) -> None:
    send = getattr(app.test_client(), method.lower())
    response = await send("/save")
    assert (response.status_code, await text_of(response)) == (400, "token_missing")


@pytest.mark.feature("W3")
async def test_safe_request_needs_no_token(app: Quart) -> None:
    assert (await app.test_client().get("/save")).status_code == 200


@pytest.mark.feature("W3")
@pytest.mark.parametrize("field", ["csrf_token", "shipping-csrf_token"])
async def test_token_in_the_form(app: Quart, field: str) -> None:
    client = app.test_client()
    response = await client.post("/save", form={field: await token_of(client)})
    assert response.status_code == 200


async def test_field_that_only_ends_alike_is_not_the_token(app: Quart) -> None:
    client = app.test_client()
    response = await client.post("/save", form={"mycsrf_token": await token_of(client)})
    assert await text_of(response) == "token_missing"


@pytest.mark.feature("W3")
@pytest.mark.parametrize("header", ["X-CSRFToken", "X-CSRF-Token"])
async def test_token_in_the_header(app: Quart, header: str) -> None:
    client = app.test_client()
    response = await client.post("/save", headers={header: await token_of(client)}, json={})
    assert response.status_code == 200


async def test_forged_token_is_refused(app: Quart) -> None:
    client = app.test_client()
    token = await token_of(client)
    response = await client.post("/save", form={"csrf_token": token[:-4] + "AAAA"})
    assert await text_of(response) == "token_invalid"


async def test_token_of_another_session_is_refused(app: Quart) -> None:
    theirs, ours = app.test_client(), app.test_client()
    await token_of(ours)
    response = await ours.post("/save", form={"csrf_token": await token_of(theirs)})
    assert await text_of(response) == "token_mismatch"


async def test_token_without_a_session_is_refused(app: Quart) -> None:
    token = await token_of(app.test_client())
    response = await app.test_client().post("/save", form={"csrf_token": token})
    assert await text_of(response) == "session_missing"


async def test_old_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = make_app(WTF_CSRF_TIME_LIMIT=60)
    client = app.test_client()
    token = await token_of(client)
    now = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + 59)
    assert (await client.post("/save", form={"csrf_token": token})).status_code == 200
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + 120)
    response = await client.post("/save", form={"csrf_token": token})
    assert await text_of(response) == "token_expired"


async def test_token_lives_as_long_as_the_session_without_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, _ = make_app(WTF_CSRF_TIME_LIMIT=None)
    client = app.test_client()
    token = await token_of(client)
    now = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + 10**6)
    assert (await client.post("/save", form={"csrf_token": token})).status_code == 200


async def test_token_signed_with_a_retired_key_is_still_good() -> None:
    old, _ = make_app()
    client = old.test_client()
    token = await token_of(client)
    old.config["SECRET_KEY"], old.config["SECRET_KEY_FALLBACKS"] = "new", ["for these tests"]
    assert (await client.post("/save", form={"csrf_token": token})).status_code == 200


async def test_unhandled_refusal_is_a_400_that_says_what_to_do() -> None:
    app = Quart("plain")
    app.secret_key = "for these tests"
    CSRFProtect(app)
    app.post("/save")(lambda: "saved")
    response = await app.test_client().post("/save")
    assert response.status_code == 400
    assert "Reload the page" in await text_of(response)


async def test_reading_the_token_again_does_not_write_the_session(app: Quart) -> None:
    client = app.test_client()
    first = await client.get("/")
    second = await client.get("/")
    assert "Set-Cookie" in first.headers
    assert "Set-Cookie" not in second.headers


async def test_token_is_the_same_within_a_request_and_new_after_sign_in() -> None:
    app, _ = make_app()
    async with app.test_request_context("/"):
        before = generate_csrf()
        assert generate_csrf() == before
        session.pop("csrf_token")
        after = generate_csrf()
        assert after != before
        await validate_csrf(after)
        with pytest.raises(CSRFError) as caught:
            await validate_csrf(before)
    assert caught.value.reason == "token_mismatch"


async def test_header_token_leaves_the_body_unread() -> None:
    app, _ = make_app()
    client = app.test_client()

    @app.post("/stream")
    async def stream() -> str:
        return str(len(await request.get_data()))

    response = await client.post(
        "/stream",
        headers={"X-CSRFToken": await token_of(client), "Content-Type": "multipart/form-data"},
        data=b"x" * 1000,
    )
    assert await text_of(response) == "1000"


async def test_multipart_body_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = make_app()
    parsed = []
    parse = FormDataParser.parse

    async def counted(self: FormDataParser, *args: Any) -> Any:
        parsed.append(1)
        return await parse(self, *args)

    monkeypatch.setattr(Request.form_data_parser_class, "parse", counted)

    @app.post("/upload")
    async def upload() -> str:
        await NameForm.from_request()
        return str((await request.files)["file"].read())

    client = app.test_client()
    response = await client.post(
        "/upload",
        form={"csrf_token": await token_of(client)},
        files={"file": FileStorage(BytesIO(b"text"), "a.txt")},
    )
    assert await text_of(response) == "b'text'"
    assert len(parsed) == 1


async def test_too_large_body_is_a_413_and_not_a_missing_token(app: Quart) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 100
    response = await app.test_client().post("/save", form={"text": "x" * 1000})
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=b", b"rubbish"),
        ("multipart/form-data", b"--b\r\n"),
        ("application/x-www-form-urlencoded", b"name=\xff"),
    ],
)
async def test_broken_body_is_not_called_a_missing_token(
    app: Quart, kind: str, body: bytes
) -> None:
    headers = {"Content-Type": kind, "Content-Length": str(len(body))}
    response = await app.test_client().post("/save", headers=headers, data=body)
    assert response.status_code == 400
    assert "CSRF" not in await text_of(response)


async def test_empty_body_lacks_the_token(app: Quart) -> None:
    kind = "application/x-www-form-urlencoded"
    response = await app.test_client().post("/save", headers={"Content-Type": kind})
    assert await text_of(response) == "token_missing"


async def test_unknown_address_is_still_a_404(app: Quart) -> None:
    assert (await app.test_client().post("/nowhere")).status_code == 404


async def test_wrong_method_is_still_a_405(app: Quart) -> None:
    assert (await app.test_client().post("/")).status_code == 405


# --- exemptions -------------------------------------------------------------------


async def test_exempt_view_is_marked_itself_and_not_its_name() -> None:
    app, csrf = make_app()

    @app.post("/hook")
    @csrf.exempt
    async def hook() -> str:
        return "hooked"

    def same_name() -> Any:
        async def hook() -> str:
            return "other"

        hook.__qualname__ = "test_exempt_view_is_marked_itself_and_not_its_name.<locals>.hook"
        return hook

    app.add_url_rule("/other", "other", same_name(), methods=["POST"])
    client = app.test_client()
    assert (await client.post("/hook")).status_code == 200
    assert (await client.post("/other")).status_code == 400
    assert csrf.is_exempt(hook)
    assert not csrf.is_exempt(app.view_functions["other"])


async def test_exempt_blueprint_with_those_inside_it() -> None:
    app, csrf = make_app()
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    outer.post("/outer")(lambda: "outer")
    inner.post("/inner")(lambda: "inner")
    outer.register_blueprint(inner)
    csrf.exempt(outer)
    app.register_blueprint(outer)
    client = app.test_client()
    assert (await client.post("/outer")).status_code == 200
    assert (await client.post("/inner")).status_code == 200
    assert (await client.post("/save")).status_code == 400
    async with app.app_context():
        assert [csrf.is_exempt(name) for name in ("outer.inner.<lambda>", "save")] == [True, False]


async def test_exempt_view_class() -> None:
    app, csrf = make_app()

    @csrf.exempt
    class Hook(MethodView):
        async def post(self) -> str:
            return "hooked"

    app.add_url_rule("/hook", view_func=Hook.as_view("hook"))
    assert (await app.test_client().post("/hook")).status_code == 200


async def test_exempt_when_the_request_carries_a_bearer_token() -> None:
    app, csrf = make_app()

    @csrf.exempt_when
    async def by_token(request: Request) -> bool:
        return request.authorization is not None and request.authorization.type == "bearer"

    client = app.test_client()
    headers = {"Authorization": "Bearer secret"}
    assert (await client.post("/save", headers=headers)).status_code == 200
    assert (await client.post("/save", auth=("basic", "is sent unasked"))).status_code == 400


async def test_form_does_not_check_what_was_exempted() -> None:
    app, csrf = make_app()

    @app.post("/form")
    @csrf.exempt
    async def form() -> str:
        return str(await (await NameForm.from_request()).validate_on_submit())

    response = await app.test_client().post("/form", form={"name": "Ada"})
    assert await text_of(response) == "True"


# --- configuration -----------------------------------------------------------------


async def test_switched_off_for_a_test(app: Quart) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    assert (await app.test_client().post("/save")).status_code == 200


async def test_checked_only_where_asked() -> None:
    app, csrf = make_app(WTF_CSRF_CHECK_DEFAULT=False)

    @app.post("/asked")
    async def asked() -> str:
        await csrf.protect()
        return "saved"

    client = app.test_client()
    assert (await client.post("/save")).status_code == 200
    assert (await client.post("/asked")).status_code == 400


async def test_own_names_methods_and_key() -> None:
    app, _ = make_app(
        WTF_CSRF_METHODS="delete",
        WTF_CSRF_HEADERS="X-Guard",
        WTF_CSRF_FIELD_NAME="guard",
        WTF_CSRF_SECRET_KEY="another",
    )
    client = app.test_client()
    token = await token_of(client)
    assert (await client.post("/save")).status_code == 200
    assert (await client.delete("/save", headers={"X-CSRFToken": token})).status_code == 400
    assert (await client.delete("/save", headers={"X-Guard": token})).status_code == 200
    assert (await client.delete("/save", form={"guard": token})).status_code == 200


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("WTF_CSRF_TIME_LIMIT", -1),
        ("WTF_CSRF_TIME_LIMIT", 0),
        ("WTF_CSRF_TRUSTED_ORIGINS", "example.com"),
        ("WTF_CSRF_SSL_STRICT", "perhaps"),
    ],
)
def test_wrong_value_is_refused_at_start(key: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=key):
        make_app(Quart, **{key: value})


def test_second_protection_is_refused() -> None:
    app, csrf = make_app()
    with pytest.raises(ExtensionAlreadyInitializedError):
        csrf.init_app(app)


async def test_server_does_not_start_without_a_key() -> None:
    app = Quart("keyless")
    CSRFProtect(app)
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        await app.startup()


# --- https --------------------------------------------------------------------------

HOME = "https://localhost"


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, "referrer_missing"),
        ({"Origin": "null"}, "referrer_missing"),
        ({"Referer": f"{HOME}/page"}, "saved"),
        ({"Origin": HOME}, "saved"),
        ({"Referer": "http://localhost/page"}, "referrer_mismatch"),
        ({"Referer": "https://localhost.evil.example/"}, "referrer_mismatch"),
        ({"Origin": "https://evil.example", "Referer": HOME}, "referrer_mismatch"),
        ({"Origin": "https://shop.example"}, "saved"),
    ],
)
async def test_referrer_over_https(headers: dict[str, str], answer: str) -> None:
    app, _ = make_app(WTF_CSRF_TRUSTED_ORIGINS=["https://shop.example"])
    client = app.test_client()
    headers = {"X-CSRFToken": await token_of(client), **headers}
    response = await client.post("/save", headers=headers, scheme="https")
    assert await text_of(response) == answer


async def test_referrer_is_ignored_when_told_so() -> None:
    app, _ = make_app(WTF_CSRF_SSL_STRICT=False)
    client = app.test_client()
    headers = {"X-CSRFToken": await token_of(client)}
    assert (await client.post("/save", headers=headers, scheme="https")).status_code == 200


def test_error_is_a_bad_request_with_a_reason() -> None:
    error = CSRFError("token_missing")
    assert isinstance(error, BadRequest)
    assert error.reason == "token_missing"


@pytest.mark.parametrize(
    ("url", "host", "same"),
    [
        ("https://crm.example", "crm.example", True),
        ("https://crm.example", "crm.example:443", True),
        ("https://crm.example:443/orders/?page=2", "crm.example", True),
        ("http://crm.example", "crm.example:80", True),
        ("https://crm.example:8443", "crm.example:8443", True),
        ("https://crm.example", "crm.example:8443", False),
        ("https://crm.example:8443", "crm.example", False),
        ("https://evil.example", "crm.example", False),
        ("ftp://crm.example", "crm.example", False),
        ("https://crm.example", "", False),
    ],
)
def test_an_origin_is_at_its_host_only(url: str, host: str, same: bool) -> None:
    origin = Origin.parse(url)

    assert origin is not None
    assert origin.is_at(host) is same


@pytest.mark.parametrize(
    "url", [None, "", "null", "crm.example", "//crm.example", "https://", "https://crm.example:x"]
)
def test_these_have_no_origin(url: str | None) -> None:
    assert Origin.parse(url) is None
