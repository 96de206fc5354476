"""What goes wrong outside the view: hosts, targets, sessions, teardown.

Each hazard is shown on stock Quart by the same test: `stock` and `ours` differ in what
they answer.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
import quart
from quart import g, render_template_string, session, url_for, websocket
from quart.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import BadRequest

from quarterdeck.app import Quart
from tests.plain import until_quart_0_22

STOCK = quart.Quart


async def text(response: Any) -> str:
    return str(await response.get_data(as_text=True))


async def raw_get(app: quart.Quart, path: str) -> int | Exception:
    """Ask for a target as it stands, past the test client's own reading of it."""
    connection = app.test_client().request("/")
    connection.scope["path"] = path  # type: ignore[attr-defined]
    try:
        async with connection:
            await connection.send_complete()
    except Exception as error:
        return error
    return (await connection.as_response()).status_code


@pytest.mark.hazard("TRUSTED_HOSTS is ignored")
@pytest.mark.parametrize(("kind", "status"), [(Quart, 400), (STOCK, 200)], ids=["ours", "stock"])
async def test_an_untrusted_host_is_refused(kind: type[quart.Quart], status: int) -> None:
    app = kind(__name__)
    app.config["TRUSTED_HOSTS"] = ["crm.example", ".shop.example"]
    app.add_url_rule("/", "index", lambda: "ok")
    client = app.test_client()
    assert (await client.get("/", headers={"Host": "evil.example"})).status_code == status
    for host in ("crm.example", "crm.example:8000", "a.shop.example"):
        assert (await client.get("/", headers={"Host": host})).status_code == 200


