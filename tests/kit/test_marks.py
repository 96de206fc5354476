"""Marks on views: the three decorators that leave one are found wherever they stand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from quart import Blueprint, session, websocket
from quart.testing.connections import WebsocketResponseError
from quart.views import MethodView, View

from quarterdeck._marks import Mark, is_static
from quarterdeck.exceptions import StatelessSessionError
from quarterdeck.login import LoginManager, public
from quarterdeck.session import Session, stateless
from quarterdeck.testing import WebsocketDisconnectError
from quarterdeck.wtf import CSRFProtect
from tests.plain import Quart

from .session.memory import MemoryStore

Decorator = Callable[[Any], Any]


def careful(view: Any) -> Any:
    """Wrap a view as most decorators do."""

    @functools.wraps(view)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await view(*args, **kwargs)

    return wrapper


def bare(view: Any) -> Any:
    """Wrap a view without a copy of its attributes, so that only ``__wrapped__`` leads to it."""

    @functools.wraps(view, updated=())
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await view(*args, **kwargs)

    return wrapper


def csrf_app() -> tuple[Quart, Decorator]:
    app = Quart(__name__)
    app.secret_key = "for these tests"
    return app, CSRFProtect(app).exempt


def login_app() -> tuple[Quart, Decorator]:
    app = Quart(__name__)
    app.secret_key = "for these tests"
    LoginManager(app, require_login=True).user_loader(lambda user_id: None)
    return app, public


def session_app() -> tuple[Quart, Decorator]:
    """Refuse every request whose session is kept."""
    app = Quart(__name__)
    app.secret_key = "for these tests"
    Session(app, store=MemoryStore())

    @app.before_request
    @app.before_websocket
    async def refuse() -> Any:
        try:
            session.get("any")
        except StatelessSessionError:
            return None
        return "kept", 400

    return app, stateless


@pytest.fixture(params=[csrf_app, login_app, session_app], ids=["csrf", "login", "session"])
def made(request: pytest.FixtureRequest) -> tuple[Quart, Decorator]:
    app, mark = request.param()
    app.add_url_rule("/unmarked", "unmarked", make_view(), methods=["POST"])
    return app, mark


def make_view() -> Any:
    """Return a view of its own: a mark stays on the function that it was put on."""

    async def view(**kwargs: Any) -> str:
        return "ok"

    return view


async def status(app: Quart, path: str, method: str = "POST") -> int:
    client: Any = app.test_client()
    return int((await client.open(path, method=method)).status_code)


@pytest.mark.parametrize("other", [careful, bare])
@pytest.mark.parametrize("place", ["above", "below", "between", "above the route"])
async def test_a_mark_above_and_below_other_decorators(
    made: tuple[Quart, Decorator], place: str, other: Decorator
) -> None:
    app, mark = made
    view = make_view()
    if place == "above":
        view = mark(other(view))
    elif place == "below":
        view = other(mark(view))
    elif place == "between":
        view = other(mark(other(view)))
    app.add_url_rule("/page", "page", view, methods=["POST"])
    if place == "above the route":
        mark(other(other(view)))
    assert await status(app, "/page") == 200
    assert await status(app, "/unmarked") != 200


@pytest.mark.parametrize("other", [careful, bare])
async def test_class_views(made: tuple[Quart, Decorator], other: Decorator) -> None:
    app, mark = made

    class Base(View):
        methods = ["POST"]

        async def dispatch_request(self, **kwargs: Any) -> str:
            return "ok"

    @mark
    class Marked(Base):
        decorators = [other]

    class Inherited(Marked):
        pass

    class Listed(Base):
        decorators = [mark, other]

    for view_class in (Base, Marked, Inherited, Listed):
        name = view_class.__name__
        app.add_url_rule(f"/{name}", view_func=view_class.as_view(name))
    assert await status(app, "/Base") != 200
    assert [await status(app, f"/{name}") for name in ("Marked", "Inherited", "Listed")] == [
        200,
        200,
        200,
    ]


@pytest.mark.parametrize("other", [careful, bare])
async def test_one_method_of_a_method_view(made: tuple[Quart, Decorator], other: Decorator) -> None:
    app, mark = made

    class Item(MethodView):
        @mark
        @other
        async def post(self) -> str:
            return "ok"

        @other
        @mark
        async def patch(self) -> str:
            return "ok"

        async def put(self) -> str:
            return "ok"

    app.add_url_rule("/item", view_func=careful(Item.as_view("item")))
    assert await status(app, "/item") == 200
    assert await status(app, "/item", "PATCH") == 200
    assert await status(app, "/item", "PUT") != 200


async def test_a_method_of_an_object(made: tuple[Quart, Decorator]) -> None:
    app, mark = made

    class Pages:
        async def page(self) -> str:
            return "ok"

        async def unmarked_page(self) -> str:
            return "ok"

    pages = Pages()
    app.add_url_rule("/page", "page", mark(pages.page), methods=["POST"])
    app.add_url_rule("/other", "other", pages.unmarked_page, methods=["POST"])
    assert await status(app, "/page") == 200
    assert await status(app, "/other") != 200


@pytest.mark.parametrize("make", [csrf_app, session_app])
async def test_blueprints(make: Callable[[], tuple[Quart, Decorator]]) -> None:
    app, mark = make()
    outer, inner, other = (Blueprint(name, __name__) for name in ("outer", "inner", "other"))
    for blueprint in (outer, inner, other):
        blueprint.add_url_rule(f"/{blueprint.name}", "page", make_view(), methods=["POST"])
    outer.register_blueprint(inner)
    mark(outer)
    app.register_blueprint(outer)
    app.register_blueprint(other)
    assert await status(app, "/outer") == 200
    assert await status(app, "/inner") == 200
    assert await status(app, "/other") != 200


@pytest.mark.parametrize("other", [careful, bare])
@pytest.mark.parametrize("above", [True, False])
async def test_websockets(made: tuple[Quart, Decorator], other: Decorator, above: bool) -> None:
    """With an origin that is refused without the mark."""
    app, mark = made

    def make_handler() -> Any:
        async def handler() -> None:
            await websocket.send("ok")

        return handler

    handler = mark(other(make_handler())) if above else other(mark(make_handler()))
    app.add_websocket("/marked", "marked", handler)
    app.add_websocket("/plain", "plain", other(make_handler()))
    headers = {"Origin": "https://elsewhere.example"}
    async with app.test_client().websocket("/marked", headers=headers) as connection:
        assert await connection.receive() == "ok"
    with pytest.raises((WebsocketDisconnectError, WebsocketResponseError)):
        async with app.test_client().websocket("/plain", headers=headers) as connection:
            await connection.receive()


def test_marks_of_all_layers_are_merged() -> None:
    mark: Mark[str] = Mark("test_merged", lambda outer, inner: outer + inner)

    async def view() -> None: ...

    mark.put(view, "a")
    outer = bare(view)
    mark.put(outer, "b")
    assert mark.get(view) == "ba"
    assert mark.get(outer) == "bba"  # a merge has to allow for a mark that is seen twice


def test_only_the_views_that_quart_adds_are_static() -> None:
    async def send_static_file() -> None: ...

    class Files:
        async def send_static_file(self) -> None: ...

    app = Quart(__name__, static_folder="static")
    assert is_static(app.view_functions["static"])
    assert not is_static(send_static_file)
    assert not is_static(Files().send_static_file)


async def test_a_mark_that_comes_after_the_first_request_counts() -> None:
    """What was found for an endpoint is remembered, but not what is no longer true."""
    app = Quart(__name__)
    mark: Mark[str] = Mark("test_late")

    @app.get("/")
    async def index() -> str:
        return ""

    assert mark.around(app, "index", "GET") == ()
    mark.put(index, "late")
    assert mark.around(app, "index", "GET") == ("late",)
    app.view_functions["index"] = lambda: ""
    assert mark.around(app, "index", "GET") == ()
