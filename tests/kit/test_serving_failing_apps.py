"""Responses of the server itself for an app that gives none: a sentence with safe headers."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import h2.connection
import h2.events
import pytest

from tests.wire import connected

from .serving_app import served

pytestmark = pytest.mark.feature("AP6")

REQUEST = b"%s / HTTP/1.1\r\nHost: localhost\r\n\r\n"
TEXT = b"500 Internal Server Error. The application failed without an answer.\n"


async def failing(scope: Any, receive: Any, send: Any) -> None:
    """Start up, then fail for each request and each WebSocket."""
    if scope["type"] != "lifespan":
        raise RuntimeError("broken")
    for name in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{name}.complete"})


async def refusing(scope: Any, receive: Any, send: Any) -> None:
    """Close a WebSocket before it is accepted."""
    if scope["type"] == "lifespan":
        await failing(scope, receive, send)
    await send({"type": "websocket.close"})


def is_safe(headers: dict[str, str]) -> bool:
    policy = headers["content-security-policy"]
    return headers["x-content-type-options"] == "nosniff" and policy.startswith("default-src 'none")


@pytest.mark.parametrize(("method", "body"), [(b"GET", TEXT), (b"HEAD", b"")])
async def test_a_failed_request_has_a_sentence_and_safe_headers(
    method: bytes, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    app: Any = failing
    log = logging.getLogger("tests.failing")
    with caplog.at_level(logging.INFO, "tests.failing"):
        async with served(app, accesslog=log) as (address, _), connected(address) as wire:
            await wire.send(REQUEST % method)
            await wire.read_head()
            assert wire.status == 500
            assert is_safe(wire.headers)
            assert wire.headers["content-length"] == str(len(TEXT))
            async with asyncio.timeout(10):
                assert await wire.reader.read() == body  # until the end of the connection
    assert [r.getMessage().split()[4] for r in caplog.records if r.name == "tests.failing"] == [
        "500"
    ]


async def test_a_host_that_is_not_served_is_answered_so() -> None:
    app: Any = failing
    names = ["crm.example"]
    async with served(app, server_names=names) as (address, _), connected(address) as wire:
        await wire.send(REQUEST % b"GET")
        await wire.read_head()
        assert wire.status == 404
        assert is_safe(wire.headers)


@pytest.mark.parametrize(("app", "status"), [(failing, 500), (refusing, 403)])
async def test_a_failed_handshake_is_answered_so(
    app: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("tests.failing")
    with caplog.at_level(logging.INFO, "tests.failing"):
        async with served(app, accesslog=log) as (address, _), connected(address, "/ws") as wire:
            assert wire.status == status
            assert is_safe(wire.headers)
            async with asyncio.timeout(10):
                assert (await wire.reader.read()).startswith(str(status).encode())
    assert len([r for r in caplog.records if r.name == "tests.failing"]) == 1


async def test_http2_too_and_the_connection_goes_on() -> None:
    app: Any = failing
    client = h2.connection.H2Connection()
    client.initiate_connection()
    seen: list[Any] = []
    async with (
        served(app, http2_cleartext=True) as (address, _),
        connected(address) as wire,
        asyncio.timeout(10),
    ):
        for stream in (1, 3):
            headers = [(":path", "/"), (":scheme", "http"), (":authority", "localhost")]
            client.send_headers(stream, [*headers, (":method", "GET")], end_stream=True)
            while not any(
                isinstance(event, h2.events.StreamEnded) and event.stream_id == stream
                for event in seen
            ):
                await wire.send(client.data_to_send())
                seen += client.receive_data(await wire.reader.read(65536))
    heads = [event for event in seen if isinstance(event, h2.events.ResponseReceived)]
    assert len(heads) == 2
    for head in heads:
        fields = {name.decode(): value.decode() for name, value in head.headers or ()}
        assert fields[":status"] == "500"
        assert is_safe(fields)
    body = b"".join(
        event.data or b"" for event in seen if isinstance(event, h2.events.DataReceived)
    )
    assert body == TEXT * 2
