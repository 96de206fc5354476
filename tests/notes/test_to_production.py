"""The note "From the basics to practice": a program with sign-in, blueprints in packages, answers,
errors, hooks, JSON forms and a tool around SQLAlchemy, ported as the docs say.

Its chapters on scheduled jobs wait for the room of jobs.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from quart import (
    Response,
    abort,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from sqlalchemy import Column, DateTime, Enum, ForeignKey, Integer, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from werkzeug.routing import BaseConverter
from wtforms.fields import IntegerField
from wtforms.validators import DataRequired

from quarterdeck.app import Blueprint, Quart
from quarterdeck.exceptions import ConfigurationError
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.wtf import JSONForm, validate_data


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    app = Quart("note", root_path=str(tmp_path), template_folder=".")
    app.secret_key = "dhasddyuwqejqbwghjhchashjda"
    app.config["PROPAGATE_EXCEPTIONS"] = None
    return app


async def text_of(client: Any, path: str, **arguments: Any) -> str:
    return str(await (await client.get(path, **arguments)).get_data(as_text=True))


# --- chapter 1: a program with sign-in, and blueprints ------------------------------------


def auth(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        if session.get("user") == "zhangjian":
            return view(*args, **kwargs)
        return redirect("/login")

    return inner


PAGES = {
    "login.html": "<form method=post>{{ error }}</form>",
    "index.html": "{% for id, one in data_dict.items() %}{{ id }}:{{ one.name }},{{ one['age'] }};"
    "{% endfor %}",
    "edit.html": "<input name=name value={{ data.name }}>",
}


@pytest.fixture
def program(app: Quart, tmp_path: Path) -> Quart:
    """The program of section 3, whole."""
    for name, source in PAGES.items():
        (tmp_path / name).write_text(source, "utf-8")
    people: dict[int, dict[str, Any]] = {
        1: {"name": "zhangjian", "age": 28},
        2: {"name": "zhaoyun", "age": 26},
    }

    @app.route("/login", methods=["GET", "POST"])
    async def login() -> Any:
        if request.method == "GET":
            return await render_template("login.html")
        form = await request.form
        if form.get("user") == "zhangjian" and form.get("pwd") == "123":
            session["user"] = "zhangjian"
            return redirect("/index")
        return await render_template("login.html", error="用户名或密码错误")

    @app.route("/index", endpoint="home")
    @auth
    async def index() -> str:
        return await render_template("index.html", data_dict=people)

    @app.route("/edit", methods=["GET", "POST"])
    @auth
    async def edit() -> Any:
        nid = int(request.args["nid"])
        if request.method == "GET":
            return await render_template("edit.html", data=people[nid])
        form = await request.form
        people[nid] = {"name": form.get("name"), "age": form.get("age")}
        return redirect(url_for("home"))

    @app.route("/delete/<int:nid>")
    @auth
    async def delete(nid: int) -> Any:
        del people[nid]
        return redirect(url_for("home"))

    return app


async def test_chapter_1_sign_in_and_three_operations(program: Quart) -> None:
    client = program.test_client()
    for path in ("/index", "/edit?nid=1", "/delete/1"):
        assert (await client.get(path)).location == "/login"
    wrong = await client.post("/login", form={"user": "zhangjian", "pwd": "1"})
    assert "用户名或密码错误" in await wrong.get_data(as_text=True)
    right = await client.post("/login", form={"user": "zhangjian", "pwd": "123"})
    assert right.location == "/index"
    assert await text_of(client, "/index") == "1:zhangjian,28;2:zhaoyun,26;"
    assert "value=zhaoyun" in await text_of(client, "/edit?nid=2")
    edited = await client.post("/edit?nid=2", form={"name": "machao", "age": "30"})
    assert edited.location == "/index"
    assert (await client.get("/delete/1")).location == "/index"
    assert await text_of(client, "/index") == "2:machao,30;"
    assert (await client.get("/delete/one")).status_code == 404


PACKAGE = {
    "__init__.py": """
from quarterdeck.app import Quart


