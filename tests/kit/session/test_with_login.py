"""Sign-in over sessions on the server: the two rooms know nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from quart import Quart, abort, websocket
from quart.typing import TestClientProtocol as Client

from quarterdeck.login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
)
from quarterdeck.session import Session, stateless
from quarterdeck.wtf import CSRFProtect, generate_csrf

from .memory import MemoryStore


@dataclass
class User(UserMixin):
    id: str


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def app(store: MemoryStore) -> Quart:
    app = Quart(__name__)
    Session(app, store=store)
    manager = LoginManager(app)

    @manager.user_loader
    async def load(user_id: str) -> User:
        return User(user_id)

    @app.post("/in")
    async def sign_in() -> str:
        login_user(User("7"))
        return ""

    @app.post("/out")
    async def sign_out() -> str:
        logout_user()
        return ""

    @app.get("/who")
    async def who() -> str:
        return str(current_user.get_id())

    @app.get("/mine")
    @login_required
    async def mine() -> str:
        return "mine"

    @app.get("/about")
    async def about() -> str:
        return "about"

    @app.get("/health")
    @stateless
    async def health() -> str:
        return "well"

    @app.get("/health/gone")
    @stateless
    async def gone() -> str:
        abort(404)

    @app.websocket("/ws")
    @login_required
    async def socket() -> None:
        while True:
            await websocket.receive()
            user = await manager.reload_user()
            await websocket.send_json(user.get_id())

    return app


@pytest.fixture
async def client(app: Quart) -> Client:
    """A browser in which somebody has signed in."""
    client = app.test_client()
    await client.post("/in")
    return client


async def test_sign_in_takes_a_new_id_and_sign_out_deletes(
    client: Client, store: MemoryStore
) -> None:
    (before,) = store.rows
    await client.post("/in")
    (after,) = store.rows
    assert before != after
    await client.post("/out")
    assert not store.rows


async def test_stateless_view_asks_for_nobody(client: Client, store: MemoryStore) -> None:
    store.calls.clear()
    assert (await client.get("/health")).status_code == 200
    assert not store.calls


@pytest.mark.parametrize("path", ["/health/gone", "/static/none.css"])
async def test_error_page_of_a_stateless_view_is_for_a_visitor(
    app: Quart, client: Client, store: MemoryStore, path: str
) -> None:
    app.secret_key = "for the token"
    CSRFProtect(app)

    @app.errorhandler(404)
    async def error_page(error: Exception) -> Any:
        return {"user": current_user.get_id(), "token": bool(generate_csrf())}, 404

    store.calls.clear()
    response = await client.get(path)
    assert (response.status_code, await response.get_json()) == (404, {"user": None, "token": True})
    assert not store.calls


@pytest.mark.parametrize(
    ("path", "status"), [("/about", 200), ("/health", 200), ("/who", 503), ("/mine", 503)]
)
async def test_store_down(client: Client, store: MemoryStore, path: str, status: int) -> None:
    store.failure = RuntimeError("down")
    assert (await client.get(path)).status_code == status


async def test_ended_session_signs_a_websocket_out(app: Quart, client: Client) -> None:
    async with client.websocket("/ws") as socket:
        await socket.send("")
        assert await socket.receive_json() == "7"
        async with app.app_context():
            assert await Session().end("7") == 1
        await socket.send("")
        answer: Any = await socket.receive_json()
        assert answer is None
