"""The note "flask": the application of a well-known book, grown chapter by chapter.

Its chapter on mail waits for the room of mail.
"""

from __future__ import annotations

import enum
import os
import tempfile
import unittest
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from quart import (
    abort,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    render_template_string,
    request,
    session,
    url_for,
)
from wtforms import StringField, SubmitField, validators
from wtforms.validators import DataRequired

from quarterdeck.app import Blueprint, Quart
from quarterdeck.bootstrap import Bootstrap
from quarterdeck.moment import Moment
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.wtf import QuartForm
from tests import databases
from tests.kit.sqlalchemy_app import PATIENT


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    (tmp_path / "templates").mkdir()
    app = Quart("flasky", root_path=str(tmp_path), template_folder="templates")
    app.config.update(SECRET_KEY="hard to guess string", PROPAGATE_EXCEPTIONS=True)
    Bootstrap(app)
    Moment(app)
    return app


def write(folder: Path, **templates: str) -> None:
    for name, source in templates.items():
        (folder / "templates" / f"{name}.html").write_text(source, "utf-8")


async def text(app: Quart, path: str = "/", **arguments: Any) -> str:
    response = await app.test_client().get(path, **arguments)
    return str(await response.get_data(as_text=True))


class TestRequestsAndResponses:
    async def test_a_dynamic_route_and_the_request(self, app: Quart) -> None:
        @app.route("/user/<name>")
        async def user(name: str) -> str:
            return f"<h1>Hello, {name}! {request.headers.get('User-Agent')}</h1>"

        html = await text(app, "/user/ada", headers={"User-Agent": "lynx"})
        assert html == "<h1>Hello, ada! lynx</h1>"

    async def test_contexts(self, app: Quart) -> None:
        with pytest.raises(RuntimeError):
            _ = current_app.name
        async with app.app_context():
            assert current_app.name == "flasky"
            g.user = "ada"
        async with app.app_context():
            assert "user" not in g

    async def test_hooks_share_g(self, app: Quart) -> None:
        ended: list[bool] = []

        @app.before_request
        async def load() -> None:
            g.user = "ada"

        @app.teardown_request
        async def end(error: BaseException | None) -> None:
            ended.append(error is not None)

        @app.route("/")
        async def index() -> str:
            return str(g.user)

        @app.route("/fail")
        async def fail() -> str:
            raise ValueError

        app.config["PROPAGATE_EXCEPTIONS"] = False
        assert await text(app) == "ada"
        assert (await app.test_client().get("/fail")).status_code == 500
        assert ended == [False, True]

    async def test_answers(self, app: Quart) -> None:
        @app.route("/bad")
        async def bad() -> Any:
            return "<h1>Bad Request</h1>", 400, {"X-Reason": "because"}

        @app.route("/cookie")
        async def cookie() -> Any:
            response: Any = await make_response("<h1>This document carries a cookie!</h1>")
            response.set_cookie("answer", "42")
            return response

        @app.route("/away")
        async def away() -> Any:
            return redirect("http://www.example.com")

        @app.route("/user/<id>")
        async def user(id: str) -> str:
            if id != "1":
                abort(404)
            return id

        client = app.test_client()
        refused = await client.get("/bad")
        assert (refused.status_code, refused.headers["X-Reason"]) == (400, "because")
        assert (await client.get("/cookie")).headers["Set-Cookie"] == "answer=42; Path=/"
        assert (await client.get("/away")).headers["Location"] == "http://www.example.com"
        assert [(await client.get(f"/user/{n}")).status_code for n in (1, 2)] == [200, 404]