def create_app():
    app = Quart(__name__)
    app.secret_key = "dghs$sga73#af)sva@vdsak!dfs6"

    @app.route("/index")
    async def index():
        return "主页"

    from .goods.views import goods
    from .user.views import user

    app.register_blueprint(goods)
    app.register_blueprint(user, url_prefix="/demo")
    return app
""",
    "goods/__init__.py": "",
    "goods/views.py": """
from quarterdeck.app import Blueprint

goods = Blueprint("goods", __name__)


@goods.route("/price")
async def price():
    return "商品价格"
""",
    "user/__init__.py": "",
    "user/views.py": """
from quart import render_template
from quarterdeck.app import Blueprint

user = Blueprint(
    "user", __name__, static_folder="static", template_folder="templates", static_url_path="/user"
)


@user.route("/name")
async def name():
    return await render_template("user/name.html")
""",
    "user/templates/user/name.html": "用户名称 {{ url_for('user.static', filename='a.css') }}",
    "user/static/a.css": "a",
}


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, source in PACKAGE.items():
        file = tmp_path / "blue_print" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    from blue_print import create_app  # type: ignore[import-not-found]

    yield create_app()
    for name in set(sys.modules) - known:
        del sys.modules[name]


async def test_chapter_1_a_package_for_each_blueprint(packaged: Quart) -> None:
    client = packaged.test_client()
    assert await text_of(client, "/index") == "主页"
    assert await text_of(client, "/price") == "商品价格"
    assert await text_of(client, "/demo/name") == "用户名称 /demo/user/a.css"
    assert await text_of(client, "/demo/user/a.css") == "a"


# --- chapter 2: configuration, routes, requests ------------------------------------------


def test_chapter_2_configuration_from_files(
    app: Quart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.py"
    settings.write_text("SECRET_KEY = 'dgsa263528dgsajgdt21'\nlower = 1\n")
    app.config.from_pyfile(str(settings))
    assert app.config["SECRET_KEY"] == "dgsa263528dgsajgdt21"
    app.config["SECRET_KEY"] = "another"
    monkeypatch.setenv("SETTINGS", str(settings))
    app.config.from_envvar("SETTINGS")
    assert app.secret_key == "dgsa263528dgsajgdt21"
    assert "lower" not in app.config


async def test_chapter_2_the_map_of_routes(app: Quart) -> None:
    @app.route("/")
    async def index() -> str:
        return "home"

    @app.route("/login", methods=["POST"])
    async def login() -> str:
        return "login"

    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    assert {name: rule.rule for name, rule in rules.items()} == {
        "static": "/static/<path:filename>",
        "index": "/",
        "login": "/login",
    }
    assert rules["index"].methods == {"GET", "HEAD", "OPTIONS"}
    assert rules["login"].methods == {"POST", "OPTIONS"}
    client = app.test_client()
    head = await client.head("/")
    assert (head.status_code, await head.get_data()) == (200, b"")
    assert (await client.get("/login")).status_code == 405
    assert set((await client.options("/login")).allow) == {"OPTIONS", "POST"}


async def test_chapter_2_a_converter_for_telephones(app: Quart) -> None:
    class MobileConverter(BaseConverter):
        regex = r"1[3-9]\d{9}"

    app.url_map.converters["cellphone"] = MobileConverter

    @app.route("/logon/<cellphone:number>")
    async def logon(number: str) -> str:
        return number

    @app.route("/call/<mobile:number>")  # the one that is there
    async def call(number: str) -> str:
        return number

    client = app.test_client()
    for path in ("/logon", "/call"):
        assert await text_of(client, f"{path}/13812345678") == "13812345678"
        assert (await client.get(f"{path}/12812345678")).status_code == 404


async def test_chapter_2_what_a_request_brings(
    app: Quart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    @app.route("/index", methods=["GET", "POST"])
    async def index() -> Any:
        body = (await request.data).decode()
        return {"args": request.args.get("name"), "data": body, "cookies": request.cookies}

    @app.route("/upload", methods=["POST"])
    async def upload() -> str:
        file: Any = (await request.files)["pic"]
        await file.save("girl.jpg")
        return "hello"

    client = app.test_client()
    client.set_cookie("localhost", "a", "b")
    response = await client.post("/index?name=zhangjian", data=b"raw", content_type="text/plain")
    assert await response.get_json() == {
        "args": "zhangjian",
        "data": "raw",
        "cookies": {"a": "b"},
    }
    await client.post("/upload", data={"pic": (BytesIO(b"jpeg"), "321321.jpeg")})
    with open("girl.jpg", "rb") as file:  # noqa: ASYNC230
        assert file.read() == b"jpeg"


# --- chapter 2: answers, cookies, errors -------------------------------------------------


class TestAnswers:
    async def test_headers_in_a_tuple(self, app: Quart) -> None:
        @app.route("/home", endpoint="other_name")
        async def home() -> Any:
            return "主页", 206, (("Ak", "abs"), ("Bk", "123"), ("Bk", "124"))

        @app.route("/index")
        async def index() -> Any:
            return redirect(url_for("other_name"))

        @app.route("/json")
        async def json() -> Any:
            return jsonify(name="zhangjian", age=18)

        client = app.test_client()
        response = await client.get("/home")
        assert response.status_code == 206
        assert (response.headers["Ak"], response.headers.getlist("Bk")) == ("abs", ["123", "124"])
        assert (await client.get("/index")).location == "/home"
        assert await (await client.get("/json")).get_json() == {"age": 18, "name": "zhangjian"}

    async def test_a_response_by_hand(self, app: Quart) -> None:
        @app.route("/goods")
        async def goods() -> Any:
            response = await make_response("勇士，你好呀！")
            response.headers["token"] = "251637gdajhdgasyhdfags"
            response.status = "403 Permission Denied"
            response.set_cookie("sos", "help!!!")
            return response

        response = await app.test_client().get("/goods")
        assert (response.status, response.status_code) == ("403 Permission Denied", 403)
        assert response.headers["Token"] == "251637gdajhdgasyhdfags"
        assert response.headers["Set-Cookie"].startswith('sos="help!!!"') or response.headers[
            "Set-Cookie"
        ].startswith("sos=help!!!")

    async def test_cookies_and_the_session(self, app: Quart) -> None:
        @app.route("/set")
        async def set_sh() -> Any:
            response = await make_response("勇士，你好呀！")
            response.set_cookie("sos", "help!!!")
            response.set_cookie("name", "zhangjian", max_age=3600)
            session["score"] = 100
            return response

        @app.route("/get")
        async def get_sh() -> Any:
            return {"name": request.cookies.get("name"), "score": session["score"]}

        @app.route("/forget")
        async def forget() -> Any:
            response = await make_response("")
            response.delete_cookie("name")
            return response

        client = app.test_client()
        assert len((await client.get("/set")).headers.getlist("Set-Cookie")) == 3
        assert await (await client.get("/get")).get_json() == {"name": "zhangjian", "score": 100}
        await client.get("/forget")
        assert await (await client.get("/get")).get_json() == {"name": None, "score": 100}

    async def test_errors(self, app: Quart) -> None:
        @app.errorhandler(500)
        async def server_err(_error: Exception) -> Any:
            return "服务器报 500 啦", 500

        @app.errorhandler(ZeroDivisionError)
        async def zero_division_error(_error: Exception) -> Any:
            response = await make_response("被除数不能是 0 ！")
            response.status = "403 Request Bad"
            return response

        @app.route("/sms/<mobile>")
        async def sms(mobile: str) -> Any:
            if mobile == "made":
                made: Any = await make_response("手机号错误")
                abort(made)
            if len(mobile) != 11:
                abort(400, "手机号错误")
            return "验证码已发送"

        @app.route("/math")
        async def math() -> Any:
            return 1 / 0

        @app.route("/down")
        async def down() -> Any:
            raise OSError("down")

        client: Any = app.test_client()
        assert (await client.get("/sms/13812345678")).text == "验证码已发送"
        refused = await client.get("/sms/1")
        assert (refused.status_code, "手机号错误" in refused.text) == (400, True)
        assert (await client.get("/sms/made")).text == "手机号错误"
        divided = await client.get("/math")
        assert (divided.status, divided.text) == ("403 Request Bad", "被除数不能是 0 ！")
        broken = await client.get("/down")
        assert (broken.status_code, broken.text) == (500, "服务器报 500 啦")

    def test_two_views_of_one_name_are_refused(self, app: Quart) -> None:
        async def home() -> str:
            return ""

        first, second = home, functools.partial(home)
        app.add_url_rule("/a", "home", first)
        with pytest.raises(AssertionError, match="home"):
            app.add_url_rule("/b", "home", second)


# --- chapter 2: hooks, current_app, g, access --------------------------------------------


async def test_chapter_2_hooks_around_a_request(app: Quart) -> None:
    calls: list[Any] = []

    @app.before_first_request
    async def before_first_request() -> None:
        calls.append("first")

    @app.before_request
    async def before_request() -> None:
        calls.append("before")

    @app.after_request
    async def after_request(response: Response) -> Response:
        calls.append("after")
        return response

    @app.teardown_request
    async def teardown_request(error: BaseException | None) -> None:
        calls.append(error)

    @app.route("/sms/<mobile>")
    async def sms(mobile: str) -> str:
        if mobile == "broken":
            raise OSError(mobile)
        return "验证码已发送"

    client = app.test_client()
    await client.get("/sms/1")
    assert calls == ["first", "before", "after", None]
    await client.get("/sms/broken")
    assert calls[4:6] == ["before", "after"]  # the error page passes it as well
    assert isinstance(calls[6], OSError)


async def test_chapter_2_current_app_and_g(app: Quart) -> None:
    user = Blueprint("user", "note", root_path=app.root_path)

    def get_sum() -> Any:
        return g.a + g.b

    @user.route("/key")
    async def key() -> str:
        return str(current_app.secret_key)

    @user.route("/sum")
    async def index() -> str:
        assert "a" not in g
        g.a, g.b = request.args["a"], request.args["b"]
        return str(get_sum())

    app.register_blueprint(user)
    client = app.test_client()
    assert await text_of(client, "/key") == "dhasddyuwqejqbwghjhchashjda"
    for _ in range(2):
        assert await text_of(client, "/sum?a=1&b=2") == "12"


async def test_chapter_2_identity_by_a_hook_and_permission_by_a_decorator(app: Quart) -> None:
    @app.before_request
    async def check_user() -> Any:
        user_id = request.args.get("id")
        if not user_id:
            return "身份信息未提供"
        g.user_id = user_id
        return None

    def allowed(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def inner(*args: Any, **kwargs: Any) -> Any:
            if int(g.user_id) == 10:
                return view(*args, **kwargs)
            return "sorry"

        return inner

    @app.route("/index")
    async def index() -> str:
        return "首页"

    @app.route("/user/manage")
    @allowed
    async def manage() -> str:
        return "欢迎来到用户管理中心"

    client = app.test_client()
    assert await text_of(client, "/index") == "身份信息未提供"
    assert await text_of(client, "/index?id=1") == "首页"
    assert await text_of(client, "/user/manage?id=1") == "sorry"
    assert await text_of(client, "/user/manage?id=10") == "欢迎来到用户管理中心"


# --- chapter 4: JSON forms and a tool around the database ---------------------------------


class DemoForm(JSONForm):
    """The note's ``DemoForm``; its ``MetaForm`` and ``validate_data`` are in the kit."""

    id = IntegerField(validators=[DataRequired()])


