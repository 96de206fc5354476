"""Blueprints, subdomains, URLs outside requests, and middleware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import quart
from quart import render_template, request, url_for, websocket

from quarterdeck.app import Blueprint, Quart


@pytest.fixture
def app() -> Quart:
    return Quart(__name__)


async def text(response: Any) -> str:
    return str(await response.get_data(as_text=True))


# --- URLs -----------------------------------------------------------------------------


@pytest.mark.feature("R4")
async def test_urls_inside_and_outside_a_request(app: Quart) -> None:
    app.add_url_rule("/user/<int:number>", "user", lambda number: "")
    async with app.test_request_context("/", headers={"Host": "crm.example"}):
        assert url_for("user", number=3) == "/user/3"
        assert url_for("user", number=3, q="a b", _anchor="top") == "/user/3?q=a+b#top"
        assert url_for("user", number=3, _external=True) == "http://crm.example/user/3"
        assert url_for("user", number=3, _scheme="https") == "https://crm.example/user/3"
    async with app.app_context():
        with pytest.raises(RuntimeError, match="SERVER_NAME"):
            url_for("user", number=3)
    app.config.update(SERVER_NAME="crm.example", PREFER_SECURE_URLS=True)
    async with app.app_context():
        assert url_for("user", number=3) == "https://crm.example/user/3"


@pytest.mark.feature("R6")
async def test_defaults_and_strict_slashes(app: Quart) -> None:
    app.add_url_rule("/page", "page", lambda number: str(number), defaults={"number": 1})
    app.add_url_rule("/page/<int:number>", "page")
    app.add_url_rule("/strict/", "strict", lambda: "strict")
    app.add_url_rule("/leaf", "leaf", lambda: "leaf")
    app.add_url_rule("/loose/", "loose", lambda: "loose", strict_slashes=False)
    client = app.test_client()
    assert await text(await client.get("/page")) == "1"
    assert await text(await client.get("/page/2")) == "2"
    assert (await client.get("/page/1")).location.endswith("/page")
    assert (await client.get("/strict")).status_code == 308
    assert (await client.get("/leaf/")).status_code == 404
    assert await text(await client.get("/loose")) == "loose"


@pytest.mark.feature("R7")
async def test_subdomains_fixed_and_variable() -> None:
    app = Quart(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "crm.example"
    app.add_url_rule("/", "home", lambda: "home")
    app.add_url_rule("/", "admin", lambda: "admin", subdomain="admin")
    app.add_url_rule("/", "user", lambda name: f"user {name}", subdomain="<name>")
    client = app.test_client()
    for host, page in (
        ("crm.example", "home"),
        ("admin.crm.example", "admin"),
        ("ann.crm.example", "user ann"),
    ):
        assert await text(await client.get("/", headers={"Host": host})) == page
    async with app.app_context():
        assert url_for("user", name="eve") == "http://eve.crm.example/"


# --- blueprints -----------------------------------------------------------------------


@pytest.mark.feature("B1")
async def test_a_blueprint_with_all_of_its_own(app: Quart, tmp_path: Path) -> None:
    for folder in ("pages", "assets"):
        (tmp_path / folder / "shop").mkdir(parents=True)
    (tmp_path / "pages" / "shop" / "index.html").write_text("{{ url_for('.index') }} {{ hello() }}")
    (tmp_path / "assets" / "shop.css").write_text("css")
    bp = Blueprint(
        "shop",
        __name__,
        root_path=str(tmp_path),
        url_prefix="/first",
        template_folder="pages",
        static_folder="assets",
        static_url_path="/files",
    )

    @bp.get("/")
    async def index() -> str:
        return await render_template("shop/index.html")

    @bp.get("/fails")
    async def fails() -> str:
        raise KeyError("own")

    @bp.get("/missing")
    async def missing() -> str:
        quart.abort(404)

    @bp.errorhandler(KeyError)
    async def own(error: KeyError) -> tuple[str, int]:
        return "own handler", 400

    @bp.app_errorhandler(404)
    async def everywhere(error: Any) -> tuple[str, int]:
        return f"not here: {request.path}", 404

    @bp.app_template_global()
    def hello() -> str:
        return "hello"

    app.register_blueprint(bp, url_prefix="/shop")
    client = app.test_client()
    assert await text(await client.get("/shop/")) == "/shop/ hello"
    assert await text(await client.get("/shop/files/shop.css")) == "css"
    assert await text(await client.get("/shop/fails")) == "own handler"
    assert await text(await client.get("/shop/missing")) == "not here: /shop/missing"
    assert await text(await client.get("/elsewhere")) == "not here: /elsewhere"


@pytest.mark.feature("B1")
async def test_one_blueprint_under_two_prefixes(app: Quart) -> None:
    bp = Blueprint("api", __name__)

    @bp.get("/where")
    async def where() -> str:
        return f"{request.blueprint} {url_for('.where')}"

    app.register_blueprint(bp, url_prefix="/v1", name="v1")
    app.register_blueprint(bp, url_prefix="/v2", name="v2")
    client = app.test_client()
    assert await text(await client.get("/v1/where")) == "v1 /v1/where"
    assert await text(await client.get("/v2/where")) == "v2 /v2/where"


@pytest.mark.feature("B1", "H2")
async def test_nested_blueprints_run_their_hooks_from_the_outside_in(app: Quart) -> None:
    events = []
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    app.before_request(lambda: events.append("app"))
    outer.before_request(lambda: events.append("outer"))
    inner.before_request(lambda: events.append("inner"))
    inner.add_url_rule("/", "view", lambda: str(request.endpoint))
    outer.register_blueprint(inner, url_prefix="/in")
    app.register_blueprint(outer, url_prefix="/out")
    assert await text(await app.test_client().get("/out/in/")) == "outer.inner.view"
    assert events == ["app", "outer", "inner"]


# --- middleware -----------------------------------------------------------------------


@pytest.mark.feature("M1")
async def test_middleware_wraps_http_websocket_and_lifespan(app: Quart) -> None:
    seen = []
    inner = app.asgi_app

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        if scope.get("path") == "/short":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await inner(scope, receive, send)

    app.asgi_app = middleware  # type: ignore[method-assign]
    app.add_url_rule("/", "index", lambda: "ok")

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send("ok")

    async with app.test_app() as running:
        client = running.test_client()
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/short")).status_code == 204
        async with client.websocket("/ws") as connection:
            await connection.receive()
    assert seen == ["lifespan", "http", "http", "websocket"]
