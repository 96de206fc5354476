"""Flask code inside the bridge: views, forms, models, templates, hooks, sign-in and streams."""

from __future__ import annotations

import ast
import asyncio
import inspect
from io import BytesIO
from typing import Any

import flask
import pytest
from sqlalchemy import event, select, text

from quarterdeck.bridge import clear_waits, waits
from quarterdeck.bridge import flask as bridge_flask
from quarterdeck.bridge.flask import Flask, g, request, session
from quarterdeck.bridge.flask.testing import FlaskClient
from quarterdeck.exceptions import NotAwaitedError

from .blog import Draft, Post, User, db
from .conftest import inside

BOTH = "\nAda: One Two \n\nBob: \n"


@inside
def test_a_plain_view_waits_where_no_await_can_be_written(app: Flask) -> None:
    client = app.test_client()

    response = client.get("/")

    assert response.text == BOTH
    assert response.headers["X-Count"] == "2"
    assert app.log == ["NoneType"]  # type: ignore[attr-defined]


async def test_an_async_view_awaits_the_same_names(app: Flask) -> None:
    client = app.test_client()

    assert (await client.get("/async")).text == BOTH
    response = await client.post("/async-name", data={"name": "Cleo"})
    assert response.json == {"ok": True, "text": "Cleo"}
    answers = await asyncio.gather(*[client.get(path) for path in ("/", "/async")])
    assert [each.text for each in answers] == [BOTH, BOTH]


@inside
def test_forms_validators_and_messages(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/name").json == {}
    assert client.post("/name", data={"name": "Ada"}).json == {"name": ["This name is taken."]}
    response = client.post("/name", data={"name": "Cleo", "unset": None}, follow_redirects=True)

    assert response.json == ["Saved."]
    assert [each.status_code for each in response.history] == [302]
    with app.app_context():
        assert User(name="Dan").number == 3  # counted in __init__
        assert User.query.count() == 3


@inside
def test_the_client_takes_the_arguments_of_flask(app: Flask) -> None:
    client = app.test_client()

    found = client.post(
        "/echo?a=1",
        base_url="http://example.com/",
        data={"number": 5, "picture": (BytesIO(b"bytes"), "p.txt")},
        content_type="multipart/form-data",
        environ_overrides={"REMOTE_ADDR": "10.1.2.3"},
        errors_stream=None,
    ).get_json()
    assert found == {
        "form": {"number": "5"},
        "args": {"a": "1"},
        "file": "bytes",
        "address": "10.1.2.3",
        "environ": "example.com",
        "json": None,
        "body": 0,
    }
    assert client.post("/echo", json={"a": 1}).json["json"] == {"a": 1}


async def test_a_client_class_of_the_app(app: Flask) -> None:
    class Client(FlaskClient):
        def open(self, *args: Any, **options: Any) -> Any:
            response = super().open(*args, **options)
            response.headers["X-Mine"] = "yes"
            return response

    app.test_client_class = Client
    client = app.test_client()
    response = await client.get("/")
    assert (response.text, response.headers["X-Mine"]) == (BOTH, "yes")


@inside
def test_contexts_of_tests(app: Flask) -> None:
    with app.test_client() as client:
        with client.session_transaction() as stored:
            stored["visits"] = 41
        client.get("/messages")
        assert (session["visits"], request.path, g.count) == (42, "/messages", 2)
    with app.test_request_context("/?q=1", method="POST", data={"name": "x"}):
        assert (request.args["q"], request.form["name"]) == ("1", "x")


async def test_plain_and_async_with_in_async_code(app: Flask) -> None:
    async with app.app_context():
        assert await User.query.count() == 2
    async with app.test_client() as client:
        await client.get("/messages")
        assert session["visits"] == 1


@inside
def test_sign_in(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/users/1").headers["Location"] == "/login?next=%2Fusers%2F1"
    client.get("/login/2")
    response = client.get("/users/1")

    assert response.json == {"name": "Ada", "me": "Bob"}
    assert response.headers["X-Titles"] == "One,Two"
    assert client.get("/missing").text == "nothing here for 2"


@inside
def test_a_stream_waits_and_keeps_its_context(app: Flask) -> None:
    response = app.test_client().get("/stream")

    assert response.text == "['One', 'Two'] /stream lazily\n[] /stream lazily\n"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/forgotten", "render_template_string"),
        ("/forgotten-use", "Query.first"),
        ("/forgotten-commit", "session.commit"),
    ],
)
async def test_a_forgotten_await_is_an_error_with_its_place(
    app: Flask, path: str, name: str
) -> None:
    with pytest.raises(NotAwaitedError, match=rf"'{name}\(\)' at .*blog\.py:\d+ did nothing"):
        await app.test_client().get(path)


