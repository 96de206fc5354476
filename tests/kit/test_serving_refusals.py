"""Apps that the server does not serve, with the reason."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from quart import Blueprint
from quart import Quart as Stock
from quart.views import MethodView

from quarterdeck.app import Quart
from quarterdeck.exceptions import (
    ConfigurationError,
    ExtensionNotInitializedError,
    MarkWithoutExtensionError,
)
from quarterdeck.login import LoginManager, login_required, public
from quarterdeck.migrate import Migrate
from quarterdeck.security import security_headers
from quarterdeck.security.limits import Limiter, limit
from quarterdeck.serving.supervisor.refusals import check_extensions, refuse_unsafe
from quarterdeck.sqlalchemy import SQLAlchemy

from .supervised import SECONDS, start

pytestmark = pytest.mark.feature("AP6")


def make_view() -> Any:
    async def view() -> str:
        return "open"

    return view


@pytest.mark.parametrize(
    ("decorator", "name", "extension"),
    [
        (limit("5/minute"), "limit", "Limiter"),
        (login_required, "login_required", "LoginManager"),
        (security_headers(referrer_policy="origin"), "security_headers", "Security"),
    ],
    ids=["limit", "login_required", "security_headers"],
)
@pytest.mark.parametrize("kind", [Stock, Quart])
def test_a_decorator_without_its_extension_is_refused(
    decorator: Any, name: str, extension: str, kind: type[Stock]
) -> None:
    app = kind("tests")

    page = make_view()
    app.add_url_rule("/", "page", page)
    decorator(page)  # above 'route', so the view that runs is the plain one
    text = rf"'@{name}' of 'page' has no effect: the app has no '{extension}'\. Call "
    with pytest.raises(MarkWithoutExtensionError, match=text):
        refuse_unsafe(app, 1)
    if kind is Quart:
        with pytest.raises(MarkWithoutExtensionError, match=text):
            asyncio.run(app.startup())


def test_an_open_view_and_an_app_with_the_extension_are_served() -> None:
    app = Quart("tests")
    app.secret_key = "k" * 40
    app.add_url_rule("/", view_func=public(make_view()))
    app.add_url_rule("/limited", view_func=limit("5/minute")(make_view()), endpoint="limited")
    Limiter(app)
    refuse_unsafe(app, 1)


def limited_function(app: Stock) -> None:
    app.add_url_rule("/", view_func=limit("5/minute")(make_view()))


def limited_blueprint(app: Stock) -> None:
    blueprint = Blueprint("one", __name__)
    blueprint.add_url_rule("/", view_func=make_view())
    app.register_blueprint(limit("5/minute")(blueprint))


def limited_method(app: Stock) -> None:
    class Page(MethodView):
        @limit("5/minute")
        async def get(self) -> str:
            return "open"

    app.add_url_rule("/", view_func=Page.as_view("page"))


def limited_class(app: Stock) -> None:
    @limit("5/minute")
    class Page(MethodView):
        async def get(self) -> str:
            return "open"

    app.add_url_rule("/", view_func=Page.as_view("page"))


@pytest.mark.parametrize(
    "add", [limited_function, limited_blueprint, limited_method, limited_class]
)
async def test_a_limit_without_a_limiter_fails_at_the_first_request(add: Any) -> None:
    """In any Quart app, on any server."""
    app = Stock("tests")
    app.config["PROPAGATE_EXCEPTIONS"] = True
    add(app)
    with pytest.raises(ExtensionNotInitializedError, match="'Limiter' is not initialised"):
        await app.test_client().get("/")


async def test_the_same_views_work_with_a_limiter() -> None:
    for add in (limited_function, limited_blueprint, limited_method, limited_class):
        app = Stock("tests")
        Limiter(app)
        add(app)
        client = app.test_client()
        answers = [(await client.get("/")).status_code for _ in range(6)]
        assert answers == [200] * 5 + [429]


@pytest.mark.parametrize("key", ["DEBUG", "TESTING", None])
def test_sign_in_needs_a_secret_key(key: str | None) -> None:
    app = Quart("tests")
    LoginManager(app)
    if key is None:
        with pytest.raises(ConfigurationError, match=r"'SECRET_KEY' is not set\. Set it to"):
            refuse_unsafe(app, 1)
    else:
        app.config[key] = True
        refuse_unsafe(app, 1)


def test_an_app_without_cookies_needs_none() -> None:
    app = Quart("tests")
    refuse_unsafe(app, 1)
    manager = LoginManager(app)
    manager.request_loader(lambda request: None)
    refuse_unsafe(app, 1)
    manager.user_loader(lambda user_id: None)
    with pytest.raises(ConfigurationError, match=r"'SECRET_KEY' is not set"):
        refuse_unsafe(app, 1)


async def test_migrations_are_not_checked_while_the_database_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = await asyncio.to_thread(Quart, "tests")
    app.config["SQLALCHEMY_DATABASE_URI"] = "mysql+aiomysql://a:b@127.0.0.1:9/none"
    Migrate(app, SQLAlchemy(app), directory=tmp_path)
    await check_extensions(app)  # there is no folder
    (tmp_path / "env.py").touch()
    (tmp_path / "script.py.mako").touch()
    with caplog.at_level(logging.WARNING, "quarterdeck.migrate"):
        await check_extensions(app)
    assert "The migrations were not checked: " in caplog.text


APP = """
from quart import Quart
from sqlalchemy.orm import Mapped, mapped_column
from quarterdeck.migrate import Migrate
from quarterdeck.sqlalchemy import SQLAlchemy

app = Quart(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///boats.db"
db = SQLAlchemy(app)
Migrate(app, db)


class Boat(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
"""


PREPARE = """
import asyncio
import sys

from app import app
from quarterdeck import migrate
from quarterdeck.serving.supervisor.refusals import check_extensions


async def main():
    async with app.app_context():
        if sys.argv[1] == "migrate":
            await migrate.init()
            await migrate.migrate()
        else:
            await migrate.upgrade()
            await check_extensions(app)


asyncio.run(main())
"""


@pytest.mark.timeout(120)
async def test_pending_migrations_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "prepare.py").write_text(PREPARE)
    command = [sys.executable, "prepare.py"]
    run = partial(subprocess.run, cwd=tmp_path, check=True)
    await asyncio.to_thread(run, [*command, "migrate"])
    for workers in ("1", "2"):
        process = start(tmp_path, "--bind", "127.0.0.1:0", "--workers", workers)
        assert await asyncio.to_thread(process.wait, SECONDS) == 1
        said = (tmp_path / "log").read_text()
        assert said.count("The database is at no revision, the migrations are at ") == 1
        assert "Run 'db upgrade' first." in said
        assert "Traceback" not in said
    await asyncio.to_thread(run, [*command, "upgrade"])  # and nothing is refused any more
