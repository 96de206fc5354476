"""Forms that come back with their entries where the token does not fit."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from quart import Quart, Response, abort, render_template_string, request
from quart.datastructures import FileStorage
from wtforms import PasswordField, StringField

from quarterdeck.wtf import CSRFProtect, FileField, QuartForm, Resubmission
from quarterdeck.wtf.resubmission import MAX_BODY, MAX_ENTRIES, MAX_LENGTH

HTML = {"Accept": "text/html"}
PAGE = """{{ form.hidden_tag() }}{{ form.name }}{{ form.secret }}{{ form.errors[""] | join }}"""


class NameForm(QuartForm):
    name = StringField()
    secret = PasswordField()
    photo = FileField()


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart("redisplay")
    app.secret_key = "for these tests"
    csrf = CSRFProtect(app)
    app.config["SAVED"] = []

    @app.get("/token")
    async def token() -> str:
        return await render_template_string("{{ csrf_token() }}")

    @app.post("/save")
    @csrf.redisplay
    async def save() -> Any:
        form = await NameForm.from_request()
        if await form.validate_on_submit():
            app.config["SAVED"].append(form.name.data)
            return "saved"
        return await render_template_string(PAGE, form=form), 422

    @app.post("/delete")
    async def delete() -> str:
        app.config["SAVED"].append("deleted")
        return "deleted"

    @app.before_request
    async def keep() -> Response | None:
        if "X-Keep" not in request.headers:
            return None
        kept = await Resubmission.from_request(exclude={"secret"})
        if kept is None:
            abort(404)
        return Response(kept.dumps())

    app.before_request_funcs[None].reverse()  # as a LoginManager, before the token is checked
    return app


async def send(app: Quart, path: str = "/save", **options: Any) -> tuple[int, str]:
    options["headers"] = HTML | options.get("headers", {})
    response = await app.test_client().post(path, **options)
    return response.status_code, str(await response.get_data(as_text=True))


async def kept(app: Quart, **options: Any) -> Resubmission | None:
    headers = {"X-Keep": "1"} | options.pop("headers", {})
    status, text = await send(app, headers=headers, **options)
    if status == 404:
        return None
    async with app.app_context():
        return Resubmission.loads(text)


async def test_a_form_without_a_token_is_shown_again(app: Quart) -> None:
    status, text = await send(app, form={"name": "Ada", "secret": "hidden"})

    assert status == 422
    assert 'value="Ada"' in text
    assert "hidden" not in text.replace('type="hidden"', "")
    assert "Nothing was saved yet. Check your entries and send them again." in text
    assert "Enter the passwords again. Choose the files again." in text
    assert app.config["SAVED"] == []


async def test_it_is_saved_with_the_token_of_the_page(app: Quart) -> None:
    client = app.test_client()
    token = await (await client.get("/token")).get_data(as_text=True)

    response = await client.post("/save", form={"name": "Ada", "csrf_token": token}, headers=HTML)

    assert response.status_code == 200
    assert app.config["SAVED"] == ["Ada"]


async def test_other_views_still_refuse(app: Quart) -> None:
    assert (await send(app, "/delete"))[0] == 400
    assert app.config["SAVED"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/page"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Mode": "cors"},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Accept": "application/json"},
    ],
    ids=str,
)
async def test_other_sites_and_scripts_are_refused(app: Quart, headers: dict[str, str]) -> None:
    assert (await send(app, form={"name": "Ada"}, headers=headers))[0] == 400
    assert await kept(app, form={"name": "Ada"}, headers=headers) is None


async def test_entries_are_kept_without_token_passwords_and_files(app: Quart) -> None:
    form = {"name": "Ada", "secret": "hidden", "csrf_token": "old", "shop-csrf_token": "old"}
    files = {"photo": FileStorage(BytesIO(b"picture"), "photo.png")}

    found = await kept(app, path="/save?from=list", form=form, files=files)

    assert found == Resubmission("/save?from=list", (("name", "Ada"),), has_files=True)


async def test_hidden_fields_are_escaped(app: Quart) -> None:
    found = await kept(app, form={"name": '"><script>'})

    assert found is not None
    tag = '<input type="hidden" name="name" value="&#34;&gt;&lt;script&gt;">'
    assert found.hidden_tag() == tag


async def test_all_values_of_a_name_are_kept_in_their_order(app: Quart) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    found = await kept(app, data=b"name=Ada&name=Grace", headers=headers)

    assert found == Resubmission("/save", (("name", "Ada"), ("name", "Grace")), has_files=False)
    assert found.hidden_tag().splitlines() == [
        '<input type="hidden" name="name" value="Ada">',
        '<input type="hidden" name="name" value="Grace">',
    ]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"name": "  ", "csrf_token": "old"},
        {"name": "x" * MAX_LENGTH},
        {f"field-{number}": "1" for number in range(MAX_ENTRIES + 1)},
    ],
    ids=["nothing", "blank", "long", "many"],
)
async def test_forms_without_entries_and_large_ones_are_not_kept(
    app: Quart, form: dict[str, str]
) -> None:
    assert await kept(app, form=form) is None


async def test_a_large_body_is_not_read(app: Quart) -> None:
    headers = {"Content-Length": str(MAX_BODY + 1)}

    assert await kept(app, form={"name": "Ada"}, headers=headers) is None


async def test_text_that_this_app_did_not_sign_is_ignored(app: Quart) -> None:
    async with app.app_context():
        assert Resubmission.loads('["/save",[["name","Ada"]],false]') is None
        assert Resubmission.loads("") is None