async def test_chapter_4_a_form_over_json(app: Quart) -> None:
    @app.post("/demo")
    @validate_data(DemoForm)
    async def demo(form: DemoForm) -> Any:
        return {"data": form.valid_data}

    client = app.test_client()
    good = await client.post("/demo", json={"id": 5})
    assert await good.get_json() == {"data": {"id": 5}}
    more = await client.post("/demo", json={"id": 5, "other": 1})
    assert more.status_code == 400
    assert "other" in str(await more.get_json())
    assert (await client.post("/demo", json={})).status_code == 400


db: Any = SQLAlchemy()


class Sub(db.Model):  # type: ignore[misc]
    id = Column(Integer, primary_key=True)


class Demo(db.Model):  # type: ignore[misc]
    __tablename__ = "demo"
    __table_args__ = {"comment": "示例数据表", "mysql_collate": "utf8mb4_unicode_ci"}

    id = Column(Integer, primary_key=True, autoincrement=True, comment="主键id 也是task_id")
    name = Column(String(32), nullable=False, unique=True, comment="名称")
    type: Any = Column(Enum("0", "1", "2", name="type"), default="0")
    sub_id: Any = Column(
        ForeignKey("sub.id", onupdate="CASCADE", ondelete="RESTRICT"), nullable=True
    )
    create_time = Column(DateTime, default=func.now(), comment="创建时间")
    update_time = Column(DateTime, default=func.now(), onupdate=func.now(), comment="更新时间")

    sub = db.relationship("Sub", backref="task")


