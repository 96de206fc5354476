"""Rate limits on views, blueprints and WebSocket handshakes."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Blueprint, Quart, Response, abort, request, websocket
from quart.testing.connections import WebsocketResponseError
from quart.views import MethodView

from quarterdeck._measurements import measurements_of
from quarterdeck.exceptions import ConfigurationError, RateLimitExceededError
from quarterdeck.security.limits import Limiter, exempt, limit, shared_limit
from tests.kit.conftest import Advance

from .conftest import MakeApp


async def statuses(app: Quart, *paths: str, **options: Any) -> list[int]:
    client = app.test_client()
    return [(await client.get(path, **options)).status_code for path in paths]


def by_user() -> str | None:
    return request.headers.get("User")


@pytest.fixture
def app(make_app: MakeApp, storage: str) -> Quart:
    """An app with one view for each kind of limit."""
    app = make_app(storage)

    @app.get("/three")
    @limit("3/minute")
    async def three() -> str:
        return "ok"

    @limit("2/minute; 3/hour")
    @app.get("/both")
    async def both() -> str:
        return "ok"

    @app.get("/mine")
    @limit("1/minute", key=by_user)
    async def mine() -> str:
        return "ok"

    @app.get("/free")
    def free() -> str:
        return "ok"

    for name in ("/one", "/other"):

        @app.get(name, endpoint=name)
        @shared_limit("2/minute", "pair")
        async def shared() -> str:
            return "ok"

    @app.websocket("/ws")
    @limit("2/minute")
    async def live() -> None:
        await websocket.send("hello")

    return app


@pytest.mark.feature("AP6")
@pytest.mark.hazard("40 concurrent requests pass a limit of 3")
@pytest.mark.parametrize("strategy", ["fixed-window", "moving-window"])
async def test_of_forty_parallel_requests_exactly_three_pass(
    make_app: MakeApp, storage: str, strategy: str
) -> None:
    """Through two apps on one Redis, as two workers would; a memory serves one app only."""
    apps = [
        make_app(storage, prefix=f"forty-{strategy}", RATELIMIT_STRATEGY=strategy)
        for _ in range(1 if storage == "memory://" else 2)
    ]
    for app in apps:

        @app.get("/")
        @limit("3/minute")
        async def index() -> str:
            return "ok"

    asked = [apps[n % len(apps)].test_client().get("/") for n in range(40)]
    answers = Counter(response.status_code for response in await asyncio.gather(*asked))

    assert answers == {200: 3, 429: 37}


async def test_the_answers_carry_retry_after_and_the_headers_of_the_draft(app: Quart) -> None:
    client = app.test_client()
    first = await client.get("/both")
    await client.get("/both")
    refused = await client.get("/both")

    assert first.headers["RateLimit-Policy"] == '"both/60s";q=2;w=60, "both/3600s";q=3;w=3600'
    assert re.fullmatch(
        r'"both/60s";r=1;t=(60|59), "both/3600s";r=2;t=3(600|599)', first.headers["RateLimit"]
    )
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] in {"60", "59"}
    assert refused.headers["RateLimit"].startswith('"both/60s";r=0;t=')
    assert re.search(r"Try again in \d+ seconds", await refused.get_data(as_text=True))
    assert "RateLimit" not in (await client.get("/free")).headers


async def test_each_client_has_its_own_count(app: Quart) -> None:
    """And the key None lifts the limit."""
    ada, ben = {"User": "ada"}, {"User": "ben"}

    assert await statuses(app, "/mine", "/mine", headers=ada) == [200, 429]
    assert await statuses(app, "/mine", "/mine", headers=ben) == [200, 429]
    assert await statuses(app, "/mine", "/mine") == [200, 200]


async def test_an_ipv6_customer_is_one_client(app: Quart) -> None:
    async def ask(address: str) -> int:
        scope = {"client": (address, 1)}
        response = await app.test_client().get("/three", scope_base=scope)
        return response.status_code

    network = [await ask(f"2001:db8:1:2::{n}") for n in range(1, 5)]

    assert network == [200, 200, 200, 429]
    assert await ask("2001:db8:1:3::1") == 200
    assert [await ask(a) for a in ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1")] == [200] * 3
    assert await ask("::ffff:192.0.2.1") == 429


async def test_views_with_one_scope_share_a_count(app: Quart) -> None:
    assert await statuses(app, "/one", "/other", "/one", "/other") == [200, 200, 429, 429]


async def test_handshakes_are_counted_and_refused_before_they_are_accepted(app: Quart) -> None:
    client = app.test_client()
    for _ in range(2):
        async with client.websocket("/ws") as connection:
            assert await connection.receive() == "hello"

    with pytest.raises(WebsocketResponseError) as refused:
        async with client.websocket("/ws") as connection:
            await connection.receive()

    response = refused.value.response
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["RateLimit"].startswith('"live/60s";r=0')


def test_a_worker_of_several_refuses_a_memory(make_app: MakeApp, storage: str) -> None:
    state = make_app(storage).extensions["limiter"]

    assert (state.single_process is None) == (storage != "memory://")
    assert make_app(RATELIMIT_ENABLED=False).extensions["limiter"].single_process is None


# --- without a storage of its own: what follows is the same on each ------------------------


async def test_a_window_ends(make_app: MakeApp, advance: Advance) -> None:
    app = make_app()
    app.get("/")(limit("2/minute")(ok()))

    assert await statuses(app, *"///") == [200, 200, 429]
    advance(59)
    assert await statuses(app, "/") == [429]
    advance(2)
    assert await statuses(app, *"///") == [200, 200, 429]


async def test_a_moving_window_never_allows_more_in_any_period(
    make_app: MakeApp, advance: Advance
) -> None:
    app = make_app(RATELIMIT_STRATEGY="moving-window")
    app.get("/")(limit("2/minute")(ok()))

    assert await statuses(app, "/") == [200]
    advance(40)
    assert await statuses(app, *"//") == [200, 429]
    advance(21)
    response = await app.test_client().get("/")
    assert response.status_code == 200
    assert re.fullmatch(r'"view/60s";r=0;t=(39|40)', response.headers["RateLimit"])
    assert await statuses(app, "/") == [429]


async def test_limits_of_blueprints_apply_to_each_view_beside_their_own(make_app: MakeApp) -> None:
    app = make_app()
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    limit("3/minute")(outer)

    @inner.get("/a")
    @limit("1/minute")
    async def a() -> str:
        return "ok"

    inner.get("/b", endpoint="b")(ok())
    inner.get("/health", endpoint="health")(exempt(ok()))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)

    assert await statuses(app, "/a", "/a") == [200, 429]
    assert await statuses(app, *["/b"] * 4) == [200, 200, 200, 429]
    assert await statuses(app, *["/health"] * 4) == [200] * 4


async def test_methods_of_a_class_view_have_limits_of_their_own(make_app: MakeApp) -> None:
    app = make_app()

    class Profile(MethodView):
        async def get(self) -> str:
            return "ok"

        @limit("1/minute")
        async def post(self) -> str:
            return "ok"

    app.add_url_rule("/", view_func=Profile.as_view("profile"))
    client = app.test_client()
    answers = [(await client.post("/")).status_code for _ in range(2)]

    assert answers == [200, 429]
    assert await statuses(app, "/", "/") == [200, 200]


async def test_defaults_cover_views_without_a_limit_and_never_static_files(
    make_app: MakeApp,
) -> None:
    app = make_app(RATELIMIT_DEFAULT="2/minute", RATELIMIT_APPLICATION="6/minute")
    app.get("/a")(ok())
    app.get("/b", endpoint="b")(limit("3/minute")(ok()))

    assert await statuses(app, "/a", "/a", "/a") == [200, 200, 429]
    assert await statuses(app, "/b", "/b", "/b") == [200, 200, 200]
    assert await statuses(app, "/b") == [429], "the limit of the application"
    assert await statuses(app, *["/static/no.css"] * 9, "/none") == [404] * 10


async def test_a_preflight_is_not_counted(make_app: MakeApp) -> None:
    app = make_app()
    app.get("/")(limit("1/minute")(ok()))
    client = app.test_client()

    assert [(await client.options("/")).status_code for _ in range(3)] == [200] * 3
    assert await statuses(app, "/") == [200]


async def test_a_rate_can_come_from_the_configuration_and_be_empty(make_app: MakeApp) -> None:
    app = make_app(SEARCHES="1/minute")
    app.get("/")(limit(lambda: app.config["SEARCHES"])(ok()))

    assert await statuses(app, "/", "/") == [200, 429]
    app.config["SEARCHES"] = ""
    assert await statuses(app, "/", "/") == [200, 200]


async def test_uses_that_are_no_views_are_counted_by_hand(make_app: MakeApp) -> None:
    app, limiter = make_app(), Limiter()

    @app.get("/<name>")
    async def say(name: str) -> str:
        await limiter.hit("1/minute", "say", name)
        return "ok"

    assert await statuses(app, "/ada", "/ada", "/ben") == [200, 429, 200]
    async with app.app_context():
        with pytest.raises(RateLimitExceededError) as refused:
            await limiter.hit("1/minute", "say", "ada")
        assert limiter.statistics() == {"allowed": 2, "refused": 2, "unchecked": 0}
    figures = {each.labels["decision"]: each.value for each in measurements_of(app)}
    assert figures == {"allowed": 2, "refused": 2, "unchecked": 0}
    assert 0 < (refused.value.retry_after or 0) <= 60  # type: ignore[operator]


async def test_nothing_is_counted_when_limits_are_off(make_app: MakeApp) -> None:
    app = make_app(RATELIMIT_ENABLED=False)
    app.get("/")(limit("1/minute")(ok()))

    assert await statuses(app, "/", "/") == [200, 200]


async def test_an_answer_of_an_error_handler_has_the_headers_too(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/")
    @limit("1/minute")
    async def index() -> str:
        abort(404)

    @app.errorhandler(RateLimitExceededError)
    async def slow_down(error: RateLimitExceededError) -> Response:
        return Response("slow down", 429)

    await app.test_client().get("/")
    refused = await app.test_client().get("/")

    assert await refused.get_data(as_text=True) == "slow down"
    assert "RateLimit" in refused.headers


async def test_the_headers_can_be_left_out(make_app: MakeApp) -> None:
    app = make_app(RATELIMIT_HEADERS_ENABLED=False)
    app.get("/")(limit("1/minute")(ok()))

    assert "RateLimit" not in (await app.test_client().get("/")).headers


@pytest.mark.parametrize("rate", ["5", "often", "0/minute", "5/fortnight"])
def test_a_rate_that_is_none_is_refused_at_once(make_app: MakeApp, rate: str) -> None:
    with pytest.raises(ValueError, match=f"'{rate}' is not a rate"):
        limit(rate)
    with pytest.raises(ConfigurationError, match=r"'RATELIMIT_DEFAULT' is .* a rate such as"):
        make_app(RATELIMIT_DEFAULT=rate)


@pytest.mark.parametrize("uri", ["disk://", "redis", "memcached://localhost", "redis://host:port"])
def test_a_storage_that_is_none_is_refused_at_start(make_app: MakeApp, uri: str) -> None:
    with pytest.raises(ConfigurationError, match="RATELIMIT_STORAGE_URI"):
        make_app(uri)


def test_an_app_is_not_limited_as_if_it_were_a_view() -> None:
    with pytest.raises(TypeError, match="RATELIMIT_DEFAULT"):
        limit("1/minute")(Quart("app"))


def ok() -> Callable[[], Awaitable[str]]:
    """Return a view that no other test has marked."""

    async def view() -> str:
        return "ok"

    return view
