"""The note "Flask compared with Django": what other notes do not teach, ported as the docs say.

Decorators, own session interfaces, a session in Redis, the stack behind ``request``, the bytes of
a WebSocket, and SQLAlchemy with a base of one's own.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from markupsafe import Markup
from quart import (
    Response,
    current_app,
    g,
    jsonify,
    redirect,
    render_template,
    render_template_string,
    request,
    session,
    url_for,
    views,
)
from quart.sessions import SecureCookieSession, SessionInterface
from sqlalchemy import Column, Integer, String, text
from sqlalchemy.orm import declarative_base
from werkzeug.local import LocalProxy, LocalStack
from wtforms import Form, StringField, validators

from quarterdeck.app import Blueprint, Quart, send_file
from quarterdeck.session import Session
from quarterdeck.sqlalchemy import SQLAlchemy
from tests import servers
from tests.kit.serving_app import served

from .conftest import text_of


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    (tmp_path / "temp").mkdir()
    app = Quart("note", root_path=str(tmp_path), template_folder="temp")
    app.config.update(SECRET_KEY="a secret string", PROPAGATE_EXCEPTIONS=True)
    return app


class TestAnswers:
    """ "Response 三剑客" and its small sons."""

    async def test_five_kinds(
        self, app: Quart, tmp_path: Path, template: Callable[[str, str], None]
    ) -> None:
        template("login.html", "<form>")
        (tmp_path / "a.png").write_bytes(b"\x89PNG")
        app.add_url_rule("/hello", "hello", lambda: "hello")
        app.add_url_rule("/page", "page", lambda: render_template("login.html"))
        app.add_url_rule("/jump", "jump", lambda: redirect("/login"))
        app.add_url_rule("/json", "json", lambda: jsonify({"name": 111}))
        app.add_url_rule("/file", "file", lambda: send_file("a.png"))
        client = app.test_client()
        answers = {
            name: await client.get(f"/{name}") for name in ("hello", "page", "jump", "json", "file")
        }
        assert answers["jump"].location == "/login"
        assert {name: answer.mimetype for name, answer in answers.items()} == {
            "hello": "text/html",
            "page": "text/html",
            "jump": "text/html",
            "json": "application/json",
            "file": "image/png",
        }
        assert await answers["json"].get_json() == {"name": 111}


class TestRequest:
    async def test_form_and_address_become_dictionaries(self, app: Quart) -> None:
        @app.post("/login")
        async def login() -> Any:
            return {
                "form": (await request.form).to_dict(),
                "args": request.args.to_dict(),
                "values": (await request.values).to_dict(),
                "path": request.path,
                "url": request.url,
                "host": request.host,
            }

        response = await app.test_client().post("/login?next=x", form={"user": "ada"})
        assert await response.get_json() == {
            "form": {"user": "ada"},
            "args": {"next": "x"},
            "values": {"user": "ada", "next": "x"},
            "path": "/login",
            "url": "http://localhost/login?next=x",
            "host": "localhost",
        }

    async def test_the_content_type_decides(self, app: Quart) -> None:
        @app.post("/body")
        async def body() -> Any:
            return {"json": await request.get_json(silent=True), "data": len(await request.data)}

        client = app.test_client()
        json = await client.post("/body", json={"a": 1})
        assert (await json.get_json())["json"] == {"a": 1}
        unknown = await client.post("/body", data=b"raw", content_type="application/x-unknown")
        assert await unknown.get_json() == {"json": None, "data": 3}

    async def test_an_upload_has_a_name(self, app: Quart, tmp_path: Path) -> None:
        @app.post("/upload")
        async def upload() -> str:
            file = (await request.files)["file"]
            await file.save(tmp_path / "saved")
            return str(file.filename)

        client: Any = app.test_client()
        answer = await client.post("/upload", data={"file": (BytesIO(b"abc"), "a.txt")})
        assert answer.text == "a.txt"
        assert await asyncio.to_thread((tmp_path / "saved").read_bytes) == b"abc"


async def test_templates(app: Quart) -> None:
    @app.template_global()
    def func(number: int) -> int:
        return number + 1

    @app.template_filter()
    def db(first: int, second: int, third: int) -> int:
        return first + second + third

    source = (
        "{{ users.0 }}{{ users[0] }} {{ func(6) }} {{ 1|db(2, 3) }}"
        "{% if 1|db(2, 3) == 6 %} six{% endif %} {{ txt }} {{ raw|safe }} {{ raw }}"
        "{% macro create_input(na, ty) %}<input type={{ ty }} name={{ na }}>{% endmacro %}"
        " {{ create_input('username', 'text') }}"
    )

    @app.route("/")
    async def tpl() -> str:
        values = {"users": ["li", "wu"], "txt": Markup("<i>"), "raw": "<b>"}
        return await render_template_string(source, **values)

    assert await text_of(app, "/") == (
        "lili 7 6 six <i> <b> &lt;b&gt; <input type=text name=username>"
    )


# --- decorators over views ----------------------------------------------------------


def wai(view: Callable[..., Any]) -> Callable[..., Any]:
    """The note's guard, with ``wraps``."""

    @wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs) if session.get("user") else redirect("/login")

    return inner