class TestTemplates:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("{{ '<b>x</b>' }}", "&lt;b&gt;x&lt;/b&gt;"),
            ("{{ '<b>x</b>'|safe }}", "<b>x</b>"),
            ("{{ 'hELLO'|capitalize }} {{ 'A'|lower }} {{ 'a'|upper }}", "Hello a A"),
            ("{{ 'a tale'|title }}|{{ '  x '|trim }}|{{ '<i>y</i>'|striptags }}", "A Tale|x|y"),
            ("{{ mine['k'] }}{{ items[1] }}{{ thing.real }}", "v27"),
            ("{% if user %}Hello, {{ user }}!{% else %}Stranger{% endif %}", "Stranger"),
            ("{% for one in items %}<li>{{ one }}</li>{% endfor %}", "<li>1</li><li>2</li>"),
        ],
    )
    async def test_variables_filters_and_control(
        self, app: Quart, source: str, expected: str
    ) -> None:
        async with app.test_request_context("/"):
            html = await render_template_string(source, mine={"k": "v"}, items=[1, 2], thing=7)
        assert html == expected

    async def test_macros_includes_and_inheritance(self, app: Quart, tmp_path: Path) -> None:
        write(
            tmp_path,
            macros="{% macro comment(text) %}<li>{{ text }}</li>{% endmacro %}",
            common="<hr>",
            base="<title>{% block title %}{% endblock %} - App</title>"
            "{% block head %}<meta>{% endblock %}{% block body %}{% endblock %}",
            index="{% extends 'base.html' %}{% import 'macros.html' as macros %}"
            "{% block title %}Index{% endblock %}"
            "{% block head %}{{ super() }}<style></style>{% endblock %}"
            "{% block body %}{% for one in comments %}{{ macros.comment(one) }}{% endfor %}"
            "{% include 'common.html' %}{% endblock %}",
        )

        @app.route("/")
        async def index() -> str:
            return await render_template("index.html", comments=["a", "<b>"])

        assert await text(app) == (
            "<title>Index - App</title><meta><style></style><li>a</li><li>&lt;b&gt;</li><hr>"
        )

    async def test_bootstrap_and_error_pages(self, app: Quart, tmp_path: Path) -> None:
        write(
            tmp_path,
            base="{% extends 'bootstrap/base.html' %}{% block title %}Flasky{% endblock %}"
            "{% block navbar %}<nav>Home</nav>{% endblock %}"
            "{% block content %}<div class='container'>{% block page_content %}{% endblock %}"
            "</div>{% endblock %}"
            "{% block scripts %}{{ super() }}<script src='mine.js'></script>{% endblock %}",
            **{
                "404": "{% extends 'base.html' %}{% block page_content %}Not Found{% endblock %}",
                "500": "{% extends 'base.html' %}{% block page_content %}Failed{% endblock %}",
            },
        )

        @app.errorhandler(404)
        async def page_not_found(_error: Exception) -> Any:
            return await render_template("404.html"), 404

        @app.errorhandler(500)
        async def internal_server_error(_error: Exception) -> Any:
            return await render_template("500.html"), 500

        @app.route("/fail")
        async def fail() -> str:
            raise ValueError

        app.config["PROPAGATE_EXCEPTIONS"] = False
        html = await text(app, "/nowhere")
        for part in ("<title>Flasky</title>", "<nav>Home</nav>", "Not Found", "mine.js"):
            assert part in html
        assert "bootstrap.min.js" in html
        assert "Failed" in await text(app, "/fail")

    async def test_links(self, app: Quart) -> None:
        app.config["SERVER_NAME"] = "localhost:5000"

        @app.route("/")
        async def index() -> str:
            return ""

        @app.route("/user/<name>")
        async def user(name: str) -> str:
            return name

        async with app.app_context():
            assert url_for("user", name="john") == "http://localhost:5000/user/john"
            assert url_for("index", page=2, _external=False) == "/?page=2"
            assert url_for("static", filename="favicon.ico").endswith("/static/favicon.ico")

    async def test_moment(self, app: Quart) -> None:
        source = (
            "{{ moment(t).format('LLL') }}|{{ moment(t).fromNow(refresh=True) }}|"
            "{{ moment.lang('es') }}|{{ moment.include_moment() }}"
        )
        async with app.test_request_context("/"):
            html = await render_template_string(source, t=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
        assert "2 January 2026 03:04 UTC" in html
        assert "data-moment-refresh" in html
        assert 'data-moment-locale="es"' in html
        assert 'src="/moment/static/moment.js' in html


class NameForm(QuartForm):
    name = StringField("What is your name?", validators=[DataRequired()])
    submit = SubmitField("Submit")


class TestForms:
    @pytest.fixture(autouse=True)
    def _page(self, app: Quart, tmp_path: Path) -> None:
        app.config["WTF_CSRF_ENABLED"] = False
        write(
            tmp_path,
            index="{% import 'bootstrap/wtf.html' as wtf %}"
            "{% for message in get_flashed_messages() %}<p>{{ message }}</p>{% endfor %}"
            "Hello, {% if name %}{{ name }}{% else %}Stranger{% endif %}!"
            "{{ wtf.quick_form(form) }}",
        )

        @app.route("/", methods=["GET", "POST"])
        async def index() -> Any:
            form = await NameForm.from_request()
            if await form.validate_on_submit():
                old = session.get("name")
                if old is not None and old != form.name.data:
                    await flash("Looks like you have changed your name!")
                session["name"] = form.name.data
                return redirect(url_for("index"))
            return await render_template("index.html", form=form, name=session.get("name"))

    async def test_post_redirect_get_and_flash(self, app: Quart) -> None:
        client = app.test_client()

        async def page() -> str:
            return str(await (await client.get("/")).get_data(as_text=True))

        assert "Hello, Stranger!" in await page()
        assert 'name="name"' in await page()
        answer = await client.post("/", form={"name": "Ada"})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")
        assert "Hello, Ada!" in await page()
        await client.post("/", form={"name": "Uma"})
        assert "Looks like you have changed your name!" in await page()
        assert "Looks like" not in await page()

    async def test_a_required_field(self, app: Quart) -> None:
        answer = await app.test_client().post("/", form={"name": ""})
        assert answer.status_code == 200
        assert "This field is required." in await answer.get_data(as_text=True)

    def test_the_validators_of_the_note(self) -> None:
        names = "Email EqualTo IPAddress Length NumberRange Optional Regexp URL AnyOf NoneOf"
        for name in names.split():
            assert hasattr(validators, name)
        assert not hasattr(validators, "Required"), "DataRequired, since WTForms 3"


@pytest.fixture
async def db(app: Quart, tmp_path: Path) -> AsyncIterator[Any]:
    app.config["SQLALCHEMY_DATABASE_URI"] = databases.uri(tmp_path)
    app.config["SQLALCHEMY_COMMIT_ON_TEARDOWN"] = True
    app.config.update(PATIENT)
    db: Any = SQLAlchemy(app)
    yield db
    async with app.app_context():
        await db.dispose()


class TestDatabase:
    async def test_types_and_options_of_columns(self, app: Quart, db: Any) -> None:
        class Everything(db.Model):  # type: ignore[misc]
            id = db.Column(db.Integer, primary_key=True)
            small = db.Column(db.SmallInteger, default=7)
            big = db.Column(db.BigInteger)
            real = db.Column(db.Float)
            exact = db.Column(db.Numeric(10, 2))
            short = db.Column(db.String(64), unique=True, index=True, nullable=False)
            long = db.Column(db.Text)
            letters = db.Column(db.Unicode(10))
            more = db.Column(db.UnicodeText)
            flag = db.Column(db.Boolean)
            day = db.Column(db.Date)
            clock = db.Column(db.Time)
            moment = db.Column(db.DateTime)
            span = db.Column(db.Interval)
            kind = db.Column(db.Enum("a", "b", name="kind"))
            anything = db.Column(db.PickleType)
            raw = db.Column(db.LargeBinary)

        values: dict[str, Any] = {
            "big": 2**40,
            "real": 1.5,
            "exact": Decimal("1.25"),
            "short": "x",
            "long": "y",
            "letters": "ä",
            "more": "ö",
            "flag": True,
            "day": date(2026, 1, 2),
            "clock": time(3, 4),
            "moment": datetime(2026, 1, 2, 3, 4),  # noqa: DTZ001 - the column knows no zone
            "span": timedelta(hours=1),
            "kind": "b",
            "anything": {"a": [1]},
            "raw": b"\0\1",
        }
        async with app.app_context():
            await db.create_all()
            db.session.add(Everything(**values))
            await db.session.commit()
        async with app.app_context():
            row = await Everything.query.first()
            assert {name: getattr(row, name) for name in values} == values
            assert row.small == 7
            await db.drop_all()

    async def test_rows_queries_and_relationships(self, app: Quart, db: Any) -> None:
        class Role(db.Model):  # type: ignore[misc]
            __tablename__ = "roles"
            id = db.Column(db.Integer, primary_key=True)
            name = db.Column(db.String(64), unique=True)
            users = db.relationship("User", backref="role", lazy="write_only", passive_deletes=True)

        class User(db.Model):  # type: ignore[misc]
            __tablename__ = "users"
            id = db.Column(db.Integer, primary_key=True)
            username = db.Column(db.String(64), unique=True, index=True)
            role_id = db.Column(db.Integer, db.ForeignKey("roles.id", ondelete="SET NULL"))

        async with app.app_context():
            await db.create_all()
            admin, moderator, user = (Role(name=n) for n in ("Admin", "Moderator", "User"))
            db.session.add_all([admin, moderator, user])
            db.session.add_all(
                User(username=name, role=role)
                for name, role in (("john", admin), ("susan", user), ("david", user))
            )
            await db.session.commit()

            admin.name = "Administrator"
            db.session.add(admin)
            await db.session.commit()
            await db.session.delete(moderator)
            await db.session.commit()
            assert {role.name for role in await Role.query.all()} == {"Administrator", "User"}

            users = await User.query.filter_by(role=user).all()
            assert {one.username for one in users} == {"susan", "david"}
            assert "WHERE" in str(User.query.filter_by(role=user))
            ordered = User.query.filter(User.id > 0).order_by(User.username).limit(2).offset(1)
            assert [one.username for one in await ordered.all()] == ["john", "susan"]
            assert await User.query.count() == 3
            assert (await User.query.get(users[0].id)).username == users[0].username
            assert (await User.query.first_or_404()).username
            page = await User.query.order_by(User.id).paginate(page=1, per_page=2)
            assert (len(page.items), page.total, page.has_next) == (2, 3, True)

            assert [one.username for one in await user.users.order_by(User.username).all()] == [
                "david",
                "susan",
            ]
            assert await user.users.count() == 2
            await db.session.rollback()

    async def test_a_view_saves_at_the_end_of_its_request(self, app: Quart, db: Any) -> None:
        class User(db.Model):  # type: ignore[misc]
            id = db.Column(db.Integer, primary_key=True)
            username = db.Column(db.String(64), unique=True)

        async with app.app_context():
            await db.create_all()

        @app.route("/<name>")
        async def index(name: str) -> str:
            user = await User.query.filter_by(username=name).first()
            if user is None:
                db.session.add(User(username=name))  # SQLALCHEMY_COMMIT_ON_TEARDOWN
                return "Pleased to meet you!"
            return "Happy to see you again!"

        assert [await text(app, "/ada") for _ in range(2)] == [
            "Pleased to meet you!",
            "Happy to see you again!",
        ]

    async def test_names_of_the_shell(self, app: Quart, db: Any) -> None:
        @app.shell_context_processor
        def names() -> dict[str, Any]:
            return {"ask": 42}

        context = app.make_shell_context()
        assert (context["ask"], context["db"]) == (42, db)


class Config:
    SECRET_KEY = "hard to guess string"

    @staticmethod
    def init_app(app: Quart) -> None:
        app.extensions["configured"] = True


class TestingConfig(Config):
    TESTING = True


CONFIGS = {"testing": TestingConfig, "default": Config}


async def test_a_factory_with_a_blueprint() -> None:
    main = Blueprint("main", __name__)

    @main.app_errorhandler(404)
    async def page_not_found(_error: Exception) -> tuple[str, int]:
        return "Not Found", 404

    @main.route("/")
    async def index() -> str:
        return url_for(".index") + url_for("main.index")

    def create_app(name: str) -> Quart:
        app = Quart(__name__)
        app.config.from_object(CONFIGS[name])
        CONFIGS[name].init_app(app)
        app.register_blueprint(main)
        return app

    app = create_app("testing")
    assert app.testing
    assert app.extensions["configured"]
    assert await text(app) == "//"
    assert await text(app, "/nowhere") == "Not Found"


# --- "单元测试" and the tips ---------------------------------------------------------------

database: Any = SQLAlchemy()


class UserType(enum.Enum):
    puTongUser = 0
    guanLiYuan = 1


class Account(database.Model):  # type: ignore[misc]
    __tablename__ = "user_table"
    id = database.Column(database.Integer, primary_key=True, autoincrement=True)
    userName = database.Column(database.String(80), unique=True, nullable=False)
    userType = database.Column(database.Enum(UserType))
    userMoney = database.Column(database.Float)

    def __init__(self, username: str, userType: UserType = UserType.puTongUser) -> None:
        self.userName, self.userType, self.userMoney = username, userType, 0.0


class BasicsTestCase(unittest.IsolatedAsyncioTestCase):
    """The note's test case: ``asyncSetUp`` pushes the context in which the tests run."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.app = Quart(__name__, instance_path=self.folder.name)
        self.app.config.from_object(TestingConfig)
        self.app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///data-test.sqlite"
        database.init_app(self.app)

    async def asyncSetUp(self) -> None:
        self.app_context = self.app.app_context()
        await self.app_context.push()
        await database.create_all()

    async def asyncTearDown(self) -> None:
        await database.session.remove()
        await database.drop_all()
        await database.dispose()
        await self.app_context.pop()

    def tearDown(self) -> None:
        self.folder.cleanup()

    async def test_app_exists(self) -> None:
        self.assertIs(current_app._get_current_object(), self.app)  # type: ignore[attr-defined]  # noqa: PT009
        self.assertTrue(current_app.config["TESTING"])  # noqa: PT009

    async def test_an_enum_of_the_tips(self) -> None:
        database.session.add(Account("ada", UserType.guanLiYuan))
        await database.session.commit()
        database.session.expunge_all()
        ada = await Account.query.filter_by(userType=UserType.guanLiYuan).one()
        self.assertIs(ada.userType, UserType.guanLiYuan)  # noqa: PT009


def test_the_environment_chooses_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", "sqlite:///from-environment.sqlite")

    class Chosen(TestingConfig):
        SQLALCHEMY_DATABASE_URI = os.environ.get("TEST_DATABASE_URL") or "sqlite:///data.sqlite"

    app = Quart(__name__)
    app.config.from_object(Chosen)
    assert app.config["SQLALCHEMY_DATABASE_URI"] == "sqlite:///from-environment.sqlite"


def test_a_command_that_runs_the_tests(app: Quart, tmp_path: Path) -> None:
    """``manage.py test`` of the note."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text(
        "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): pass\n"
    )

    @app.cli.command()
    def test() -> None:
        """Run the unit tests."""
        found = unittest.TestLoader().discover(str(tmp_path / "tests"))
        result = unittest.TextTestRunner(verbosity=2).run(found)
        click.echo(f"{result.testsRun} run, {len(result.failures)} failed")

    result = app.test_cli_runner().invoke(args=["test"])
    assert "1 run, 0 failed" in result.output
