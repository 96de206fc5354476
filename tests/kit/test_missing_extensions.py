"""A template that needs an extension: the error names the lines that add it."""

from __future__ import annotations

from importlib import import_module

import pytest
from jinja2 import TemplateNotFound, UndefinedError
from quart import render_template_string
from werkzeug.routing import BuildError

from quarterdeck.app import Quart
from quarterdeck.login import LoginManager

pytestmark = pytest.mark.feature("BS1", "MO1", "T1")

CASES = [
    ("{{ moment(1) }}", "moment", "Moment"),
    ("{{ _('Ship') }}", "babel", "Babel"),
    ("{{ csrf_token() }}", "wtf", "CSRFProtect"),
    ("{{ current_user.name }}", "login", "LoginManager"),
    ("{{ csp_nonce() }}", "security", "Security"),
    ("{{ bootstrap.load_css() }}", "bootstrap", "Bootstrap"),
    ("{% extends 'bootstrap/base.html' %}", "bootstrap", "Bootstrap"),
    ("{% from 'bootstrap5/form.html' import render_form %}", "bootstrap", "Bootstrap"),
    ("{{ url_for('sockets.static', filename='client.js') }}", "sockets", "Hub"),
]


@pytest.fixture
def app() -> Quart:
    return Quart(__name__)


@pytest.mark.parametrize(("source", "room", "extension"), CASES)
async def test_it_is_named(app: Quart, source: str, room: str, extension: str) -> None:
    async with app.test_request_context("/"):
        with pytest.raises((UndefinedError, TemplateNotFound, BuildError)) as caught:
            await render_template_string(source)
    text = "\n".join((str(caught.value), *getattr(caught.value, "__notes__", ())))
    lines = f"Add 'from quarterdeck.{room} import {extension}', and '{extension}(app)' in"
    assert f"needs the extension '{extension}', which this app does not have. {lines}" in text


def test_the_lines_work() -> None:
    for room, extension in {case[1:] for case in CASES}:
        getattr(import_module(f"quarterdeck.{room}"), extension)(Quart(__name__))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ ships.name }}", "'ships' is undefined"),
        ("{{ current_user.name }}", "'current_user' is undefined"),
        ("{% include 'ships.html' %}", "ships.html"),
    ],
)
async def test_other_errors_are_those_of_jinja(app: Quart, source: str, message: str) -> None:
    app.secret_key = "test"
    LoginManager(app, add_context_processor=False)
    async with app.test_request_context("/"):
        with pytest.raises((UndefinedError, TemplateNotFound), match=f"^{message}$"):
            await render_template_string(source)
        assert await render_template_string("{{ ships }}{{ ships is defined }}") == "False"
