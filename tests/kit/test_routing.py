"""Converters, and the routing that the notes of a Flask developer rely on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import quart
from werkzeug.routing import BaseConverter, BuildError

from quarterdeck.app import Blueprint, Quart
from quarterdeck.exceptions import InvalidExpressionError
from quarterdeck.routing import RegexConverter, register_converters


@pytest.fixture
def app() -> Quart:
    return Quart(__name__)


@pytest.mark.feature("R1")
@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("<value>", "ann", "ann"),
        ("<string(length=2):value>", "en", "en"),
        ("<int:value>", "42", 42),
        ("<int(signed=True):value>", "-42", -42),
        ("<float:value>", "1.5", 1.5),
        ("<path:value>", "a/b/c", "a/b/c"),
        ("<any(red, blue):value>", "blue", "blue"),
        (
            "<uuid:value>",
            "8c5f1a4e-7d0b-4f0a-9a53-0d3f7f1f2a11",
            UUID("8c5f1a4e-7d0b-4f0a-9a53-0d3f7f1f2a11"),
        ),
        (r"<regex('\d{4}'):value>", "2026", "2026"),
        ("<re('[a-z]{3}'):value>", "abc", "abc"),
        ("<mobile:value>", "13812345678", "13812345678"),
    ],
)
async def test_converters_give_python_values(app: Quart, rule: str, path: str, value: Any) -> None:
    seen = []

    @app.route(f"/x/{rule}")
    async def view(value: Any) -> str:
        seen.append(value)
        return ""

    response = await app.test_client().get(f"/x/{path}")
    assert response.status_code == 200
    assert seen == [value]
    assert type(seen[0]) is type(value)


@pytest.mark.feature("R1")
async def test_apps_share_rules_only_if_their_converters_match_the_same() -> None:
    """What a rule means is kept for all apps, and 'code' is another converter in each of these."""

    def shop(digits: int) -> Quart:
        class Code(BaseConverter):
            regex = rf"\d{{{digits}}}"

        app = Quart(__name__)
        app.url_map.converters["code"] = Code

        @app.get("/goods/<code:value>/<int:page>")
        async def good(value: str, page: int) -> str:
            return app.url_for("good", value=value, page=page + 1)

        return app

    async def answer(app: Quart, path: str) -> tuple[int, str]:
        response = await app.test_client().get(path)
        return response.status_code, await response.get_data(as_text=True)

    short, long, short_too = shop(2), shop(4), shop(2)

    for app in (short, short_too):
        assert await answer(app, "/goods/12/1") == (200, "/goods/12/2")
        assert (await answer(app, "/goods/1234/1"))[0] == 404
    assert await answer(long, "/goods/1234/1") == (200, "/goods/1234/2")
    assert (await answer(long, "/goods/12/1"))[0] == 404


@pytest.mark.feature("R1", "R2", "R3")
@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("<string(length=2):v>", "eng"),
        ("<int:v>", "1.5"),
        ("<float:v>", "7"),
        ("<any(red, blue):v>", "green"),
        ("<uuid:v>", "42"),
        (r"<regex('\d+'):v>", "12a"),
        (r"<regex('\d+'):v>", "1/2"),
        ("<mobile:v>", "12812345678"),
        ("<mobile:v>", "1381234567"),
        ("<mobile:v>", "1381234567٨"),
    ],
)
async def test_a_mismatch_is_404(app: Quart, rule: str, path: str) -> None:
    app.add_url_rule(f"/x/{rule}", "view", lambda v: "")
    assert (await app.test_client().get(f"/x/{path}")).status_code == 404


@pytest.mark.feature("R2")
async def test_a_converter_of_ones_own_goes_both_ways(app: Quart) -> None:
    class ListConverter(RegexConverter):
        def to_python(self, value: str) -> list[str]:
            assert self.map is app.url_map
            return value.split("+")

        def to_url(self, value: Any) -> str:
            return super().to_url("+".join(value))

    app.url_map.converters["list"] = ListConverter

    @app.route("/tags/<list('[a-z+]+'):tags>")
    async def tagged(tags: list[str]) -> list[str]:
        return tags

    async with app.test_request_context("/"):
        assert app.url_for("tagged", tags=["a", "b"]) == "/tags/a+b"
        with pytest.raises(BuildError):
            app.url_for("tagged", tags=["A"])
    response = await app.test_client().get("/tags/a+b")
    assert await response.get_json() == ["a", "b"]


@pytest.mark.feature("R2")
async def test_an_expression_with_a_slash_spans_segments(app: Quart) -> None:
    app.add_url_rule(r"/x/<regex('\d+/\d+'):v>", "view", lambda v: v)
    response = await app.test_client().get("/x/1/2")
    assert await response.get_data(as_text=True) == "1/2"


@pytest.mark.feature("R2")
def test_a_bad_expression_is_refused_when_the_rule_is_added(app: Quart) -> None:
    with pytest.raises(InvalidExpressionError, match=r"'\[a-' is not a regular expression"):
        app.add_url_rule("/x/<regex('[a-'):v>", "view", lambda v: v)


@pytest.mark.feature("R2", "R3")
async def test_any_quart_app_can_have_the_converters() -> None:
    app = quart.Quart(__name__)
    register_converters(app)
    app.add_url_rule("/call/<mobile:number>", "call", lambda number: number)
    assert (await app.test_client().get("/call/19912345678")).status_code == 200


@pytest.mark.feature("R6")
@pytest.mark.hazard("redirect_to is a TypeError")
async def test_redirect_to_as_text() -> None:
    with pytest.raises(TypeError, match="redirect_to"):
        quart.Quart(__name__).add_url_rule("/old/<int:nid>", "old", redirect_to="/home/<nid>")

    app = Quart(__name__)
    app.add_url_rule("/old/<int:nid>", "old", redirect_to="/home/<nid>")
    response = await app.test_client().get("/old/7")
    assert response.status_code == 308
    assert response.location == "http://localhost/home/7"


@pytest.mark.feature("R6")
async def test_redirect_to_as_a_function_on_a_blueprint(app: Quart) -> None:
    def new_place(adapter: Any, year: int) -> str:
        return f"/archive/{year}/"

    bp = Blueprint("news", __name__, url_prefix="/news")

    @bp.route("/<int:year>", redirect_to=new_place)
    async def old(year: int) -> str:
        raise AssertionError("not called")

    app.register_blueprint(bp)
    response = await app.test_client().get("/news/1999")
    assert response.location == "http://localhost/archive/1999/"