def nei(view: Callable[..., Any]) -> Callable[..., Any]:
    """The same without ``wraps``: each view needs an endpoint of its own."""

    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs) if session.get("user") else redirect("/login")

    return inner


class TestDecorators:
    async def test_one_guard_over_several_views(self, app: Quart) -> None:
        @app.route("/sign-in")
        async def sign_in() -> str:
            session["user"] = "ada"
            return ""

        @app.route("/index")
        @wai
        async def index() -> str:
            return url_for("index")

        @app.route("/other")
        @wai
        async def other() -> str:
            return url_for("other")

        @app.route("/index1", endpoint="index1")
        @nei
        async def first() -> str:
            return url_for("index1")

        @app.route("/index2", endpoint="index2")
        @nei
        async def second() -> str:
            return "index2"

        client: Any = app.test_client()
        paths = ["/index", "/other", "/index1", "/index2"]
        assert [(await client.get(path)).location for path in paths] == ["/login"] * 4
        await client.get("/sign-in")
        found = [(await client.get(path)).text for path in paths]
        assert found == ["/index", "/other", "/index1", "index2"]

    async def test_without_wraps_and_endpoint_a_second_view_is_refused(self, app: Quart) -> None:
        app.route("/index")(nei(make_view()))
        with pytest.raises(AssertionError, match="existing endpoint function: inner"):
            app.route("/index2")(nei(make_view()))

    @pytest.mark.parametrize("flag", [True, False])
    async def test_a_timer_with_an_argument(self, app: Quart, flag: bool) -> None:
        measured: list[float] = []

        def timer_outer(flag: bool) -> Callable[[Any], Any]:
            def timer(view: Any) -> Any:
                @wraps(view)
                def inner(*args: Any, **kwargs: Any) -> Any:
                    if not flag:
                        return view(*args, **kwargs)
                    start = time.perf_counter()
                    answer = view(*args, **kwargs)
                    measured.append(time.perf_counter() - start)
                    return answer

                return inner

            return timer

        @app.route("/slow")
        @timer_outer(flag)
        async def slow() -> str:
            await asyncio.sleep(0.05)
            return "done"

        assert await text_of(app, "/slow") == "done"
        assert [seconds > 0.04 for seconds in measured] == ([True] if flag else [])

    async def test_two_around_one_view(self, app: Quart) -> None:
        calls: list[str] = []

        def wrapper(name: str) -> Callable[[Any], Any]:
            def decorate(view: Any) -> Any:
                @wraps(view)
                def inner() -> Any:
                    calls.append(f"{name}, before")
                    answer = view()
                    calls.append(f"{name}, after")
                    return answer

                return inner

            return decorate

        @app.route("/")
        @wrapper("two")
        @wrapper("one")
        async def f() -> str:
            calls.append("in f")
            return ""

        await text_of(app, "/")
        assert calls == ["two, before", "one, before", "in f", "one, after", "two, after"]


def make_view() -> Callable[[], Any]:
    async def index() -> str:
        return "index"

    return index


# --- routes, folders, classes ---------------------------------------------------------


