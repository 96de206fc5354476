"""The answers of views: statuses, headers, cookies, aborts and error handlers."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, NoReturn

import pytest
import quart
from quart import Response, make_response, request

from quarterdeck.app import Quart
from quarterdeck.app.status import check_status, split_result
from quarterdeck.exceptions import InvalidStatusError

from .test_app_views import app as app
from .test_app_views import get

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
