"""What concerns a whole app: several in one process, other databases, proxies, signals, mail."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from quart import websocket
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import relationship
from werkzeug.middleware.proxy_fix import ProxyFix

from quarterdeck._state import close_extensions
from quarterdeck.bridge import wait
from quarterdeck.bridge.flask import Flask, request, template_rendered
from quarterdeck.bridge.mail import Mail
from quarterdeck.bridge.sqlalchemy import Query, SQLAlchemy
from tests import databases

from .blog import User, db, make_app
from .conftest import inside


@inside
def test_several_apps_share_the_models(app: Flask, tmp_path: Path) -> None:
    other = make_app(tmp_path)
    if not databases.is_sqlite():
        other.config["SQLALCHEMY_DATABASE_URI"] = databases.uri(tmp_path, "other.db")
    with other.app_context():
        db.create_all()
        db.session.add(User(name="Zoe"))
        db.session.commit()
        assert User.query.count() == 1
        with app.app_context():
            assert User.query.count() == 2
        assert User.query.one().name == "Zoe"
    wait(close_extensions(other))


@pytest.fixture(name="in_file")
def _in_file(tmp_path: Path) -> Flask:
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'first.db'}"
    return app


@pytest.mark.sqlite_only
def test_engines_follow_the_configuration_of_a_test(in_file: Flask, tmp_path: Path) -> None:
    app, mine = in_file, SQLAlchemy(in_file)

    @inside
    def test() -> None:
        assert mine.engine.url.database.endswith("first.db")  # the app of the constructor
        app.config.update(TESTING=True, SQLALCHEMY_DATABASE_URI="sqlite:///:memory:")
        mine.create_all()
        with app.app_context():
            assert mine.engine.url.database == ":memory:"
        assert not [*tmp_path.iterdir()]

    _run(test, app)


def test_options_of_both_versions_of_flask_sqlalchemy(in_file: Flask) -> None:
    class Mine(Query[Any]):
        def named(self, name: str) -> Any:
            return self.filter_by(name=name)

    mine = SQLAlchemy(
        query_class=Mine,
        session_options={"autoflush": False, "expire_on_commit": False},
        use_native_unicode=True,
    )

    class Thing(mine.Model):  # type: ignore[name-defined, misc]
        id = Column(Integer, primary_key=True)
        name = Column(String(20))
        parent_id = Column(Integer, ForeignKey("thing.id"))
        children = relationship("Thing", lazy="dynamic")

    mine.init_app(in_file)

    @inside
    def test() -> None:
        with in_file.app_context():
            mine.create_all()
            parent = Thing(name="a")
            parent.children.append(Thing(name="b"))
            mine.session.add(parent)
            mine.session.commit()
            assert not mine.session.autoflush
            assert "name" in vars(parent)  # not expired
            assert Thing.query.named("b").one() is parent.children.named("b").first()
            assert [key.name for key in Thing.__table__.constraints if key.name] == []

    _run(test, in_file)


@pytest.mark.filterwarnings("ignore:Object of type <Photo> not in session")
@pytest.mark.parametrize("lazy", ["select", "dynamic"])
@pytest.mark.parametrize("cascades", [True, False])
def test_a_new_object_joins_the_session_of_the_other_side(
    in_file: Flask, cascades: bool, lazy: Any
) -> None:
    in_file.config["BRIDGE_CASCADE_BACKREFS"] = cascades
    mine = SQLAlchemy(in_file)

    class Photographer(mine.Model):  # type: ignore[name-defined, misc]
        id = Column(Integer, primary_key=True)
        photos = relationship("Photo", backref="author", lazy=lazy)

    class Photo(mine.Model):  # type: ignore[name-defined, misc]
        id = Column(Integer, primary_key=True)
        author_id = Column(Integer, ForeignKey("photographer.id"))

    @inside
    def test() -> None:
        with in_file.app_context():
            mine.create_all()
            ada = Photographer()
            mine.session.add(ada)
            mine.session.commit()
            Photo(author=ada)
            mine.session.commit()
            assert Photo.query.count() == int(cascades)

    _run(test, in_file)


def _run(test: Any, app: Flask) -> None:
    async def run() -> None:
        try:
            await test()
        finally:
            await close_extensions(app)

    asyncio.run(run())


async def test_middleware_of_wsgi_changes_the_request(app: Flask) -> None:
    def gate(inner: Any) -> Any:
        def call(environ: dict[str, Any], start_response: Any) -> Any:
            if environ["PATH_INFO"] == "/closed":
                start_response("503 Closed", [("Content-Type", "text/plain")])
                return [b"closed"]
            return inner(environ, start_response)

        return call

    app.wsgi_app = ProxyFix(gate(app.wsgi_app), x_for=1, x_proto=1, x_host=1, x_prefix=1)
    app.add_url_rule("/where", view_func=lambda: f"{request.remote_addr} {request.url}")
    client = app.test_client()

    forwarded = {
        "X-Forwarded-For": "10.9.8.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
    }
    assert (await client.get("/where", headers=forwarded)).text == (
        "10.9.8.7 https://shop.example/where"
    )
    closed = await client.get("/closed")
    assert (closed.status_code, closed.text) == (503, "closed")


@inside
def test_plain_receivers_of_signals_may_wait(app: Flask) -> None:
    heard = []

    def record(_sender: Any, template: Any, context: dict[str, Any], **_: Any) -> None:
        heard.append((template.name, len(context["users"]), User.query.count()))

    with template_rendered.connected_to(record, app):
        app.test_client().get("/")

    assert heard == [(None, 2, 2)]


async def test_a_websocket_may_call_plain_functions_that_wait(app: Flask) -> None:
    def count() -> int:
        return int(User.query.count())

    @app.websocket("/ws")
    async def talk() -> None:
        await websocket.send(str(count()))

    async with app.test_client().websocket("/ws") as connection:
        assert await connection.receive() == "2"


@inside
def test_mail_is_sent_by_plain_code(app: Flask) -> None:
    app.config.update(MAIL_SERVER=None, MAIL_BACKEND="memory", MAIL_SUPPRESS_SEND=False)
    mail = Mail(app)
    with app.app_context():
        with mail.record_messages() as messages:
            mail.send_message("Hello", sender="a@example.com", recipients=["b@example.com"])
            with mail.connect() as connection:
                connection.send_message("2", sender="a@example.com", recipients=["b@example.com"])
        assert [each.subject for each in messages] == ["Hello", "2"]