class TestRoutes:
    async def test_rules_by_hand(self, app: Quart) -> None:
        app.add_url_rule("/xxx", None, make_view())
        app.add_url_rule("/yyy", "haha", make_view())
        async with app.test_request_context("/"):
            assert (url_for("index"), url_for("haha")) == ("/xxx", "/yyy")

    async def test_the_address_of_static_files_is_not_their_folder(self, tmp_path: Path) -> None:
        (tmp_path / "staticccc").mkdir()
        (tmp_path / "staticccc" / "111.jpg").write_bytes(b"jpg")
        app = Quart(
            "note", root_path=str(tmp_path), static_folder="staticccc", static_url_path="/vvvvv"
        )
        client = app.test_client()
        assert (await client.get("/vvvvv/111.jpg")).mimetype == "image/jpeg"
        assert (await client.get("/staticccc/111.jpg")).status_code == 404

    async def test_methods_of_a_class(self, app: Quart) -> None:
        class UserView(views.MethodView):
            methods = ["GET"]
            decorators = [wai]

            async def get(self, *_args: Any, **_kwargs: Any) -> str:
                return "GET"

            async def post(self, *_args: Any, **_kwargs: Any) -> str:
                return "POST"

        app.add_url_rule("/user", None, UserView.as_view("uuuu"))
        client = app.test_client()
        assert (await client.get("/user")).location == "/login"
        assert (await client.post("/user")).status_code == 405


class FlaskDebug:
    DEBUG = True
    SECRET_KEY = "DEBUGmoshidesecret_key"
    PERMANENT_SESSION_LIFETIME = timedelta(days=7)
    SESSION_COOKIE_NAME = "debug_session"


async def test_a_class_of_settings(app: Quart) -> None:
    app.config.from_object(FlaskDebug)

    @app.route("/")
    async def index() -> str:
        session["user"] = "ada"
        session.permanent = True
        return ""

    (cookie,) = (await app.test_client().get("/")).headers.getlist("Set-Cookie")
    assert cookie.startswith("debug_session=")
    assert app.permanent_session_lifetime == timedelta(days=7)


async def test_a_blueprint_is_an_app_that_cannot_be_started(
    app: Quart, tmp_path: Path, template: Callable[[str, str], None]
) -> None:
    """Its templates are looked for in the folder of the app first, then in its own."""
    (tmp_path / "apptemp").mkdir()
    for name in ("both.html", "mine.html"):
        (tmp_path / "apptemp" / name).write_text("blueprint")
    template("both.html", "app")
    blue = Blueprint(
        "sapp", "note", root_path=str(tmp_path), template_folder="apptemp", url_prefix="/blue"
    )

    @blue.before_request
    async def guard() -> Any:
        return None if request.args.get("user") else redirect("/login")

    @blue.route("/<name>")
    async def page(name: str) -> str:
        return await render_template(f"{name}.html")

    app.register_blueprint(blue)
    assert await text_of(app, "/blue/both?user=ada") == "app"
    assert await text_of(app, "/blue/mine?user=ada") == "blueprint"
    assert (await app.test_client().get("/blue/mine")).location == "/login"


async def test_hooks_in_their_order_and_cut_short(app: Quart) -> None:
    calls: list[str] = []

    def before(number: int) -> Callable[[], Any]:
        async def hook() -> Any:
            calls.append(f"be{number}")
            return "short" if request.args.get("short") == str(number) else None

        return hook

    def after(number: int) -> Callable[[Response], Any]:
        async def hook(response: Response) -> Response:
            calls.append(f"af{number}")
            return response

        return hook

    for number in (1, 2, 3):
        app.before_request(before(number))
        app.after_request(after(number))
    app.route("/")(make_view())
    assert await text_of(app, "/") == "index"
    assert calls == ["be1", "be2", "be3", "af3", "af2", "af1"]
    calls.clear()
    assert await text_of(app, "/?short=1") == "short"
    assert calls == ["be1", "af3", "af2", "af1"]


# --- contexts -------------------------------------------------------------------------


