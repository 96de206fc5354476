"""Views: async and plain, functions and classes, with decorators."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
import quart
from quart import g, request, session
from quart.views import MethodView, View

from quarterdeck.app import Quart

View_ = Callable[..., Any]
KINDS = [pytest.param(Quart, id="ours"), pytest.param(quart.Quart, id="stock")]


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)
    app.secret_key = "x"
    return app


async def get(app: quart.Quart, path: str = "/", method: str = "GET") -> tuple[int, str]:
    client: Any = app.test_client()
    response = await client.open(path, method=method)
    return response.status_code, str(await response.get_data(as_text=True))


# --- plain functions ------------------------------------------------------------------


@pytest.mark.feature("V1")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_plain_view_does_not_block_the_loop(kind: type[quart.Quart]) -> None:
    app = kind(__name__)
    release = threading.Event()

    @app.route("/slow")
    def slow() -> str:
        return f"{release.wait(10)} {threading.current_thread() is threading.main_thread()}"

    app.add_url_rule("/quick", "quick", lambda: "quick")
    slow_answer = asyncio.create_task(get(app, "/slow"))
    assert await get(app, "/quick") == (200, "quick")
    release.set()
    assert await slow_answer == (200, "True False")


@pytest.mark.feature("V1", "X1")
async def test_a_plain_view_sees_the_contexts(app: Quart) -> None:
    language: ContextVar[str] = ContextVar("language", default="none")

    @app.before_request
    async def set_up() -> None:
        g.name = "g"
        language.set("sv")
        session["name"] = "session"

    @app.route("/<int:number>")
    def view(number: int) -> str:
        return f"{request.path} {g.name} {session['name']} {language.get()} {number}"

    assert await get(app, "/7") == (200, "/7 g session sv 7")


@pytest.mark.feature("V1")
async def test_a_plain_generator_streams(app: Quart) -> None:
    @app.route("/")
    def view() -> Any:
        def lines() -> Any:
            yield "a"
            yield "b"

        return lines()

    assert await get(app) == (200, "ab")


# --- decorators -----------------------------------------------------------------------


def plain(view: View_) -> View_:
    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if "stop" in request.args:
            return "stopped", 403
        return view(*args, **kwargs)

    return wrapper


def plain_without_wraps(view: View_) -> View_:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if "stop" in request.args:
            return "stopped", 403
        return view(*args, **kwargs)

    wrapper.__name__ = view.__name__
    return wrapper


def asynchronous(view: View_) -> View_:
    @functools.wraps(view)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        if "stop" in request.args:
            return "stopped", 403
        return await view(*args, **kwargs)

    return wrapper


@pytest.mark.feature("V3")
@pytest.mark.hazard("a sync decorator over an async view gives 500")
@pytest.mark.parametrize("decorator", [plain, plain_without_wraps, asynchronous])
async def test_decorators_of_both_kinds_over_an_async_view(
    app: Quart, decorator: Callable[[View_], View_]
) -> None:
    @app.route("/<name>")
    @decorator
    async def view(name: str) -> str:
        await asyncio.sleep(0)
        return name

    assert await get(app, "/ann") == (200, "ann")
    assert await get(app, "/ann?stop") == (403, "stopped")


async def test_stock_hands_out_the_coroutine_of_a_decorated_view() -> None:
    async def view() -> str:
        return ""

    app = quart.Quart(__name__)
    async with app.test_request_context("/"):
        result = await app.ensure_async(plain(view))()
    assert inspect.iscoroutine(result)
    result.close()


@pytest.mark.feature("V2", "V3")
@pytest.mark.hazard("MethodView.decorators with a sync wrapper give 500")
@pytest.mark.parametrize("decorator", [plain, plain_without_wraps, asynchronous])
async def test_decorators_of_a_method_view(app: Quart, decorator: Callable[[View_], View_]) -> None:
    class Users(MethodView):
        decorators = [decorator]

        async def get(self, name: str) -> str:
            return f"get {name}"

        def post(self, name: str) -> str:
            return f"post {name}"

    app.add_url_rule("/<name>", view_func=Users.as_view("users"))
    assert await get(app, "/ann") == (200, "get ann")
    assert await get(app, "/ann", "POST") == (200, "post ann")
    assert (await get(app, "/ann", "DELETE"))[0] == 405
    assert await get(app, "/ann?stop") == (403, "stopped")


@pytest.mark.feature("V3")
async def test_decorators_run_from_the_outside_in(app: Quart) -> None:
    order = []

    def noting(name: str) -> Callable[[View_], View_]:
        def decorate(view: View_) -> View_:
            @functools.wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                order.append(name)
                return view(*args, **kwargs)

            return wrapper

        return decorate

    @app.route("/")
    @noting("first")
    @noting("second")
    async def view() -> str:
        order.append("view")
        return ""

    await get(app)
    assert order == ["first", "second", "view"]


@pytest.mark.feature("V3")
async def test_a_wrapper_around_an_async_view_leaves_the_view_on_the_loop(app: Quart) -> None:
    threads = []

    def noting(view: View_) -> View_:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            threads.append(threading.current_thread())
            return view(*args, **kwargs)

        return wrapper

    @app.route("/")
    @noting
    async def view() -> str:
        threads.append(threading.current_thread())
        return ""

    await get(app)
    outer, inner = threads
    assert outer is not inner is threading.main_thread()


@pytest.mark.feature("V2")
async def test_a_class_view_with_its_methods_and_arguments(app: Quart) -> None:
    class Greeting(View):
        methods = ["GET", "PUT"]

        def __init__(self, word: str) -> None:
            self.word = word

        async def dispatch_request(self, **kwargs: Any) -> str:
            return f"{self.word} {kwargs['name']}"

    app.add_url_rule("/hi/<name>", view_func=Greeting.as_view("hi", "Hello"))
    assert await get(app, "/hi/ann") == (200, "Hello ann")
    assert await get(app, "/hi/ann", "PUT") == (200, "Hello ann")
    assert (await get(app, "/hi/ann", "POST"))[0] == 405


@pytest.mark.feature("V4")
async def test_a_guard_with_a_white_list_and_a_permission_on_top(app: Quart) -> None:
    people = {"ann": {"edit"}, "bob": set()}

    @app.before_request
    async def guard() -> Any:
        if request.path in ("/login", "/favicon.ico"):
            return None
        g.permissions = people.get(request.headers.get("X-User", ""))
        return ("sign in", 401) if g.permissions is None else None

    def permission(name: str) -> Callable[[View_], View_]:
        def decorate(view: View_) -> View_:
            @functools.wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                if name not in g.permissions:
                    quart.abort(403)
                return view(*args, **kwargs)

            return wrapper

        return decorate

    async def page() -> str:
        return "page"

    app.add_url_rule("/login", "login", page)
    app.add_url_rule("/", "index", page)
    app.add_url_rule("/edit", "edit", permission("edit")(page))
    client = app.test_client()
    for path, user, status in (
        ("/login", "", 200),
        ("/", "", 401),
        ("/", "bob", 200),
        ("/edit", "bob", 403),
        ("/edit", "ann", 200),
        ("/nowhere", "", 401),
    ):
        assert (await client.get(path, headers={"X-User": user})).status_code == status


# --- endpoints and methods ------------------------------------------------------------


@pytest.mark.feature("R9")
def test_a_second_view_of_the_same_endpoint_is_refused(app: Quart) -> None:
    def nameless(view: View_) -> View_:
        def wrapper() -> Any:
            return view()

        return wrapper

    app.route("/a")(nameless(lambda: "a"))
    with pytest.raises(AssertionError, match="overwriting an existing endpoint"):
        app.route("/b")(nameless(lambda: "b"))
    app.route("/b", endpoint="b")(nameless(lambda: "b"))


@pytest.mark.feature("R5", "R8")
async def test_head_and_options_and_405_come_by_themselves(app: Quart) -> None:
    app.add_url_rule("/", "index", lambda: "body", methods=["GET", "POST"])
    client = app.test_client()
    head = await client.head("/")
    assert (head.status_code, head.content_length) == (200, 4)
    assert await head.get_data() == b""
    options = await client.options("/")
    assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    refused = await client.delete("/")
    assert refused.status_code == 405
    assert "POST" in refused.headers["Allow"]
    assert [rule.endpoint for rule in app.url_map.iter_rules()].count("index") == 1
