"""before_first_request: gone from Flask and Quart, here again."""

from __future__ import annotations

import asyncio

import pytest
import quart
from quart import g, websocket

from quarterdeck.app import Blueprint, Quart
from quarterdeck.exceptions import ApplicationClassError

pytestmark = pytest.mark.feature("H1")


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)

    @app.route("/")
    async def index() -> str:
        return "ok"

    return app


@pytest.mark.hazard("before_first_request is gone")
def test_stock_quart_has_lost_it() -> None:
    assert not hasattr(quart.Quart, "before_first_request")


async def test_concurrent_first_requests_wait_for_one_run(app: Quart) -> None:
    events = []

    @app.before_first_request
    async def prepare() -> None:
        events.append("begin")
        await asyncio.sleep(0.02)
        events.append("end")

    @app.before_request
    async def note() -> None:
        events.append("request")

    client = app.test_client()
    responses = await asyncio.gather(*(client.get("/") for _ in range(5)))
    assert {response.status_code for response in responses} == {200}
    assert events == ["begin", "end", *["request"] * 5]
    await client.get("/")
    assert events.count("begin") == 1


async def test_a_failure_is_retried_by_the_next_request_and_only_from_there(app: Quart) -> None:
    ran = []

    @app.before_first_request
    async def first() -> None:
        ran.append("first")

    @app.before_first_request
    async def second() -> None:
        ran.append("second")
        if ran.count("second") == 1:
            raise ConnectionError("not yet")

    @app.errorhandler(ConnectionError)
    async def starting(error: ConnectionError) -> tuple[str, int]:
        return "starting", 503

    client = app.test_client()
    assert (await client.get("/")).status_code == 503
    assert (await client.get("/")).status_code == 200
    assert ran == ["first", "second", "second"]


async def test_a_client_that_leaves_does_not_use_up_the_run(app: Quart) -> None:
    ran = []
    begun, may_end = asyncio.Event(), asyncio.Event()

    @app.before_first_request
    async def prepare() -> None:
        ran.append("begin")
        begun.set()
        await may_end.wait()
        ran.append("end")

    client = app.test_client()
    async with client.request("/") as connection:
        await begun.wait()
        await connection.disconnect()
    assert ran == ["begin"]
    may_end.set()
    assert (await client.get("/")).status_code == 200
    assert ran == ["begin", "begin", "end"]


async def test_it_sees_the_context_of_the_first_request_and_may_be_plain(app: Quart) -> None:
    @app.before_first_request
    def prepare() -> None:
        g.prepared = quart.request.path

    @app.route("/seen")
    async def seen() -> str:
        return str(g.prepared)

    response = await app.test_client().get("/seen")
    assert await response.get_data(as_text=True) == "/seen"


async def test_a_websocket_can_be_the_first(app: Quart) -> None:
    ran = []

    @app.before_first_request
    async def prepare() -> None:
        ran.append(websocket.path)

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send("hello")

    async with app.test_client().websocket("/ws") as connection:
        assert await connection.receive() == "hello"
    assert ran == ["/ws"]


async def test_a_blueprint_registered_twice_has_it_run_once(app: Quart) -> None:
    ran = []
    bp = Blueprint("shop", __name__)

    @bp.before_app_first_request
    async def prepare() -> None:
        ran.append("shop")

    app.register_blueprint(bp, url_prefix="/v1")
    app.register_blueprint(bp, url_prefix="/v2", name="shop2")
    await app.test_client().get("/")
    assert ran == ["shop"]


def test_a_stock_app_refuses_the_blueprint_with_the_cure() -> None:
    bp = Blueprint("shop", __name__)
    bp.before_app_first_request(lambda: None)
    with pytest.raises(ApplicationClassError, match=r"from quarterdeck\.app import Quart"):
        quart.Quart(__name__).register_blueprint(bp)
