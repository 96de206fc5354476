"""``/ws/echo`` inside the application; on the wire it is in ``test_echo_wire.py``."""

from __future__ import annotations

from typing import Any

import pytest
from quart.testing.connections import WebsocketResponseError
from quart.typing import TestClientProtocol as Client

pytestmark = pytest.mark.feature("WS3")


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://elsewhere.example"}])
async def test_messages_come_back_to_strangers_of_any_origin(
    client: Client, headers: dict[str, str]
) -> None:
    socket: Any = client.websocket("/ws/echo", headers=headers)
    async with socket as connection:
        for message in ("hello", b"\x00\xff"):
            await connection.send(message)
            assert await connection.receive() == message


async def test_other_addresses_below_are_not_there(client: Client) -> None:
    """And the answer is made where there is no request, in a form for programs."""
    socket: Any = client.websocket("/ws/nothing")
    async with socket as connection:
        with pytest.raises(WebsocketResponseError) as refused:
            await connection.receive()

    response = refused.value.response
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")


async def test_strangers_may_open_a_few(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck_crm.live.echo.MAX_PER_ADDRESS", 1)
    one: Any = client.websocket("/ws/echo")
    two: Any = client.websocket("/ws/echo")
    async with one as first:
        await first.send("hello")
        assert await first.receive() == "hello"
        async with two as second:
            with pytest.raises(WebsocketResponseError) as refused:
                await second.receive()
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "10"
