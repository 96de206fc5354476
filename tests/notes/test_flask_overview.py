"""The note "What is Flask": eighteen short chapters, ported as the docs say."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from markupsafe import Markup
from quart import (
    Response,
    flash,
    get_flashed_messages,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
    views,
)
from sqlalchemy import Column, Integer, String
from werkzeug.routing import BaseConverter, MapAdapter
from werkzeug.utils import secure_filename

from quarterdeck.app import Blueprint, Quart
from quarterdeck.commands import Commands, create_group
from quarterdeck.migrate import Migrate
from quarterdeck.routing import RegexConverter
from quarterdeck.session import Session
from quarterdeck.sqlalchemy import SQLAlchemy

from .conftest import text_of


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    (tmp_path / "templates").mkdir()
    app = Quart("shop", root_path=str(tmp_path), template_folder="templates")
    app.config.update(SECRET_KEY="some_secret", PROPAGATE_EXCEPTIONS=True)
    return app


class TestChapter2And3:
    """A response object as the app, and the first program."""

    async def test_hello(self, app: Quart) -> None:
        @app.route("/")
        async def hello_world() -> str:
            return "Hello World!"

        @app.route("/object")
        async def as_object() -> Response:
            return Response("Hello World!")

        assert await text_of(app, "/") == await text_of(app, "/object") == "Hello World!"


class TestChapter4Routes:
    @pytest.mark.parametrize(
        ("rule", "path", "expected"),
        [
            ("/user/<username>", "/user/harry", "'harry'"),
            ("/post/<int:post_id>", "/post/7", "7"),
            ("/post/<float:post_id>", "/post/7.5", "7.5"),
            ("/post/<path:path>", "/post/a/b", "'a/b'"),
            ("/post/<any(red, blue):color>", "/post/blue", "'blue'"),
        ],
    )
    async def test_converters(self, app: Quart, rule: str, path: str, expected: str) -> None:
        @app.route(rule)
        async def view(**values: Any) -> str:
            [value] = values.values()
            return repr(value)

        assert await text_of(app, path) == expected

    async def test_methods_and_endpoint(self, app: Quart) -> None:
        @app.route("/login", methods=["GET", "POST"], endpoint="enter")
        async def login() -> str:
            return f"{request.method} {url_for('enter')}"

        client = app.test_client()
        assert await (await client.post("/login")).get_data(as_text=True) == "POST /login"
        assert (await client.put("/login")).status_code == 405

    async def test_a_converter_of_ones_own(self, app: Quart) -> None:
        class Number(BaseConverter):
            def __init__(self, map: Any, regex: str) -> None:
                super().__init__(map)
                self.regex = regex

            def to_python(self, value: str) -> int:
                return int(value)

            def to_url(self, value: Any) -> str:
                return super().to_url(value)

        app.url_map.converters["number"] = Number

        @app.route(r'/index/<number("\d+"):nid>')
        async def index(nid: int) -> str:
            return f"{nid + 1} {url_for('index', nid='888')}"

        assert await text_of(app, "/index/41") == "42 /index/888"

    async def test_the_regex_converter_is_there(self, app: Quart) -> None:
        assert app.url_map.converters["regex"] is RegexConverter

        @app.route(r'/index/<regex("\d+"):nid>')
        async def index(nid: str) -> str:
            return nid

        assert await text_of(app, "/index/41") == "41"
        assert (await app.test_client().get("/index/x")).status_code == 404

    async def test_arguments_of_a_rule(self, app: Quart) -> None:
        async def view(k: str) -> str:
            return k

        app.add_url_rule("/plain", view_func=view, endpoint="plain", defaults={"k": "v"})
        app.add_url_rule("/loose", view_func=view, defaults={"k": "v"}, strict_slashes=False)

        @app.route("/home/<int:nid>")
        async def home(nid: int) -> str:
            return str(nid)

        def to_home(adapter: MapAdapter, nid: int) -> str:
            return "/home/888"

        app.add_url_rule("/old/<int:nid>", redirect_to="/home/<nid>", endpoint="old")
        app.add_url_rule("/older/<int:nid>", redirect_to=to_home, endpoint="older")
        assert await text_of(app, "/plain") == "v"
        assert await text_of(app, "/loose/") == "v"
        client = app.test_client()
        assert (await client.get("/old/5")).headers["Location"].endswith("/home/5")
        assert (await client.get("/older/5")).headers["Location"].endswith("/home/888")

    async def test_subdomains(self, tmp_path: Path) -> None:
        app = Quart("shop", root_path=str(tmp_path), subdomain_matching=True)
        app.config["SERVER_NAME"] = "example.com:5000"

        @app.route("/", subdomain="admin")
        async def fixed() -> str:
            return "admin"

        @app.route("/dynamic", subdomain="<username>")
        async def dynamic(username: str) -> str:
            return username

        for path, host in (("/", "admin"), ("/dynamic", "ada")):
            answer = await text_of(app, path, headers={"Host": f"{host}.example.com:5000"})
            assert answer == host


class TestChapter5Views:
    async def test_a_class_with_decorators(self, app: Quart) -> None:
        def shouting(view: Callable[..., Any]) -> Callable[..., Any]:
            async def shout(*args: Any, **kwargs: Any) -> str:
                return str(await view(*args, **kwargs)).upper()

            return shout

        class IndexView(views.View):
            methods = ["GET"]
            decorators = [shouting]

            async def dispatch_request(self, **_: Any) -> str:
                return "Index!"

        app.add_url_rule("/index", view_func=IndexView.as_view("index"))
        assert await text_of(app, "/index") == "INDEX!"
        assert (await app.test_client().post("/index")).status_code == 405

    async def test_the_login_of_the_note(
        self, app: Quart, template: Callable[[str, str], None]
    ) -> None:
        template("login.html", "<form>{{ error }}</form>")
        template("index.html", "Welcome")

        @app.route("/login/", methods=["GET", "POST"])
        async def login() -> Any:
            if request.method == "GET":
                return await render_template("login.html")
            form = await request.form
            if form.get("user") == "harry" and form.get("pwd") == "secret":
                session["user"] = form["user"]
                return redirect("/index/")
            return await render_template("login.html", error="Wrong name or password")

        @app.route("/index/")
        async def index() -> Any:
            if not session.get("user"):
                return redirect("/login/")
            return await render_template("index.html")

        client = app.test_client()
        assert (await client.get("/index/")).headers["Location"] == "/login/"
        wrong = await client.post("/login/", form={"user": "harry", "pwd": "x"})
        assert "Wrong name" in await wrong.get_data(as_text=True)
        right = await client.post("/login/", form={"user": "harry", "pwd": "secret"})
        assert right.headers["Location"] == "/index/"
        assert await (await client.get("/index/")).get_data(as_text=True) == "Welcome"


class Production:
    DEBUG = False
    DATABASE_URI = "mysql://user@localhost/foo"
    not_a_key = 1


class TestChapter6Configuration:
    def test_ways_to_configure(self, app: Quart) -> None:
        app.config["DEBUG"] = True
        app.config.update(TESTING=True)
        app.config.from_object(f"{__name__}.Production")
        assert (app.config["DEBUG"], app.config["TESTING"]) == (False, True)
        assert app.config["DATABASE_URI"] == "mysql://user@localhost/foo"
        assert "not_a_key" not in app.config

    def test_the_defaults_that_still_exist(self, app: Quart) -> None:
        for key in (
            "SECRET_KEY",
            "SERVER_NAME",
            "PERMANENT_SESSION_LIFETIME",
            "MAX_CONTENT_LENGTH",
        ):
            assert key in app.config


class TestChapter7RequestsAndResponses:
    async def test_what_a_request_knows(self, app: Quart) -> None:
        @app.route("/login.html", methods=["GET", "POST"])
        async def login() -> dict[str, Any]:
            form, values, files = await request.form, await request.values, await request.files
            return {
                "method": request.method,
                "args": request.args["a"],
                "form": form["b"],
                "values": [values["a"], values["b"]],
                "cookies": request.cookies["c"],
                "headers": request.headers["X-Test"],
                "path": request.path,
                "full_path": request.full_path,
                "script_root": request.script_root,
                "url": request.url,
                "base_url": request.base_url,
                "url_root": request.url_root,
                "host_url": request.host_url,
                "host": request.host,
                "files": [secure_filename(str(one.filename)) for one in files.values()],
            }

        client = app.test_client()
        client.set_cookie("localhost", "c", "3")
        response = await client.post("/login.html?a=1", form={"b": "2"}, headers={"X-Test": "x"})
        assert await response.get_json() == {
            "method": "POST",
            "args": "1",
            "form": "2",
            "values": ["1", "2"],
            "cookies": "3",
            "headers": "x",
            "path": "/login.html",
            "full_path": "/login.html?a=1",
            "script_root": "",
            "url": "http://localhost/login.html?a=1",
            "base_url": "http://localhost/login.html",
            "url_root": "http://localhost/",
            "host_url": "http://localhost/",
            "host": "localhost",
            "files": [],
        }

    async def test_what_a_response_can_carry(
        self, app: Quart, template: Callable[[str, str], None]
    ) -> None:
        template("index.html", "Index")

        @app.route("/")
        async def index() -> Any:
            response: Any = await make_response(await render_template("index.html"))
            response.delete_cookie("key")
            response.set_cookie("other", "value")
            response.headers["X-Something"] = "A value"
            return response

        response = await app.test_client().get("/")
        assert response.headers["X-Something"] == "A value"
        cookies = response.headers.getlist("Set-Cookie")
        assert [cookie.partition("=")[0] for cookie in cookies] == ["key", "other"]


async def test_chapter_8_templates(app: Quart, template: Callable[[str, str], None]) -> None:
    template("layout.html", "<h1>Templates</h1>{% block body %}{% endblock %}")
    template(
        "index.html",
        """{% extends 'layout.html' %}{% block body %}
        {{ v1 }}{% for item in v2 %}<li>{{ item }}</li>{% endfor %}{{ v2.1 }}
        {% for k, v in v3.items() %}<li>{{ k }} {{ v }}</li>{% endfor %}
        {{ v3.k1 }}{{ v3.get('k1') }}
        {{ v4 }}<b>{{ test(1, 19) }}</b>{{ sb(1, 2) }} {{ 1|db(2, 3) }}
        {% macro field(name, type='text', value='') %}
        <input type="{{ type }}" name="{{ name }}" value="{{ value }}">{% endmacro %}
        {{ field('n1') }}{% endblock %}""",
    )

    @app.template_global()
    def sb(a1: int, a2: int) -> int:
        return a1 + a2 + 100

    @app.template_filter()
    def db(a1: int, a2: int, a3: int) -> int:
        return a1 + a2 + a3

    def test(a1: int, a2: int) -> int:
        return a1 + a2

    @app.route("/index", endpoint="xx")
    async def index() -> str:
        values: dict[str, Any] = {
            "v1": "text <",
            "v2": [11, 22, 33],
            "v3": {"k1": "v1", "k2": "v2"},
            "v4": Markup("<input type='text' />"),
        }
        return await render_template("index.html", **values, test=test)

    html = await text_of(app, "/index")
    for part in ("<h1>Templates</h1>", "text &lt;", "<li>22</li>", "<li>k2 v2</li>", "v1v1"):
        assert part in html
    for part in (
        "<input type='text' />",
        "<b>20</b>103 6",
        '<input type="text" name="n1" value="">',
    ):
        assert part in html


async def test_chapter_9_session(app: Quart) -> None:
    Session(app)

    @app.route("/ses")
    async def ses() -> dict[str, Any]:
        session["k1"] = 123
        session["k2"] = 456
        del session["k1"]
        return {key: session[key] for key in session if key == "k2"}

    @app.route("/later")
    async def later() -> dict[str, Any]:
        return {"k1": session.get("k1"), "k2": session.get("k2")}

    client = app.test_client()
    assert await (await client.get("/ses")).get_json() == {"k2": 456}
    assert await (await client.get("/later")).get_json() == {"k1": None, "k2": 456}


async def test_chapter_10_flash(app: Quart) -> None:
    @app.route("/page1")
    async def page1() -> str:
        await flash("first", "error")
        await flash("second", "error")
        await flash("third", "info")
        return "Session"

    @app.route("/page2")
    async def page2() -> list[str]:
        return get_flashed_messages(category_filter=["error"])  # type: ignore[return-value]

    client = app.test_client()
    await client.get("/page1")
    assert await (await client.get("/page2")).get_json() == ["first", "second"]
    assert await (await client.get("/page2")).get_json() == []


async def test_chapter_11_middleware(app: Quart) -> None:
    class Middleware:
        def __init__(self, asgi_app: Any) -> None:
            self.asgi_app = asgi_app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                scope["headers"] = [*scope["headers"], (b"x-added", b"yes")]
            await self.asgi_app(scope, receive, send)

    @app.route("/")
    async def index() -> str:
        return request.headers["X-Added"]

    app.asgi_app = Middleware(app.asgi_app)  # type: ignore[method-assign]
    assert await text_of(app, "/") == "yes"


async def test_chapter_12_decorators(app: Quart) -> None:
    calls: list[str] = []

    @app.before_first_request
    async def first() -> None:
        calls.append("first")

    @app.before_request
    async def before() -> None:
        calls.append("before")

    @app.after_request
    async def after(response: Response) -> Response:
        calls.append("after")
        return response

    @app.errorhandler(404)
    async def missing(_error: Exception) -> tuple[str, int]:
        return "nothing here", 404

    @app.route("/")
    async def index() -> str:
        return "x"

    await text_of(app, "/")
    await text_of(app, "/")
    assert calls == ["first", *["before", "after"] * 2]
    response = await app.test_client().get("/nowhere")
    assert await response.get_data(as_text=True) == "nothing here"


async def test_chapter_13_blueprints(app: Quart, template: Callable[[str, str], None]) -> None:
    template("login.html", "Login")
    account, order = Blueprint("account", __name__), Blueprint("order", __name__)

    @account.route("/login")
    async def login() -> str:
        return await render_template("login.html")

    @order.route("/order", endpoint="login")
    async def orders() -> str:
        return url_for("account.login") + url_for(".login")

    app.register_blueprint(account)
    app.register_blueprint(order, url_prefix="/shop")
    assert await text_of(app, "/login") == "Login"
    assert await text_of(app, "/shop/order") == "/login/shop/order"


async def test_chapter_14_contexts(app: Quart) -> None:
    context = app.test_request_context("/?a=1")
    with pytest.raises(RuntimeError):
        _ = request.method
    await context.push()
    try:
        assert (request.method, request.args["a"]) == ("GET", "1")
    finally:
        await context.pop()
    with pytest.raises(RuntimeError):
        _ = request.method


@pytest.fixture
async def database(app: Quart, tmp_path: Path) -> AsyncIterator[SQLAlchemy]:
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'note.db'}"
    app.config["SQLALCHEMY_POOL_SIZE"] = 10
    app.config["SQLALCHEMY_MAX_OVERFLOW"] = 5
    db = SQLAlchemy()
    db.init_app(app)
    yield db
    async with app.app_context():
        await db.dispose()


async def test_chapter_15_sqlalchemy(app: Quart, database: SQLAlchemy) -> None:
    db: Any = database

    class Users(db.Model):  # type: ignore[misc]
        __tablename__ = "users"
        id = Column(Integer, primary_key=True)
        name = Column(String(32), index=True, nullable=False)
        depart_id = Column(Integer)

    async with app.app_context():
        await db.create_all()

    @app.route("/")
    async def index() -> str:
        db.session.add(Users(name="harry", depart_id=1))
        await db.session.commit()
        await db.session.remove()
        return str(await Users.query.count())

    assert await text_of(app, "/") == "1"


class TestChapter16And17Commands:
    @pytest.fixture
    def program(self, app: Quart, database: SQLAlchemy) -> click.Group:
        Commands(app)

        @app.cli.command("custom")
        @click.argument("arg")
        async def custom(arg: str) -> None:
            """Print the argument."""
            click.echo(f"custom {arg}")

        @app.cli.command("cmd")
        @click.option("-n", "--name")
        @click.option("-u", "--url")
        async def cmd(name: str, url: str) -> None:
            click.echo(f"{name} {url}")

        Migrate(app, database)
        return create_group(lambda: app, name="manage")

    def test_arguments_and_options(self, program: click.Group) -> None:
        runner = CliRunner()
        assert runner.invoke(program, ["custom", "123"]).output == "custom 123\n"
        given = ["cmd", "-n", "harry", "-u", "123123"]
        assert runner.invoke(program, given).output == "harry 123123\n"

    def test_migrations(
        self, program: click.Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        runner = CliRunner()
        assert runner.invoke(program, ["db", "init"]).exit_code == 0
        assert runner.invoke(program, ["db", "migrate"]).output == "No changes found.\n"
        assert re.match("Nothing to do", runner.invoke(program, ["db", "upgrade"]).output)
