"""Users found by the request itself, such as by a bearer token."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Blueprint, Quart, Request, Websocket, abort, session, websocket
from quart.typing import TestClientProtocol as Client

from quarterdeck.login import LoginManager, UserMixin, current_user, login_required, login_user
from tests.plain import until_quart_0_22

HTML = {"Accept": "text/html"}


class User(UserMixin):
    def __init__(self, name: str, is_active: bool = True) -> None:
        self.id, self.is_active = name, is_active


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", PROPAGATE_EXCEPTIONS=True)
    manager = LoginManager(app, login_view="/login")
    manager.user_loader(User)
    tokens = {"Bearer ada": User("Ada"), "Bearer gone": User("Gone", is_active=False)}

    @manager.request_loader
    async def by_token(request: Request | Websocket) -> User | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        return tokens.get(header) or abort(401, "No such token.")

    @app.get("/in")
    async def sign_in() -> str:
        login_user(User("Bob"))
        return "in"

    @app.get("/who")
    @login_required
    async def who() -> Any:
        return {"who": current_user.id, "session_read": bool(session.accessed)}

    @app.websocket("/ws")
    @login_required
    async def ws() -> None:
        await websocket.accept()
        await websocket.send(current_user.id)

    return app


@pytest.fixture
def client(app: Quart) -> Client:
    return app.test_client()


@until_quart_0_22  # there each read of 'session' counts, also that of 'accessed'
async def test_a_token_names_the_user_without_the_session(client: Client) -> None:
    await client.get("/in")

    answer = await client.get("/who", headers={"Authorization": "Bearer ada"})

    assert await answer.get_json() == {"who": "Ada", "session_read": False}
    assert "Set-Cookie" not in answer.headers


async def test_without_a_token_the_session_decides(client: Client) -> None:
    await client.get("/in")

    assert (await (await client.get("/who")).get_json())["who"] == "Bob"


async def test_the_loader_may_refuse(client: Client) -> None:
    await client.get("/in")

    answer = await client.get("/who", headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 401


async def test_an_inactive_user_is_nobody_and_the_session_no_way_round(client: Client) -> None:
    await client.get("/in")

    answer = await client.get(
        "/who", headers={"Authorization": "Bearer gone", "Accept": "application/json"}
    )

    assert answer.status_code == 401


async def test_a_websocket_may_bring_a_token(client: Client) -> None:
    async with client.websocket("/ws", headers={"Authorization": "Bearer ada"}) as socket:
        assert await socket.receive() == "Ada"


@pytest.mark.parametrize(
    ("view", "status"), [(None, 401), ("/api/login", 302)], ids=["none", "its own"]
)
async def test_a_blueprint_may_have_another_sign_in_page(
    app: Quart, view: str | None, status: int
) -> None:
    bp = Blueprint("api", __name__, url_prefix="/api")
    nested = Blueprint("v1", __name__, url_prefix="/v1")

    @nested.get("/things")
    @login_required
    async def things() -> str:
        return "things"

    bp.register_blueprint(nested)
    app.register_blueprint(bp)
    app.extensions["login"].manager.blueprint_login_views["api"] = view

    answer = await app.test_client().get("/api/v1/things", headers=HTML)

    assert answer.status_code == status
    assert (await app.test_client().get("/who", headers=HTML)).location.startswith("/login")
