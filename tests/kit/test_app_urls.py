"""URLs that a page asks for again and again are built once, and never wrongly."""

from __future__ import annotations

from typing import Any

import pytest
from quart import g, url_for

from quarterdeck.app import Blueprint, Quart


@pytest.fixture(name="app")
def _app() -> Quart:
    app = Quart(__name__)
    app.add_url_rule("/number/<value>", "number", lambda value: "")
    return app


async def test_a_static_url_is_built_once_per_request(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    monkeypatch.setattr(app, "inject_url_defaults", lambda endpoint, _: built.append(endpoint))
    for _ in range(2):
        async with app.test_request_context("/"):
            urls = {url_for("static", filename="icons.svg") for _ in range(3)}
            assert urls == {"/static/icons.svg"}
    assert built == ["static", "static"]


async def test_external_urls_are_their_own(app: Quart) -> None:
    async with app.test_request_context("/"):
        assert url_for("static", filename="a") == "/static/a"
        assert url_for("static", filename="a", _external=True) == "http://localhost/static/a"
        assert url_for("static", filename="a", _anchor="top") == "/static/a#top"


@pytest.mark.parametrize("order", [(1, True, 1.0), (True, 1.0, 1)])
async def test_equal_values_of_different_types_differ(app: Quart, order: tuple[Any, ...]) -> None:
    async with app.test_request_context("/"):
        urls = [url_for("number", value=value) for value in order]
    assert urls == [f"/number/{value}" for value in order]


async def test_defaults_may_change_within_a_request(app: Quart) -> None:
    app.add_url_rule("/<language>/about", "about", lambda language: "")

    @app.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "about":
            values.setdefault("language", g.language)

    async with app.test_request_context("/"):
        urls = []
        for g.language in ("en", "es"):
            urls.append(url_for("about"))
    assert urls == ["/en/about", "/es/about"]


async def test_a_relative_endpoint_is_one_of_the_blueprint(app: Quart) -> None:
    bp = Blueprint("shop", __name__, url_prefix="/shop")
    bp.add_url_rule("/goods/<int:number>", "show", lambda number: url_for(".show", number=number))
    app.register_blueprint(bp)

    response = await app.test_client().get("/shop/goods/7")

    assert await response.get_data(as_text=True) == "/shop/goods/7"


async def test_a_url_that_cannot_be_built_is_asked_of_the_handlers(app: Quart) -> None:
    app.url_build_error_handlers.append(lambda _, endpoint, values: f"/gone/{endpoint}")
    async with app.test_request_context("/"):
        assert url_for("shop.nowhere", number=1) == "/gone/shop.nowhere"