@dataclass
class Row:
    """The note's dataclass: a shape for answers, filled from the model."""

    id: int
    name: str


@pytest.fixture
async def tool(tmp_path: Path) -> AsyncIterator[Quart]:
    app = Quart("note", instance_path=str(tmp_path))
    app.config.update(
        SQLALCHEMY_DATABASE_URI="sqlite:///work.db",  # or mysql+pymysql://...?charset=utf8mb4
        SQLALCHEMY_ECHO=False,
        SQLALCHEMY_POOL_SIZE=20,
        SQLALCHEMY_MAX_OVERFLOW=10,
        SQLALCHEMY_POOL_TIMEOUT=30,
        SQLALCHEMY_POOL_RECYCLE=360,
        SQLALCHEMY_POOL_PRE_PING=True,
    )
    db.init_app(app)
    async with app.app_context():
        await db.create_all()  # 'database_exists', 'create_database' and 'flush_table' in one
        yield app
        await db.dispose()


class TestChapter4Tool:
    async def test_a_session_that_commits_or_rolls_back(self, tool: Quart) -> None:
        """``SessionContext(commit=True)``."""
        async with db.transaction() as session:
            session.add(Demo(name="one", sub=Sub(id=7)))
        with pytest.raises(IntegrityError):
            async with db.transaction() as session:
                session.add(Demo(name="one"))
        async with db.new_session() as session:  # ``commit=False``: to read
            assert await session.scalar(select(func.count()).select_from(Demo)) == 1

    async def test_an_object_as_json(self, tool: Quart) -> None:
        async with db.transaction() as session:
            session.add(Demo(name="one", sub=Sub(id=7)))
        demo = await Demo.query.options(joinedload(Demo.sub)).first_or_404()
        assert demo.sub.id == 7
        shown = demo.to_dict(jsonable=True)
        assert {key: shown[key] for key in ("id", "name", "type", "sub_id")} == {
            "id": 1,
            "name": "one",
            "type": "0",
            "sub_id": 7,
        }
        assert datetime.fromisoformat(shown["create_time"]).year > 2000

        @tool.route("/demo")
        async def page() -> Any:
            found = await Demo.query.first_or_404()
            return jsonify(Row(found.id, found.name))

        answer = await tool.test_client().get("/demo")
        assert await answer.get_json() == {"id": 1, "name": "one"}

    def test_a_wrong_setting_is_named(self, tmp_path: Path) -> None:
        app = Quart("note", instance_path=str(tmp_path))
        app.config.update(SQLALCHEMY_DATABASE_URI="sqlite://", SQLALCHEMY_POOL_SIZE="many")
        with pytest.raises(ConfigurationError, match="'SQLALCHEMY_POOL_SIZE' is 'many'"):
            db.init_app(app)
