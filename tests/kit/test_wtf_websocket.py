"""Origins of WebSocket handshakes."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart, websocket
from quart.testing import WebsocketResponseError

from quarterdeck.wtf import CSRFProtect

pytestmark = pytest.mark.hazard("no Origin check on WebSocket handshakes")


def make_app(**config: Any) -> Quart:
    app = Quart("wtf_websocket")
    app.secret_key = "for these tests"
    app.config.update(config)
    csrf = CSRFProtect(app)

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send("welcome")

    @app.websocket("/open")
    @csrf.exempt
    async def unguarded() -> None:
        await websocket.send("welcome")

    return app


async def connect(app: Quart, path: str = "/ws", scheme: str = "ws", **headers: str) -> int:
    """The status of a handshake: 101 if it was accepted."""
    try:
        async with app.test_client().websocket(path, headers=headers, scheme=scheme) as socket:
            assert await socket.receive() == "welcome"
            return 101
    except WebsocketResponseError as refusal:
        return int(refusal.response.status_code)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 101),
        ({"Origin": "http://localhost"}, 101),
        ({"Origin": "https://localhost"}, 101),
        ({"Origin": "https://LOCALHOST"}, 101),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://localhost.evil.example"}, 403),
        ({"Origin": "http://localhost:8080"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Origin": "https://app.example"}, 101),
        ({"Origin": "capacitor://phone"}, 101),
        ({"Origin": "capacitor://localhost"}, 403),
        ({"Origin": "http://app.example"}, 403),
        ({"Origin": "http://crm.example:8080", "Host": "crm.example:8080"}, 101),
        ({"Origin": "https://crm.example", "Host": "crm.example"}, 101),
    ],
)
async def test_handshake_by_origin(headers: dict[str, str], status: int) -> None:
    app = make_app(WTF_CSRF_TRUSTED_ORIGINS="https://app.example, capacitor://phone")
    assert await connect(app, **headers) == status


async def test_bare_quart_accepts_any_origin() -> None:
    app = Quart("bare")

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send("welcome")

    assert await connect(app, Origin="https://evil.example") == 101


async def test_secure_socket_refuses_a_page_without_tls() -> None:
    assert await connect(make_app(), scheme="wss", Origin="https://localhost") == 101
    assert await connect(make_app(), scheme="wss", Origin="http://localhost") == 403


async def test_origin_can_be_required() -> None:
    assert await connect(make_app(WTF_CSRF_WEBSOCKET_ORIGIN_REQUIRED=True)) == 403


async def test_exempt_socket_and_switched_off() -> None:
    assert await connect(make_app(), "/open", Origin="https://evil.example") == 101
    assert await connect(make_app(WTF_CSRF_ENABLED=False), Origin="https://evil.example") == 101