async def test_outside_of_an_app_a_forgotten_await_is_a_warning(app: Flask) -> None:
    client = app.test_client()
    with pytest.warns(RuntimeWarning, match=r"'client.get\(\)' at .*test_views.py"):
        client.get("/")
    for use in (bool, str, len, list, lambda pending: pending.status_code, lambda p: p == 1):
        with pytest.raises(NotAwaitedError, match=r"test_views.py"):
            use(client.get("/"))


@inside
def test_the_log_of_waits_names_the_place_and_the_cure(app: Flask) -> None:
    clear_waits()
    app.test_client().get("/")

    found = {(each.kind, each.what): each for each in waits()}
    lazy = found["lazy load", "User.posts"]
    assert (lazy.file, lazy.line, lazy.function, lazy.count) == ("<template>", 2, "", 2)
    assert lazy.cure == "selectinload(User.posts)"
    query = found["wait", "Query.all"]
    assert query.file.endswith("blog.py")
    assert (query.function, query.count) == ("index", 1)
    assert query.seconds > 0


@inside
def test_threads(app: Flask) -> None:
    client = app.test_client()

    found = client.get("/threads").json
    assert found["view"] == "MainThread"
    assert found["inside"][0] != "MainThread"
    assert found["inside"][1:] == [2, "/threads"]

    assert client.get("/blocking-view").json == ["MainThread", 2]
    app.config["BRIDGE_THREADED_VIEWS"] = ("pages.blocking_view",)
    thread, count = client.get("/blocking-view").json
    assert (thread != "MainThread", count) == (True, 2)


@inside
def test_absolute_redirects_by_choice(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/login/1").headers["Location"] == "/"
    app.config["BRIDGE_ABSOLUTE_LOCATION"] = True
    assert client.get("/login/1").headers["Location"] == "http://localhost/"


@inside
def test_a_request_shares_the_session_of_the_context_of_its_test(app: Flask) -> None:
    with app.app_context():
        ada = User.query.first()
        ada.name = "Eve"  # not committed, and seen by the request
        assert "Eve" in app.test_client().get("/").text
        assert ada in db.session
        db.session.rollback()
        assert ada.name == "Ada"


@inside
def test_the_db_session(app: Flask) -> None:
    heard = []
    event.listen(db.session, "before_commit", lambda session: heard.append(session))
    with app.app_context():
        ada = db.session.execute(select(User)).scalars().first()
        post = Post(author_id=ada.id, title="Three")
        db.session.add(post)
        db.session.commit()
        assert ada.titles == ["One", "Two", "Three"]  # expired by the commit
        assert repr(ada) == "<User 1>"
        page = Post.query.order_by(Post.id).paginate(page=1, per_page=2)
        assert (page.total, page.pages, [each.title for each in page]) == (3, 2, ["One", "Two"])
        assert [each.title for each in page.next().items] == ["Three"]
        assert db.paginate(select(Post), page=2, per_page=2).items == [post]
        assert ada.drafts.filter(Draft.id > 0).all() == list(ada.drafts)
        assert ada.drafts.count() == 1
        with db.engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
        with db.session.begin_nested():
            db.session.delete(post)
        db.session.rollback()
        db.session.remove()
    assert len(heard) == 2  # the savepoint is one


@inside
def test_commands_inside_a_running_loop(app: Flask) -> None:
    runner = app.test_cli_runner()

    result = runner.invoke(args=["people", "add", "Cleo"], catch_exceptions=False)
    assert result.output == "Added Cleo.\n"
    assert runner.invoke(args="count").output == "3\n"


def test_all_public_names_of_flask_are_there() -> None:
    tree = ast.parse(inspect.getsource(flask))
    imported = (node for node in tree.body if isinstance(node, ast.ImportFrom))
    names = {alias.asname for node in imported for alias in node.names} - {None, "t"}

    assert len(names) > 35
    assert {name for name in names if not hasattr(bridge_flask, str(name))} == set()
