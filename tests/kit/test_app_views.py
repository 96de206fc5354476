"""Views: async and plain, functions and classes, with decorators, and what they answer."""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
import threading
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, NoReturn

import pytest
import quart
from quart import Response, g, make_response, request, session
from quart.views import MethodView, View

from quarterdeck.app import Quart
from quarterdeck.app.status import check_status, split_result
from quarterdeck.exceptions import InvalidStatusError

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


# --- answers --------------------------------------------------------------------------

STATUSES = [
    (403, "403 FORBIDDEN"),
    (HTTPStatus.CREATED, "201 CREATED"),
    ("403", "403 FORBIDDEN"),
    ("403 Permission Denied", "403 Permission Denied"),
    ("299 Quite fine", "299 Quite fine"),
    (418, "418 I'M A TEAPOT"),
]


@pytest.mark.feature("A2")
@pytest.mark.hazard("a status with a reason is a 500")
@pytest.mark.parametrize(("status", "line"), STATUSES)
async def test_statuses_of_every_form(app: Quart, status: Any, line: str) -> None:
    app.add_url_rule("/", "index", lambda: ("x", status))
    assert (await app.test_client().get("/")).status == line


async def test_stock_fails_on_a_status_with_a_reason() -> None:
    app = quart.Quart(__name__)
    answer: Any = ("x", "403 Permission Denied")
    app.add_url_rule("/", "index", lambda: answer)
    assert (await app.test_client().get("/")).status_code == 500


@pytest.mark.feature("A2")
@pytest.mark.parametrize("status", ["Permission Denied", "99", 600, "403 a\r\nX-Evil: 1"])
async def test_a_status_that_http_lacks_is_named(app: Quart, status: Any) -> None:
    app.testing = True
    app.add_url_rule("/", "index", lambda: ("x", status))
    async with app.test_request_context("/"):
        with pytest.raises(ValueError, match="is not an HTTP status"):
            await app.make_response(("x", status))


@pytest.mark.feature("A2")
@pytest.mark.parametrize(
    "answer",
    [
        ("x", {"X-A": "1", "X-B": "2"}),
        ("x", [("X-A", "1"), ("X-B", "2")]),
        ("x", (("X-A", "1"), ("X-B", "2"))),
        ("x", 200, {"X-A": "1", "X-B": "2"}),
        ("x", 200, [("X-A", "1"), ("X-B", "2")]),
        ("x", "200 Fine", (("X-A", "1"), ("X-B", "2"))),
        ("x", None, {"X-A": "1", "X-B": "2"}),
    ],
)
async def test_headers_of_every_form(app: Quart, answer: Any) -> None:
    app.add_url_rule("/", "index", lambda: answer)
    response = await app.test_client().get("/")
    assert response.status_code == 200
    assert (response.headers["X-A"], response.headers["X-B"]) == ("1", "2")


@pytest.mark.feature("A1")
@pytest.mark.parametrize("answer", [(), ("x",), ("x", 200, {}, "y"), None, object(), 42])
async def test_an_answer_that_is_none_is_explained(app: Quart, answer: Any) -> None:
    async with app.test_request_context("/"):
        with pytest.raises(TypeError):
            await app.make_response(answer)


async def test_an_answer_of_none_names_the_view(app: Quart) -> None:
    answer: Any = None
    app.add_url_rule("/", "orders.index", lambda: answer)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    with pytest.raises(TypeError, match=r"'orders\.index' answered with None"):
        await app.test_client().get("/")


@pytest.mark.feature("A3")
async def test_make_response_sets_status_headers_and_cookies(app: Quart) -> None:
    @app.route("/")
    async def view() -> Any:
        response = await make_response("body", 201, {"X-A": "1"})
        response.status = "202 Taken"
        response.set_cookie(
            "c", "v", max_age=60, path="/p", domain="example.com", secure=True,
            httponly=True, samesite="Strict",
        )  # fmt: skip
        response.delete_cookie("old")
        return response

    response = await app.test_client().get("/")
    assert response.status == "202 Taken"
    cookie, deleted = response.headers.getlist("Set-Cookie")
    for part in ("c=v", "Max-Age=60", "Path=/p", "Domain=example.com", "Secure", "HttpOnly"):
        assert part in cookie
    assert "SameSite=Strict" in cookie
    assert deleted.startswith("old=;")
    assert "Max-Age=0" in deleted


@pytest.mark.feature("A4")
async def test_abort_in_its_three_forms(app: Quart) -> None:
    app.add_url_rule("/code", "code", lambda: quart.abort(404))
    app.add_url_rule("/text", "text", lambda: quart.abort(409, "Somebody was faster."))

    @app.route("/response")
    async def response() -> NoReturn:
        quart.abort(Response("made", 418))

    assert (await get(app, "/code"))[0] == 404
    status, body = await get(app, "/text")
    assert status == 409
    assert "Somebody was faster." in body
    assert await get(app, "/response") == (418, "made")


@pytest.mark.feature("A4")
async def test_error_handlers_by_code_and_by_class(app: Quart) -> None:
    class DomainError(Exception):
        pass

    class StockError(DomainError):
        pass

    @app.errorhandler(404)
    async def not_found(error: Any) -> Any:
        return f"no {request.path}", 404

    @app.errorhandler(DomainError)
    async def domain(error: DomainError) -> Any:
        return type(error).__name__, 409

    @app.errorhandler(Exception)
    def rest(error: Exception) -> Any:
        return "rest", getattr(error, "code", 500)

    @app.route("/stock")
    async def stock() -> NoReturn:
        raise StockError

    @app.route("/other")
    async def other() -> NoReturn:
        raise KeyError

    assert await get(app, "/x") == (404, "no /x")
    assert await get(app, "/stock") == (409, "StockError")
    assert await get(app, "/other") == (500, "rest")
    assert await get(app, "/other", "POST") == (405, "rest")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(100, 100), ("599", 599), ("403 No entry", "403 No entry"), ("403  ", 403)],
)
def test_a_status_is_a_number_or_has_a_reason(status: Any, expected: Any) -> None:
    assert check_status(status) == expected


@pytest.mark.parametrize(
    "status",
    [99, 600, "", "ok", "200 OK\rSet-Cookie: a=b", "200 OK\nSet-Cookie: a=b"],
)
def test_these_are_no_status(status: Any) -> None:
    with pytest.raises(InvalidStatusError):
        check_status(status)


@pytest.mark.parametrize(("result", "length"), [((), 0), (("body",), 1), (("a", 2, {}, 4), 4)])
def test_a_tuple_of_another_length_is_no_answer(result: Any, length: int) -> None:
    with pytest.raises(TypeError, match=rf"a tuple of {length}\. Answer with \(body, status\)"):
        split_result(result)


@pytest.mark.parametrize("status", [None, 2.5, b"200", [200]])
def test_a_status_of_another_type_is_named(status: Any) -> None:
    message = f"{status!r} is not a status. Answer with (body, status, headers) in this order."
    with pytest.raises(TypeError, match=re.escape(message)):
        check_status(status)
