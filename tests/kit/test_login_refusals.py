"""Answers to a visitor who may not open a view, and views of blueprints and WebSockets."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Blueprint, websocket

from quarterdeck.exceptions import (
    AccessConflictError,
    LoginViewNotPublicError,
)
from quarterdeck.login import (
    NOT_ALLOWED,
    NOT_SIGNED_IN,
    LoginManager,
    current_user,
    login_required,
    permission_required,
    public,
    role_required,
)
from quarterdeck.testing import WebsocketDisconnectError
from tests.plain import Quart

from .login_guard_app import HTML, User, make_app, make_view, sign_in, status


@pytest.fixture
def app() -> Quart:
    return make_app()


# --- what a visitor is told -----------------------------------------------------


@pytest.fixture
def closed() -> Quart:
    app = make_app(require_login=True)
    app.add_url_rule("/orders/<name>", "orders", name_view, methods=["GET", "POST"])
    return app


async def name_view(name: str) -> str:
    return name


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/orders/1", "/login?next=%2Forders%2F1"),
        ("/orders/1?q=a%20b&page=2", "/login?next=%2Forders%2F1%3Fq%3Da%2520b%26page%3D2"),
        ("/orders/s%C3%B8k", "/login?next=%2Forders%2Fs%C3%B8k"),
    ],
)
async def test_a_page_leads_to_sign_in_and_back(closed: Quart, path: str, location: str) -> None:
    response = await closed.test_client().get(path, headers=HTML)
    assert response.status_code == 302
    assert response.location == location


@pytest.mark.parametrize(
    ("referrer", "location"),
    [
        ("http://localhost/orders/1?tab=2", "/login?next=%2Forders%2F1%3Ftab%3D2"),
        ("http://evil.example/orders/1", "/login"),
        (None, "/login"),
    ],
)
async def test_a_form_leads_back_to_its_page(
    closed: Quart, referrer: str | None, location: str
) -> None:
    headers = HTML | ({"Referer": referrer} if referrer else {})
    response = await closed.test_client().post("/orders/1", headers=headers)
    assert (response.status_code, response.location) == (302, location)


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json"},
        HTML | {"Sec-Fetch-Mode": "cors"},
        HTML | {"X-Requested-With": "XMLHttpRequest"},
        {"Accept": "text/html;q=0, application/json"},
    ],
)
async def test_programs_get_401(closed: Quart, headers: dict[str, str]) -> None:
    assert await status(closed, "/orders/1", headers=headers) == 401


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}])
async def test_clients_that_say_nothing_are_redirected_as_in_flask_login(
    closed: Quart, headers: dict[str, str]
) -> None:
    assert await status(closed, "/orders/1", headers=headers) == 302


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}])
async def test_only_pages_are_redirected_if_the_app_wants_it(headers: dict[str, str]) -> None:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", LOGIN_VIEW="/login", LOGIN_REDIRECT_PAGES_ONLY=True)
    LoginManager(app)
    app.add_url_rule("/page", "page", login_required(make_view()))
    assert await status(app, "/page", headers=headers) == 401
    assert await status(app, "/page", headers=HTML) == 302


async def test_pages_without_a_login_view_get_401(closed: Quart) -> None:
    closed.extensions["login"].manager.login_view = None
    assert await status(closed, "/orders/1", headers=HTML) == 401


async def test_login_view_as_a_path(closed: Quart) -> None:
    closed.extensions["login"].manager.login_view = "/sso/start"
    response = await closed.test_client().get("/orders/1", headers=HTML)
    assert response.location == "/sso/start?next=%2Forders%2F1"


async def test_the_message_is_flashed_once(closed: Quart) -> None:
    client = closed.test_client()
    await client.get("/orders/1", headers=HTML)
    await client.get("/orders/2", headers=HTML)
    async with client.session_transaction() as stored:
        assert [tuple(each) for each in stored["_flashes"]] == [
            ("info", "Sign in to see this page.")
        ]


async def test_no_message_if_none_is_wanted() -> None:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", LOGIN_MESSAGE="", LOGIN_VIEW="/login")
    LoginManager(app, require_login=True)
    app.add_url_rule("/page", "page", make_view())
    client = app.test_client()
    await client.get("/page", headers=HTML)
    async with client.session_transaction() as stored:
        assert "_flashes" not in stored


async def test_a_login_view_that_is_closed_says_so() -> None:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", PROPAGATE_EXCEPTIONS=True, LOGIN_VIEW="login")
    LoginManager(app, require_login=True)
    app.add_url_rule("/login", "login", make_view())
    with pytest.raises(LoginViewNotPublicError, match="Mark it with '@public'"):
        await app.test_client().get("/login", headers=HTML)


async def test_error_handlers_of_the_app_answer(closed: Quart) -> None:
    closed.register_error_handler(401, lambda error: ("who are you", 401))
    headers = {"Accept": "application/json"}
    response = await closed.test_client().get("/orders/1", headers=headers)
    assert await response.get_data(as_text=True) == "who are you"


async def test_unauthorized_handler(closed: Quart) -> None:
    manager: LoginManager = closed.extensions["login"].manager

    @manager.unauthorized_handler
    async def handler() -> Any:
        return {"sign": "in"}, 418

    response = await closed.test_client().get("/orders/1", headers=HTML)
    assert (response.status_code, await response.get_json()) == (418, {"sign": "in"})


# --- WebSockets -----------------------------------------------------------------


@pytest.mark.feature("WS3")
@pytest.mark.parametrize(
    ("user_id", "code"), [(None, NOT_SIGNED_IN), ("ada", NOT_ALLOWED), ("admin", None)]
)
@pytest.mark.parametrize("by_default", [True, False])
async def test_websocket(user_id: str | None, code: int | None, by_default: bool) -> None:
    app = make_app(require_login=by_default)

    @app.websocket("/ws")
    @role_required("admin")
    async def ws() -> None:
        await websocket.send(current_user.id)

    client = app.test_client() if user_id is None else await sign_in(app, user_id)
    async with client.websocket("/ws") as connection:
        if code is None:
            assert await connection.receive() == "admin"
            return
        with pytest.raises(WebsocketDisconnectError) as caught:
            await connection.receive()
        assert caught.value.args == (code,)
        assert connection.accepted  # type: ignore[attr-defined]


async def test_a_websocket_of_a_user_who_is_gone(app: Quart) -> None:
    gone = False
    manager: LoginManager = app.extensions["login"].manager
    manager.user_loader(lambda user_id: None if gone else User(user_id))

    @app.websocket("/ws")
    @login_required
    async def ws() -> None:
        while await manager.reload_user():
            await websocket.send(current_user.id)
            await websocket.receive()
        await websocket.close(NOT_SIGNED_IN)

    async with (await sign_in(app, "ada")).websocket("/ws") as connection:
        assert await connection.receive() == "ada"
        gone = True
        await connection.send("next")
        with pytest.raises(WebsocketDisconnectError) as caught:
            await connection.receive()
        assert caught.value.args == (NOT_SIGNED_IN,)


def make_blueprint(decorate: Any, name: str = "shop") -> Blueprint:
    blueprint = Blueprint(name, __name__, url_prefix=f"/{name}")
    blueprint.add_url_rule("/plain", "plain", make_view())
    blueprint.add_url_rule("/open", "open", public(make_view()))
    blueprint.add_url_rule("/write", "write", permission_required("write")(make_view()))
    decorated: Blueprint = decorate(blueprint)
    assert decorated is blueprint
    return blueprint


async def test_a_mark_on_a_blueprint_holds_for_its_views(app: Quart) -> None:
    app.register_blueprint(make_blueprint(role_required("admin", "boss")))

    assert await status(app, "/shop/plain") == 401
    assert await status(app, "/shop/plain", "ada") == 403
    assert await status(app, "/shop/plain", "boss") == 200
    assert await status(app, "/shop/open") == 200
    assert await status(app, "/shop/write", "boss") == 403, "both conditions must be met"
    assert await status(app, "/shop/write", "admin") == 200


async def test_a_mark_on_a_blueprint_holds_for_those_inside_it(app: Quart) -> None:
    outer = Blueprint("outer", __name__)
    outer.register_blueprint(make_blueprint(lambda blueprint: blueprint, "inner"))
    outer.register_blueprint(make_blueprint(public, "free"))
    app.register_blueprint(login_required(outer))

    assert await status(app, "/inner/plain") == 401
    assert await status(app, "/inner/plain", "ada") == 200
    assert await status(app, "/free/plain") == 200
    assert await status(app, "/free/write") == 401


async def test_a_marked_blueprint_needs_a_login_manager() -> None:
    app = Quart(__name__)
    app.register_blueprint(make_blueprint(login_required))

    assert await status(app, "/shop/plain") == 500


@pytest.mark.parametrize("mark", [login_required, public, role_required("admin")])
def test_a_mark_on_an_app_is_refused(mark: Any) -> None:
    with pytest.raises(AccessConflictError, match="require_login=True"):
        mark(Quart(__name__))
