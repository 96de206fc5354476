"""A small Flask app in the old style, as the bridge must run it; parts of it are async already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates
from wtforms import FileField, StringField
from wtforms.validators import DataRequired, ValidationError

from quarterdeck.bridge import in_thread
from quarterdeck.bridge.flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    g,
    get_flashed_messages,
    jsonify,
    make_response,
    redirect,
    render_template_string,
    request,
    session,
    stream_with_context,
    url_for,
)
from quarterdeck.bridge.flask.cli import AppGroup, with_appcontext
from quarterdeck.bridge.flask.views import MethodView
from quarterdeck.bridge.login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
)
from quarterdeck.bridge.sqlalchemy import SQLAlchemy
from quarterdeck.bridge.wtf import FlaskForm
from tests import databases

db = SQLAlchemy()
login_manager = LoginManager()
login_manager.login_view = "login"


class User(UserMixin, db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    posts = relationship("Post", backref="author")
    drafts = relationship("Draft", backref="author", lazy="dynamic")

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.number = User.query.count()  # a query where no await can be written

    @validates("name")
    def check(self, _key: str, name: str) -> str:
        if User.query.filter_by(name=name).first() is not None:
            raise ValueError("taken")
        return name

    @property
    def titles(self) -> list[str]:
        return [post.title for post in self.posts]


class Post(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    title: Mapped[str] = mapped_column(String(50))


class Draft(db.Model):  # type: ignore[name-defined, misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))


@login_manager.user_loader
def load_user(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))  # type: ignore[no-any-return]


class NameForm(FlaskForm):
    name = StringField(validators=[DataRequired()])
    picture = FileField()

    def validate_name(self, field: StringField) -> None:
        if User.query.filter_by(name=field.data).first():
            raise ValidationError("This name is taken.")


PAGE = """{% for user in users %}
{{ user.name }}: {% for post in user.posts %}{{ post.title }} {% endfor %}
{% endfor %}"""

pages = Blueprint("pages", __name__)


@pages.get("/")
def index() -> str:
    users = User.query.order_by(User.id).all()
    return render_template_string(PAGE, users=users)  # type: ignore[no-any-return]


@pages.get("/async")
async def async_index() -> str:
    users = await User.query.order_by(User.id).all()
    assert await users[0].drafts.count() == 1
    return await render_template_string(PAGE, users=users)  # type: ignore[no-any-return]


@pages.route("/name", methods=["GET", "POST"])
def name() -> Any:
    form = NameForm()
    if form.validate_on_submit():
        db.session.add(User(name=form.name.data))
        db.session.commit()
        flash("Saved.")
        return redirect(url_for("pages.messages"))
    return jsonify(form.errors)


@pages.post("/async-name")
async def async_name() -> Any:
    form = NameForm()
    return jsonify(ok=await form.validate_on_submit(), text=(await request.form)["name"])


@pages.get("/messages")
def messages() -> Any:
    session["visits"] = session.get("visits", 0) + 1
    return jsonify(get_flashed_messages())


@pages.post("/echo")
def echo() -> Any:
    file = request.files.get("picture")
    return jsonify(
        form=request.form.to_dict(),
        args=request.args.to_dict(),
        file=file.read().decode() if file else None,
        address=request.remote_addr,
        environ=request.environ["HTTP_HOST"],
        json=request.get_json(silent=True),
        body=len(request.data),
    )


@pages.get("/stream")
def stream() -> Response:
    g.word = "lazily"

    def pieces() -> Iterator[str]:
        for user in User.query.order_by(User.id):
            yield f"{user.titles} {request.path} {g.word}\n"

    return Response(stream_with_context(pieces()), mimetype="text/plain")


@pages.get("/forgotten")
async def forgotten() -> Any:
    return render_template_string("nothing")


@pages.get("/forgotten-use")
async def forgotten_use() -> Any:
    user = User.query.first()
    return user.name


@pages.get("/forgotten-commit")
async def forgotten_commit() -> str:
    db.session.commit()
    return "saved"


@pages.get("/threads")
def threads() -> Any:
    import threading

    @in_thread
    def count() -> Any:
        return threading.current_thread().name, User.query.count(), request.path

    return jsonify(view=threading.current_thread().name, inside=count())


@pages.get("/blocking-view")
def blocking_view() -> Any:
    import threading

    return jsonify(threading.current_thread().name, User.query.count())


class Users(MethodView):
    decorators = [login_required]

    def get(self, user_id: int) -> Any:
        user = db.get_or_404(User, user_id)
        response = make_response(jsonify(name=user.name, me=current_user.name))
        response.headers["X-Titles"] = ",".join(user.titles)
        return response


@pages.get("/login/<int:user_id>")
def login(user_id: int) -> Any:
    login_user(db.get_or_404(User, user_id))
    return redirect(url_for("pages.index"))


@pages.errorhandler(404)
def not_found(_error: Exception) -> Any:
    return f"nothing here for {User.query.count()}", 404


@pages.get("/missing")
def missing() -> str:
    abort(404)


group = AppGroup("people")


@group.command("add")  # type: ignore[untyped-decorator]
@click.argument("name")
def add(name: str) -> None:
    """Add somebody."""
    db.session.add(User(name=name))
    db.session.commit()
    click.echo(f"Added {name}.")


@click.command("count")
@with_appcontext
def count() -> None:
    """Count."""
    click.echo(str(User.query.count()))


def make_app(folder: Path, **config: Any) -> Flask:
    """Return the app over a database in a folder; in memory on SQLite, as Flask apps test."""
    app = Flask(__name__)
    uri = "sqlite://" if databases.is_sqlite() else databases.uri(folder)
    app.config.update(
        TESTING=True,
        SECRET_KEY="for tests " * 4,
        SQLALCHEMY_DATABASE_URI=uri,
        WTF_CSRF_ENABLED=False,
        **config,
    )
    db.init_app(app)
    login_manager.init_app(app)
    app.register_blueprint(pages)
    app.add_url_rule("/users/<int:user_id>", view_func=Users.as_view("users"))
    app.add_url_rule("/login", "login", lambda: "Please log in", methods=["GET"])
    app.cli.add_command(group)
    app.cli.add_command(count)
    app.log = []  # type: ignore[attr-defined]

    @app.before_request
    def before() -> None:
        g.count = User.query.count()

    @app.after_request
    def after(response: Response) -> Response:
        response.headers["X-Count"] = str(g.count)
        return response

    @app.teardown_request
    def teardown(error: BaseException | None) -> None:
        app.log.append(type(error).__name__)  # type: ignore[attr-defined]

    return app


def fill() -> None:
    """Add two users with posts."""
    db.create_all()
    ada = User(name="Ada")
    db.session.add_all([ada, User(name="Bob")])
    db.session.flush()
    db.session.add_all([Post(author=ada, title="One"), Post(author=ada, title="Two")])
    db.session.add(Draft(author=ada))
    db.session.commit()