async def test_the_error_page_of_an_untrusted_host_never_repeats_it() -> None:
    app = Quart(__name__)
    app.config["TRUSTED_HOSTS"] = ["crm.example"]
    app.add_url_rule("/", "index", lambda: "ok")

    @app.errorhandler(400)
    async def bad(error: BadRequest) -> tuple[str, int]:
        page = "{{ url_for('index', _external=True) }} {{ request.url }} {{ request.host }}"
        return await render_template_string(page), 400

    response = await app.test_client().get("/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "evil" not in await text(response)


async def test_a_websocket_of_an_untrusted_host_is_refused() -> None:
    app = Quart(__name__)
    app.config["TRUSTED_HOSTS"] = ["crm.example"]
    app.add_websocket("/ws", "ws", lambda: None)
    with pytest.raises(quart.testing.connections.WebsocketResponseError) as refused:
        async with app.test_client().websocket("/ws") as connection:
            await connection.receive()
    assert refused.value.response.status_code == 400


@pytest.mark.hazard("GET ?x is a 500 outside the error handlers")
@pytest.mark.parametrize("path", ["", "x", "http://["])
async def test_a_target_that_is_no_path_is_400(path: str) -> None:
    app = Quart(__name__)
    assert await raw_get(app, path) == 400


async def test_stock_fails_on_a_target_without_a_path() -> None:
    assert isinstance(await raw_get(STOCK(__name__), ""), IndexError)


async def test_an_absolute_target_is_its_path() -> None:
    app = Quart(__name__)
    app.add_url_rule("/", "index", lambda: "ok")
    assert await raw_get(app, "http://localhost/") == 200
    assert await raw_get(app, "http://localhost") == 200


@pytest.mark.hazard("%00 and ..%2f reach handlers")
@pytest.mark.parametrize(("kind", "status"), [(Quart, 400), (STOCK, 200)], ids=["ours", "stock"])
@pytest.mark.parametrize("path", ["/f/a%00b", "/f/..%2fsecret", "/f/..%5csecret", "/f/a/.."])
async def test_nul_and_traversal_do_not_reach_a_view(
    kind: type[quart.Quart], status: int, path: str
) -> None:
    app = kind(__name__)
    app.add_url_rule("/f/<path:name>", "file", lambda name: name)
    assert (await app.test_client().get(path)).status_code == status


async def test_dots_that_lead_nowhere_are_fine() -> None:
    app = Quart(__name__)
    app.add_url_rule("/f/<path:name>", "file", lambda name: name)
    for path in ("/f/..a", "/f/a..b", "/f/a/...", "/f/.well-known/x"):
        assert (await app.test_client().get(path)).status_code == 200


async def test_nul_in_the_query_is_400() -> None:
    app = Quart(__name__)
    app.add_url_rule("/", "index", lambda: "ok")
    assert (await app.test_client().get("/?q=a%00b")).status_code == 400


class StoreDownError(Exception):
    pass


class BrokenSessions(SecureCookieSessionInterface):
    """Fails to open, or to save, as a store that is down does."""

    def __init__(self, when: str) -> None:
        self.when = when
        self.saves = 0

    async def open_session(self, app: Any, request: Any) -> Any:
        if self.when == "open":
            raise StoreDownError
        return await super().open_session(app, request)

    async def save_session(self, app: Any, session: Any, response: Any) -> None:
        self.saves += 1
        raise StoreDownError


@pytest.mark.hazard("errors while opening the session bypass error handlers")
@pytest.mark.parametrize("when", ["open", "save"])
async def test_a_session_store_that_is_down_reaches_the_error_handlers(when: str) -> None:
    app = Quart(__name__)
    app.secret_key = "x"
    app.session_interface = broken = BrokenSessions(when)

    @app.route("/shop/")
    async def index() -> str:
        session["seen"] = True
        return "ok"

    @app.errorhandler(StoreDownError)
    async def down(error: StoreDownError) -> tuple[str, int]:
        page = "{{ url_for('index') }}{{ session.get('seen') }}{{ get_flashed_messages() }}"
        return await render_template_string(page), 503

    response = await app.test_client().get("/shop/")
    assert response.status_code == 503
    assert await text(response) == "/shop/None[]"
    assert broken.saves == (when == "save"), "a store that failed is not asked again"


@until_quart_0_22
async def test_stock_answers_a_bare_error_when_the_store_is_down() -> None:
    app = STOCK(__name__)
    app.secret_key = "x"
    app.session_interface = BrokenSessions("open")
    app.add_url_rule("/", "index", lambda: "ok")
    app.register_error_handler(StoreDownError, lambda error: ("handled", 503))
    with pytest.raises(StoreDownError):
        await app.test_client().get("/")


async def test_a_store_that_is_down_without_a_handler_is_the_500_page() -> None:
    app = Quart(__name__)
    app.session_interface = BrokenSessions("open")
    app.add_url_rule("/", "index", lambda: "ok")
    app.register_error_handler(500, lambda error: ("our page", 500))
    response = await app.test_client().get("/")
    assert (response.status_code, await text(response)) == (500, "our page")


async def test_a_store_that_is_down_refuses_a_websocket() -> None:
    app = Quart(__name__)
    app.session_interface = BrokenSessions("open")
    app.register_error_handler(StoreDownError, lambda error: ("down", 503))
    app.add_websocket("/ws", "ws", lambda: None)
    with pytest.raises(quart.testing.connections.WebsocketResponseError) as refused:
        async with app.test_client().websocket("/ws") as connection:
            await connection.receive()
    assert refused.value.response.status_code == 503


def with_failing_teardown(kind: type[quart.Quart]) -> tuple[quart.Quart, list[str]]:
    app = kind(__name__)
    app.add_url_rule("/", "index", lambda: "ok")
    ran: list[str] = []

    @app.teardown_request
    async def runs_last(error: BaseException | None) -> None:
        ran.append("request")

    @app.teardown_request
    async def fails(error: BaseException | None) -> None:
        raise RuntimeError("teardown")

    @app.teardown_appcontext
    async def also_fails(error: BaseException | None) -> None:
        ran.append("appcontext")
        raise RuntimeError("app teardown")

    return app, ran


@pytest.mark.hazard("a teardown error replaces a good 200")
async def test_a_teardown_error_is_logged_and_the_answer_stands(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, ran = with_failing_teardown(Quart)
    with caplog.at_level(logging.ERROR):
        response = await app.test_client().get("/")
    assert (response.status_code, await text(response)) == (200, "ok")
    assert ran == ["request", "appcontext"]
    logged = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert logged == ["teardown", "app teardown"]


@until_quart_0_22
async def test_stock_replaces_the_answer_when_teardown_fails() -> None:
    app, ran = with_failing_teardown(STOCK)
    with pytest.raises(RuntimeError, match="teardown"):
        await app.test_client().get("/")
    assert "request" not in ran


async def test_teardown_of_a_context_pushed_by_hand_raises() -> None:
    app, ran = with_failing_teardown(Quart)
    with pytest.raises(RuntimeError, match="app teardown"):
        async with app.app_context():
            pass
    assert ran == ["appcontext"]


@pytest.mark.feature("H2")
@pytest.mark.parametrize(("kind", "seen"), [(Quart, "ValueError"), (STOCK, "NoneType")])
async def test_teardown_sees_the_exception_that_became_a_500(
    kind: type[quart.Quart], seen: str
) -> None:
    app = kind(__name__)
    errors = []

    @app.route("/")
    async def index() -> str:
        raise ValueError

    @app.teardown_request
    async def teardown(error: BaseException | None) -> None:
        errors.append(type(error).__name__)

    assert (await app.test_client().get("/")).status_code == 500
    assert errors == [seen]


async def test_an_error_page_that_fails_is_a_plain_500(caplog: pytest.LogCaptureFixture) -> None:
    app = Quart(__name__)

    @app.route("/")
    async def index() -> str:
        raise ValueError("first")

    @app.errorhandler(500)
    async def page(error: Exception) -> str:
        raise KeyError("second")

    response = await app.test_client().get("/")
    assert response.status_code == 500
    assert "Internal Server Error" in await text(response)
    logged = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert logged == ["first", "'second'"]


@pytest.mark.hazard("Vary: Cookie is lost on pages that only read the session")
@pytest.mark.parametrize(
    ("kind", "vary"), [(Quart, "Cookie"), pytest.param(STOCK, None, marks=until_quart_0_22)]
)
async def test_a_page_that_only_reads_the_session_varies_by_cookie(
    kind: type[quart.Quart], vary: str | None
) -> None:
    app = kind(__name__)
    app.secret_key = "x"
    app.add_url_rule("/", "index", lambda: session.get("name", "nobody"))
    assert (await app.test_client().get("/")).headers.get("Vary") == vary


async def test_a_page_that_leaves_the_session_alone_does_not_vary() -> None:
    app = Quart(__name__)
    app.secret_key = "x"

    @app.route("/")
    async def index() -> str:
        g.x = 1
        return await render_template_string("{{ url_for('index') }} {{ request.path }}")

    @app.route("/reads")
    async def reads() -> str:
        return await render_template_string("{{ session.name }}")

    client = app.test_client()
    assert "Vary" not in (await client.get("/")).headers
    assert (await client.get("/reads")).headers["Vary"] == "Cookie"


@pytest.mark.hazard("any url_value_preprocessor turns every WebSocket into a 500")
async def test_url_value_preprocessors_see_websockets() -> None:
    app = Quart(__name__)

    @app.url_value_preprocessor
    def take_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.lang = values.pop("lang") if values else None

    @app.websocket("/<lang>/ws")
    async def ws() -> None:
        await websocket.send(g.lang)

    async with app.test_client().websocket("/sv/ws") as connection:
        assert await connection.receive() == "sv"


async def test_url_for_in_an_error_page_of_an_unknown_path() -> None:
    app = Quart(__name__)
    app.add_url_rule("/home", "home", lambda: "ok")
    app.register_error_handler(404, lambda error: (url_for("home"), 404))
    assert await text(await app.test_client().get("/nowhere")) == "/home"
