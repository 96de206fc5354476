"""The small rooms of the bridge: migrations, sessions, Bootstrap and times, in plain functions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Column, Integer
from wtforms import StringField

from quarterdeck._state import close_extensions
from quarterdeck.bridge import bootstrap, migrate, wait
from quarterdeck.bridge.flask import Flask, render_template_string, session
from quarterdeck.bridge.moment import Moment
from quarterdeck.bridge.old_names import add_selectors
from quarterdeck.bridge.session import Session
from quarterdeck.bridge.sqlalchemy import SQLAlchemy
from quarterdeck.bridge.wtf import FlaskForm

from .conftest import inside


@pytest.fixture(name="app")
def _app(tmp_path: Path) -> Flask:
    app = Flask(__name__, instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="x" * 32, SQLALCHEMY_DATABASE_URI="sqlite:///a.db")
    return app


@pytest.fixture(name="db")
def _db(app: Flask, tmp_path: Path) -> SQLAlchemy:
    db = SQLAlchemy(app)
    migrate.Migrate(app, db, directory=str(tmp_path / "migrations"))
    return db


@pytest.mark.sqlite_only
@inside
def test_the_verbs_of_migrations_wait_in_plain_functions(app: Flask, db: SQLAlchemy) -> None:
    class Boat(db.Model):  # type: ignore[name-defined, misc]
        id = Column(Integer, primary_key=True)

    with app.app_context():
        migrate.init()
        written = migrate.migrate(message="Add boats")
        assert migrate.current() == []
        migrate.upgrade()
        assert migrate.current() == [written]
        assert Boat.query.count() == 0
        migrate.downgrade()
        assert migrate.current() == []
    wait(close_extensions(app))


@pytest.fixture(name="with_sessions")
def _with_sessions(app: Flask, db: SQLAlchemy) -> Flask:
    app.config.update(SESSION_TYPE="sqlalchemy", SESSION_SQLALCHEMY=db)
    Session(app)
    return app


@pytest.mark.sqlite_only
@inside
def test_a_session_on_the_server_is_read_in_a_plain_view(
    with_sessions: Flask, db: SQLAlchemy
) -> None:
    app = with_sessions

    @app.route("/")
    def index() -> str:
        session["visits"] = session.get("visits", 0) + 1
        return str(session["visits"])

    with app.app_context():
        db.create_all()
    with app.test_client() as client:
        assert client.get("/").text == "1"
        assert client.get("/").text == "2"
    wait(close_extensions(app))


@pytest.fixture(name="with_pages")
def _with_pages(app: Flask) -> Flask:
    bootstrap.Bootstrap4(app)
    Moment().init_app(app)
    return app


def test_the_decorators_that_flask_babel_dropped_choose_the_locale() -> None:
    """The first lines of Flask-Babel 4, which is not among the packages of the tests."""

    class Babel:
        def init_app(self, app: object, *, locale_selector: Any, timezone_selector: Any) -> None:
            self.selectors = [locale_selector, timezone_selector]

    module = ModuleType("flask_babel")
    vars(module)["Babel"] = Babel
    add_selectors(module)
    babel: Any = Babel()
    babel.init_app(object())

    @babel.localeselector  # type: ignore[untyped-decorator]
    def choose() -> str:
        return "de"

    assert [select() for select in babel.selectors] == ["de", None]


@inside
def test_a_plain_view_renders_bootstrap_and_times(with_pages: Flask) -> None:
    app = with_pages

    class Form(FlaskForm):
        name = StringField("The name")

    @app.route("/")
    def index() -> str:
        text: str = render_template_string(
            "{% from 'bootstrap/form.html' import render_form %}{{ render_form(form) }}"
            "{{ bootstrap.load_css() }}{{ moment.include_jquery() }}{{ moment.include_moment() }}"
            "{{ moment(time).fromNow() }}",
            form=Form(),
            time=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        )
        return text

    text = app.test_client().get("/").text

    assert "form-control" in text
    assert "The name" in text
    assert "2026-01-02T03:04:00" in text
    assert "jquery" not in text
    assert "moment.js" in text