class TestContexts:
    """ "flask 的上下文": the stack, and the proxies that look at its top."""

    async def test_requests_at_the_same_time_see_their_own(self, app: Quart) -> None:
        meeting = asyncio.Barrier(20)

        @app.route("/<name>")
        async def index(name: str) -> str:
            g.name = name
            session["name"] = name
            await meeting.wait()
            return f"{request.path} {g.name} {session['name']} {current_app.name}"

        names = [f"n{number}" for number in range(20)]
        found = await asyncio.gather(*(text_of(app, f"/{name}") for name in names))
        assert found == [f"/{name} {name} {name} note" for name in names]

    async def test_a_stack_and_a_proxy_of_ones_own(self) -> None:
        stack: LocalStack[dict[str, int]] = LocalStack()
        number = LocalProxy(lambda: stack.top["number"] if stack.top else None)

        async def work(value: int) -> Any:
            stack.push({"number": value})
            await asyncio.sleep(0)
            found = int(number)
            stack.pop()
            return found

        assert await asyncio.gather(*(work(value) for value in range(5))) == list(range(5))
        assert stack.top is None

    async def test_the_object_behind_the_proxy(self, app: Quart) -> None:
        """What the note takes from ``_request_ctx_stack.top``."""
        with pytest.raises(RuntimeError, match="request context"):
            _ = request.path
        async with app.test_request_context("/index"):
            behind = request._get_current_object()  # type: ignore[attr-defined]
            assert isinstance(behind, app.request_class)
            assert behind.scope["path"] == "/index"


# --- sessions -------------------------------------------------------------------------


class MemorySession(SecureCookieSession):
    """A session with an id."""

    def __init__(self, sid: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(data)
        self.sid = sid


class MemorySessionInterface(SessionInterface):
    """The interface of the note: the id in the cookie, the values on the server."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    async def open_session(self, app: Any, request: Any) -> MemorySession:
        sid = request.cookies.get(app.config["SESSION_COOKIE_NAME"])
        if sid not in self.rows:
            return MemorySession(secrets.token_urlsafe())
        return MemorySession(sid, self.rows[sid])

    async def save_session(self, app: Any, session: Any, response: Any) -> None:
        if not session:
            if session.modified and self.rows.pop(session.sid, None) is not None:
                response.delete_cookie(app.config["SESSION_COOKIE_NAME"])
            return
        self.rows[session.sid] = dict(session)
        response.set_cookie(app.config["SESSION_COOKIE_NAME"], session.sid, httponly=True)


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    server = servers.redis_server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.port
    server.kill()


class TestSessions:
    @pytest.fixture
    def app(self, app: Quart) -> Quart:
        @app.route("/set")
        async def page1() -> str:
            session["uuuuu"] = 123
            return "Session"

        @app.route("/pop")
        async def page2() -> str:
            return str(session.pop("uuuuu", "nothing"))

        return app

    async def test_an_interface_of_ones_own(self, app: Quart) -> None:
        interface: Any = MemorySessionInterface()
        app.session_interface = interface
        client: Any = app.test_client()
        response = await client.get("/set")
        (sid,) = interface.rows
        assert sid in response.headers["Set-Cookie"]
        assert interface.rows == {sid: {"uuuuu": 123}}
        assert (await client.get("/pop")).text == "123"
        assert interface.rows == {}
        assert (await client.get("/pop")).text == "nothing"

    @pytest.mark.feature("S2")
    async def test_in_redis_by_configuration(self, app: Quart, redis_port: int) -> None:
        client_of_redis: Any = redis.asyncio.Redis(host="127.0.0.1", port=redis_port, db=6)
        app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client_of_redis)
        Session(app)
        async with app.test_app():
            client: Any = app.test_client()
            await client.get("/set")
            (key,) = await client_of_redis.keys("*")
            assert key.startswith(b"session:")
            assert (await client.get("/pop")).text == "123"
            assert await client_of_redis.keys("*") == []
        await client_of_redis.aclose()


class LoginForm(Form):
    username = StringField("用户名", [validators.DataRequired(message="用户名不能为空")])


async def test_a_bare_form_of_wtforms(app: Quart) -> None:
    @app.post("/")
    async def login() -> Any:
        form = LoginForm(await request.form)
        return {"valid": form.validate(), "errors": form.errors}

    client = app.test_client()
    empty = await client.post("/", form={"username": ""})
    assert await empty.get_json() == {
        "valid": False,
        "errors": {"username": ["用户名不能为空"]},
    }
    full = await client.post("/", form={"username": "ada"})
    assert await full.get_json() == {"valid": True, "errors": {}}


# --- WebSockets -----------------------------------------------------------------------

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = "jocLOLLq1BQWp0aZgEWL5A=="  # of the note, as are the frames below
HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:9527\r\nSec-WebSocket-Version: 13\r\n"
    "Origin: http://127.0.0.1:9527\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\n"
    "Cache-Control: no-cache\r\nUpgrade: websocket\r\n\r\n"
)
FRAMES = {
    "最漂亮": b"\x81\x89\xf3\x99\x81-\x15\x05\x01\xcbO\x1be\x97]",
    "hello": b"\x81\x85s\x92a\x10\x1b\xf7\r|\x1c",
    "123": b"\x81\x83H\xc0x\xa6y\xf2K",
}


def unmasked(frame: bytes) -> str:
    """The note's way to read a frame of up to 125 bytes."""
    assert frame[1] & 127 == len(frame) - 6
    mask, decoded = frame[2:6], frame[6:]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(decoded)).decode()


