"""Configuration: where it comes from, and what each key does."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import quart
from quart import render_template, request, session
from werkzeug.exceptions import NotFound

from quarterdeck.app import Quart
from quarterdeck.app.config import CONFIG
from quarterdeck.exceptions import ConfigurationError


@pytest.fixture
def app() -> Quart:
    return Quart(__name__)


class Base:
    TITLE = "base"
    lower = "ignored"

    @staticmethod
    def init_app(app: quart.Quart) -> None:
        app.config["READY"] = True


class Testing(Base):
    TESTING = True


@pytest.mark.feature("C1", "C2")
def test_configuration_from_a_class_and_its_name(app: Quart) -> None:
    app.config.from_object(Testing)
    Testing.init_app(app)
    assert (app.config["TITLE"], app.testing, app.config["READY"]) == ("base", True, True)
    assert "lower" not in app.config
    app.config["TITLE"] = "other"
    app.config.update(TITLE="third")
    app.config.from_object(f"{__name__}.Base")
    assert app.config["TITLE"] == "base"


@pytest.mark.feature("C3")
def test_configuration_from_a_file_and_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.py").write_text("TITLE = 'file'\nlower = 1\n")
    app = Quart(__name__, instance_path=str(tmp_path), instance_relative_config=True)
    app.config.from_pyfile("config.py")
    assert app.config["TITLE"] == "file"
    assert "lower" not in app.config
    monkeypatch.setenv("SHOP_SETTINGS", str(tmp_path / "config.py"))
    other = Quart(__name__)
    other.config.from_envvar("SHOP_SETTINGS")
    assert other.config["TITLE"] == "file"
    assert not other.config.from_pyfile("none.py", silent=True)


# --- keys of the kit ------------------------------------------------------------------


@pytest.mark.parametrize("key", CONFIG, ids=lambda key: key.name)
def test_every_key_of_the_room_has_its_default(key: Any) -> None:
    assert Quart(__name__).config[key.name] == key.default


async def test_texts_from_the_environment_are_understood(app: Quart) -> None:
    app.config.update(MAX_JSON_SIZE="1000", JINJA_ASYNC="no", TRUSTED_HOSTS="a.example,.b.example")
    await app.startup()
    assert app.config["MAX_JSON_SIZE"] == 1000
    assert app.config["JINJA_ASYNC"] is False
    assert app.config["TRUSTED_HOSTS"] == ["a.example", ".b.example"]


async def test_a_value_that_cannot_work_stops_the_start(app: Quart) -> None:
    app.config["MAX_JSON_DEPTH"] = 0
    with pytest.raises(ConfigurationError, match="'MAX_JSON_DEPTH' is 0"):
        await app.startup()


# --- keys of Flask and Quart ----------------------------------------------------------


@pytest.mark.feature("C5")
async def test_trap_keys_let_http_errors_through(app: Quart) -> None:
    app.add_url_rule("/need", "need", lambda: request.args["q"])
    app.config["PROPAGATE_EXCEPTIONS"] = True
    client = app.test_client()
    assert (await client.get("/need")).status_code == 400
    app.config["TRAP_BAD_REQUEST_ERRORS"] = True
    with pytest.raises(KeyError):
        await client.get("/need")
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    with pytest.raises(NotFound):
        await client.get("/nowhere")


@pytest.mark.feature("C5")
async def test_testing_and_propagate_exceptions(app: Quart) -> None:
    async def fail() -> str:
        raise LookupError

    app.add_url_rule("/", "fail", fail)
    client = app.test_client()
    assert (await client.get("/")).status_code == 500
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(LookupError):
        await client.get("/")


@pytest.mark.feature("C5")
async def test_explain_template_loading_logs_where_it_looked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.html").write_text("a")
    app = Quart(__name__, root_path=str(tmp_path))
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    with caplog.at_level(logging.INFO):
        async with app.app_context():
            assert await render_template("a.html") == "a"
    assert "Locating template 'a.html'" in caplog.text


@pytest.mark.feature("C5")
async def test_templates_auto_reload(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    page = tmp_path / "templates" / "a.html"
    for reload, seen in ((True, "second"), (False, "first")):
        page.write_text("first")
        app = Quart(__name__, root_path=str(tmp_path))
        app.config["TEMPLATES_AUTO_RELOAD"] = reload
        async with app.app_context():
            assert await render_template("a.html") == "first"
            page.write_text("second")
            assert await render_template("a.html") == seen


@pytest.mark.feature("C5")
async def test_application_root_is_the_path_of_the_session_cookie(app: Quart) -> None:
    app.config.update(APPLICATION_ROOT="/crm", SECRET_KEY="x")

    async def view() -> str:
        session["a"] = 1
        return ""

    app.add_url_rule("/", "view", view)
    assert "Path=/crm" in (await app.test_client().get("/")).headers["Set-Cookie"]
