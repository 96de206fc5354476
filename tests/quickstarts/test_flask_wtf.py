"""Flask-WTF: a form, its validation, an upload, protected scripts."""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from quart import redirect, render_template_string
from quart.datastructures import FileStorage
from werkzeug.utils import secure_filename
from wtforms import StringField
from wtforms.validators import DataRequired

from quarterdeck.app import Quart
from quarterdeck.wtf import (
    CSRFError,
    CSRFProtect,
    FileAllowed,
    FileField,
    FileRequired,
    QuartForm,
)

pytestmark = pytest.mark.feature("W1", "W2", "W3")


class MyForm(QuartForm):
    name = StringField("name", validators=[DataRequired()])


class PhotoForm(QuartForm):
    photo = FileField(validators=[FileRequired(), FileAllowed(["jpg", "png"], "Images only!")])


SUBMIT = """<form method="POST" action="/submit">{{ form.csrf_token }}
{{ form.name.label }} {{ form.name(size=20) }} {{ form.name.errors | join }}
<input type="submit" value="Go"></form>"""
UPLOAD = """<form method="POST" enctype="multipart/form-data">{{ form.hidden_tag() }}
{{ form.photo }} {{ form.photo.errors | join }}</form>"""


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    app = Quart(__name__, instance_path=str(tmp_path))
    app.secret_key = "only for this test"
    csrf = CSRFProtect(app)

    @app.route("/submit", methods=["GET", "POST"])
    async def submit() -> Any:
        form = await MyForm.from_request()
        if await form.validate_on_submit():
            return redirect("/success")
        return await render_template_string(SUBMIT, form=form)

    @app.route("/upload", methods=["GET", "POST"])
    async def upload() -> Any:
        form = await PhotoForm.from_request()
        if await form.validate_on_submit():
            f = form.photo.data
            await f.save(tmp_path / secure_filename(f.filename))
            return redirect("/submit")
        return await render_template_string(UPLOAD, form=form)

    @app.route("/page")
    async def page() -> str:
        return await render_template_string("{{ csrf_meta_tag() }}{{ csrf_token() }}")

    @app.route("/save", methods=["POST"])
    async def save() -> str:
        return "saved"

    @app.route("/hook", methods=["POST"])
    @csrf.exempt
    async def hook() -> str:
        return "taken"

    @app.errorhandler(CSRFError)
    async def handle_csrf_error(e: CSRFError) -> tuple[str, int]:
        return f"refused: {e.description}", 400

    return app


async def text(response: Any) -> str:
    return str(await response.get_data(as_text=True))


async def token_of(client: Any, path: str) -> str:
    (token,) = re.findall(
        r'name="csrf_token"[^>]* value="([^"]+)"', await text(await client.get(path))
    )
    return str(token)


async def test_a_form(app: Quart) -> None:
    client = app.test_client()
    token = await token_of(client, "/submit")
    empty = await client.post("/submit", form={"csrf_token": token, "name": ""})
    assert "This field is required." in await text(empty)
    answer = await client.post("/submit", form={"csrf_token": token, "name": "Ada"})
    assert answer.location == "/success"
    refused = await client.post("/submit", form={"name": "Ada"})
    assert (refused.status_code, (await text(refused)).partition(":")[0]) == (400, "refused")


async def test_an_upload(app: Quart, tmp_path: Path) -> None:
    client = app.test_client()
    token = await token_of(client, "/upload")

    async def send(name: str) -> Any:
        files = {"photo": FileStorage(BytesIO(b"picture"), filename=name)}
        return await client.post("/upload", form={"csrf_token": token}, files=files)

    assert "Images only!" in await text(await send("virus.exe"))
    assert (await send("../me.png")).location == "/submit"
    assert os.listdir(tmp_path) == ["me.png"]


async def test_scripts_send_a_header(app: Quart) -> None:
    client = app.test_client()
    page = await text(await client.get("/page"))
    (token,) = re.findall(r'<meta name="csrf-token" content="([^"]+)">', page)
    assert page.endswith(token)
    saved = await client.post("/save", headers={"X-CSRFToken": token}, json={})
    assert await text(saved) == "saved"
    assert (await client.post("/save", json={})).status_code == 400
    assert await text(await client.post("/hook")) == "taken"