async def test_the_bytes_of_a_websocket(app: Quart) -> None:
    """One route does what the note does with a socket, a digest and a mask."""

    @app.websocket("/ws")
    async def ws() -> None:
        from quart import websocket

        while True:
            await websocket.send(await websocket.receive())

    async with served(app) as (address, _), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(HANDSHAKE.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        digest = hashlib.sha1((KEY + MAGIC).encode(), usedforsecurity=False).digest()
        assert head.startswith("http/1.1 101 ")
        assert f"sec-websocket-accept: {base64.b64encode(digest).decode().lower()}\r\n" in head
        for word, frame in FRAMES.items():
            assert unmasked(frame) == word
            writer.write(frame)
            first, size = await reader.readexactly(2)
            assert (first, size) == (0x81, len(word.encode()))
            assert (await reader.readexactly(size)).decode() == word
        writer.close()
        await writer.wait_closed()


# --- the database ---------------------------------------------------------------------

Base: Any = declarative_base()


class Users(Base):  # type: ignore[misc]
    __tablename__ = "users"
    id = Column(Integer, primary_key=True, autoincrement=True)
    name = Column(String(32), index=True)
    age = Column(Integer)


@pytest.fixture
async def db(app: Quart, tmp_path: Path) -> AsyncIterator[Any]:
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'dragon.db'}"
    db: Any = SQLAlchemy(app, model_class=Base)
    async with app.app_context():
        await db.create_all()
        yield db
        await db.dispose()


class TestSQLAlchemy:
    async def test_four_operations_of_the_session(self, db: Any) -> None:
        db.session.add(Users(name="jwb", age=73))
        db.session.add_all([Users(name=name) for name in ("li", "wu", "an", "bo")])
        await db.session.commit()

        assert len(await db.session.query(Users).all()) == 5
        above = db.session.query(Users).filter(Users.id > 4)
        assert [user.name for user in await above.all()] == ["bo"]

        assert await above.update({Users.id: 19}) == 1
        fourth = db.session.query(Users).filter(Users.id == 4)
        await fourth.update({"name": Users.name + "DSB"}, synchronize_session=False)
        await db.session.commit()
        names = {user.id: user.name for user in await db.session.query(Users).all()}
        assert (names[19], names[4]) == ("bo", "anDSB")

        assert await db.session.query(Users).filter(Users.id > 4).delete() == 1
        await db.session.commit()
        await db.session.close()
        assert await db.session.query(Users).count() == 4

    async def test_rows_of_sql_as_dictionaries(self, db: Any) -> None:
        """``PooledDB`` and ``DictCursor``: the pool is there, and values are never in the text."""
        db.session.add(Users(name="jwb", age=73))
        await db.session.commit()
        sql = text("select * from users where name = :name and age = :age")
        found = await db.session.execute(sql, {"name": "jwb", "age": 73})
        assert [dict(row) for row in found.mappings()] == [{"id": 1, "name": "jwb", "age": 73}]
        none = await db.session.execute(sql, {"name": "' or 1=1 --", "age": 73})
        assert none.all() == []
