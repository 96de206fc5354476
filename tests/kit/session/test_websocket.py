"""The browser session inside WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart
from quart.testing.connections import WebsocketResponseError
from quart.typing import TestClientProtocol as Client

from quarterdeck.app import Quart as OurQuart

from .apps import make_app
from .memory import MemoryStore

pytestmark = [
    pytest.mark.feature("S3"),
    pytest.mark.hazard("a session changed inside a WebSocket is lost or crashes"),
]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(params=[Quart, OurQuart], ids=["Quart", "quarterdeck"])
async def app(request: pytest.FixtureRequest, store: MemoryStore) -> AsyncIterator[Quart]:
    app = make_app(store=store, app_class=request.param)
    async with app.test_app():
        yield app


@pytest.fixture
async def client(app: Quart) -> Client:
    client = app.test_client()
    await client.post("/set", json={"name": "x"})
    return client


async def values(client: Client) -> Any:
    return await (await client.get("/")).get_json()


async def tell(socket: Any, **message: Any) -> Any:
    """Send the handler a message and return its answer."""
    await socket.send_json(message)
    return await socket.receive_json()


async def settled(client: Client, expected: Any) -> None:
    """Wait until the closed socket's handler has come to its end."""
    for _ in range(200):
        if await values(client) == expected:
            return
        await asyncio.sleep(0.01)
    assert await values(client) == expected


async def test_reads_what_pages_wrote(client: Client) -> None:
    async with client.websocket("/ws") as socket:
        assert await tell(socket) == {"name": "x"}


async def test_saved_when_the_handler_says_so(client: Client) -> None:
    async with client.websocket("/ws") as socket:
        await tell(socket, set={"a": 1})
        assert await values(client) == {"name": "x"}
        await tell(socket, save=True)
        assert await values(client) == {"name": "x", "a": 1}
        await tell(socket, set={"b": 2}, save=True)
        assert await values(client) == {"name": "x", "a": 1, "b": 2}


async def test_saved_when_the_handler_ends(client: Client) -> None:
    async with client.websocket("/ws") as socket:
        await socket.send_json({"set": {"a": 1}, "end": True})
        await settled(client, {"name": "x", "a": 1})


async def test_saved_when_the_client_leaves(client: Client) -> None:
    async with client.websocket("/ws") as socket:
        await tell(socket, set={"a": 1})
    await settled(client, {"name": "x", "a": 1})


async def test_nothing_written_when_nothing_changed(client: Client, store: MemoryStore) -> None:
    store.calls.clear()
    async with client.websocket("/ws") as socket:
        await tell(socket)
        await tell(socket, save=True)
    assert store.calls == {"read": 1}


async def test_merges_with_pages(client: Client) -> None:
    async with client.websocket("/ws") as socket:
        await tell(socket, set={"a": 1})
        await client.post("/set", json={"b": 2, "name": "y"})
        await tell(socket, save=True)
        assert await values(client) == {"name": "y", "a": 1, "b": 2}


async def test_reload(client: Client) -> None:
    async with client.websocket("/ws") as socket:
        await tell(socket, set={"unsaved": 1})
        await client.post("/set", json={"name": "y"})
        assert await tell(socket, reload=True) == {"name": "y", "unsaved": 1}
        await tell(socket, save=True)
        assert await values(client) == {"name": "y", "unsaved": 1}
        await client.post("/sign-out")
        assert await tell(socket, reload=True) == {}


async def test_does_not_undo_a_sign_out(client: Any, app: Quart) -> None:
    thief: Any = app.test_client()
    for cookie in client.cookie_jar:
        thief.cookie_jar.set_cookie(cookie)
    async with client.websocket("/ws") as socket:
        await tell(socket, set={"a": 1})
        await client.post("/sign-out")
        await tell(socket, save=True)
    assert await values(thief) == {}


async def test_clearing_ends_the_session(client: Client, store: MemoryStore) -> None:
    async with client.websocket("/ws") as socket:
        assert await tell(socket, clear=True, save=True) == {}
    assert not store.rows


@pytest.mark.parametrize("change", [{"set": {"a": 1}}, {"regenerate": True, "set": {"a": 1}}])
async def test_new_session_needs_a_page(app: Quart, change: Any, store: MemoryStore) -> None:
    async with app.test_client().websocket("/ws") as socket:
        answer = await tell(socket, **change, save=True)
    assert "a WebSocket cannot set one after its handshake" in answer["error"]
    assert not store.rows


async def test_new_id_needs_a_page(client: Client) -> None:
    async with client.websocket("/ws") as socket:
        answer = await tell(socket, regenerate=True, save=True)
    assert "Begin the session, and change its id, in an HTTP view" in answer["error"]


async def test_changes_lost_at_close_are_logged(
    app: Quart, caplog: pytest.LogCaptureFixture
) -> None:
    async with app.test_client().websocket("/ws") as socket:
        await tell(socket, set={"a": 1})
    async with asyncio.timeout(5):
        while "a WebSocket's session was not saved" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # a log has no event


async def test_store_down_at_the_handshake(client: Client, store: MemoryStore) -> None:
    store.failure = RuntimeError("down")
    with pytest.raises(WebsocketResponseError) as caught:
        async with client.websocket("/eager") as socket:
            await socket.receive()
    assert caught.value.response.status_code == 503


async def test_cookie_session_is_read_only() -> None:
    app = make_app(app_class=OurQuart)
    async with app.test_app():
        client = app.test_client()
        await client.post("/set", json={"name": "x"})
        async with client.websocket("/ws") as socket:
            assert await tell(socket) == {"name": "x"}
            assert await tell(socket, save=True) == {"name": "x"}
            assert await tell(socket, reload=True) == {"name": "x"}
            answer = await tell(socket, set={"a": 1}, save=True)
            assert "with SESSION_TYPE 'null' make every change there" in answer["error"]
