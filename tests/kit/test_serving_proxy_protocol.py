"""The PROXY protocol: the client of a trusted proxy, and nobody else's word for it."""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from quart import request, websocket

from quarterdeck.app import Quart
from quarterdeck.exceptions import ServerConfigurationError
from quarterdeck.serving import Config
from quarterdeck.serving.proxy_protocol import ProxyHeaderError, read_header
from tests.certificates import make_certificate
from tests.wire import Wire, connected

from .serving_app import served

pytestmark = pytest.mark.feature("AP6")

TRUSTED = {"proxy_protocol_from": ["127.0.0.1"]}
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LINE = b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def binary(
    source: str = "192.0.2.7", target: str = "192.0.2.1", more: bytes = b"", *, command: int = 0x21
) -> bytes:
    addresses = ip_address(source).packed + ip_address(target).packed
    kind = 0x11 if len(addresses) == 8 else 0x21
    rest = addresses + struct.pack("!HH", 56324, 443) + more
    return SIGNATURE + bytes([command, kind]) + len(rest).to_bytes(2) + rest


def entry(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + len(value).to_bytes(2) + value


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)

    @app.get("/")
    async def index() -> dict[str, Any]:
        scope: Any = request.scope
        return {"client": scope["client"], "server": scope["server"], "scheme": request.scheme}

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send(f"{websocket.remote_addr} {websocket.scheme}")

    return app


async def ask(wire: Wire, begin: bytes) -> dict[str, Any]:
    await wire.send(begin + GET)
    await wire.read_head()
    assert wire.status == 200
    found: dict[str, Any] = json.loads(
        await wire.reader.readexactly(int(wire.headers["content-length"]))
    )
    return found


@pytest.mark.parametrize(
    ("header", "client", "scheme"),
    [
        (LINE, "192.0.2.7", "http"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n", "2001:db8::7", "http"),
        (b"PROXY UNKNOWN ffff:f...f:ffff 65535\r\n", None, "http"),
        (binary(), "192.0.2.7", "http"),
        (binary("2001:db8::7", "2001:db8::1"), "2001:db8::7", "http"),
        (
            binary(more=entry(0x04, bytes(9)) + entry(0x20, b"\x01" + bytes(4))),
            "192.0.2.7",
            "https",
        ),
        (binary(more=entry(0x20, bytes(5))), "192.0.2.7", "http"),
        (binary(command=0x20), None, "http"),  # a health check of the proxy itself
    ],
)
async def test_a_header_names_the_client(
    header: bytes, client: str | None, scheme: str, app: Quart
) -> None:
    async with served(app, **TRUSTED) as (address, _), connected(address) as wire:
        found = await ask(wire, header)

    if client is None:
        assert found["client"][0] == "127.0.0.1"
        assert found["client"][1] != 56324
    else:
        assert found["client"] == [client, 56324]
        assert found["server"][1] == 443
    assert found["scheme"] == scheme


async def test_a_header_counts_for_the_connection_and_for_websockets(app: Quart) -> None:
    async with served(app, **TRUSTED) as (address, _):
        async with connected(address) as wire:
            assert await ask(wire, LINE) == await ask(wire, b"")
        async with connected(address) as wire:
            await wire.send(LINE)
            await wire.handshake("/ws")
            assert (await wire.receive())[1] == b"192.0.2.7 ws"


@pytest.mark.parametrize("header", [LINE, binary()])
async def test_tls_begins_after_the_header(header: bytes, app: Quart, tmp_path: Path) -> None:
    certificate, key, issuer = make_certificate(tmp_path, "tls")
    keys = TRUSTED | {"certfile": str(certificate), "keyfile": str(key)}
    context = ssl.create_default_context()
    issuer.configure_trust(context)
    async with served(app, **keys) as (address, _), connected(address) as wire:
        wire.writer.write(header)
        await wire.writer.start_tls(context, server_hostname="localhost")

        found = await ask(wire, b"")

    assert (found["client"][0], found["scheme"]) == ("192.0.2.7", "https")


async def test_others_are_served_without_a_header_and_refused_with_one(app: Quart) -> None:
    async with served(app, proxy_protocol_from=["10.0.0.0/8"]) as (address, _):
        async with connected(address) as wire:
            assert (await ask(wire, b""))["client"][0] == "127.0.0.1"
        for header in (LINE, binary()):
            async with connected(address) as wire:
                await wire.send(header + GET)
                await wire.read_head()
                assert wire.status == 400


@pytest.mark.parametrize(
    "begin",
    [
        GET,
        b"PROXY TCP4 192.0.2.7 192.0.2.1 56324\r\n" + GET,
        b"PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n" + GET,
        b"PROXY TCP4 192.0.2.7 192.0.2.1 70000 443\r\n" + GET,
        b"PROXY TCP4 192.0.2.x 192.0.2.1 1 443\r\n" + GET,
        b"PROXY UNKNOWN " + b"x" * 200,
        binary(command=0x22) + GET,
        binary(command=0x11) + GET,
        SIGNATURE + bytes([0x21, 0x12, 0, 12]) + bytes(12) + GET,  # UDP
        SIGNATURE + bytes([0x21, 0x11, 0, 4]) + bytes(4) + GET,
        SIGNATURE + bytes([0x21, 0x11, 0xFF, 0xFF]) + bytes(4096),
        binary(more=b"\x04\x00\x09x") + GET,
        binary(more=b"\x04") + GET,
    ],
)
async def test_a_trusted_proxy_without_a_valid_header_is_disconnected(
    begin: bytes, app: Quart
) -> None:
    async with served(app, **TRUSTED) as (address, _), connected(address) as wire:
        wire.writer.write(begin)
        async with asyncio.timeout(10):
            try:
                assert await wire.reader.read() == b""
            except ConnectionError:
                return  # closed with bytes unread


@pytest.mark.parametrize("begin", [b"", LINE[:20], binary()[:20]])
async def test_a_header_that_does_not_come_in_time_is_not_waited_for(
    begin: bytes, app: Quart
) -> None:
    keys = TRUSTED | {"proxy_protocol_timeout": 0.1}
    async with served(app, **keys) as (address, _), connected(address) as wire:
        wire.writer.write(begin)
        await wire.ended()


async def test_a_stop_does_not_wait_for_headers(app: Quart) -> None:
    async with asyncio.timeout(10):
        async with (
            served(app, **TRUSTED, graceful_timeout=60) as (address, stop),
            connected(address) as wire,
        ):
            await ask(wire, LINE)
            async with connected(address) as silent:
                stop.set()
                await silent.ended()


@pytest.mark.parametrize("header", [LINE, binary(more=entry(0x04, bytes(9)))])
async def test_no_byte_beyond_the_header_is_read(header: bytes) -> None:
    for size in (1, 5, 4096):
        stream = asyncio.StreamReader()
        stream.feed_data(header + b"rest")

        async def receive(limit: int, size: int = size, stream: Any = stream) -> bytes:
            return bytes(await stream.read(min(limit, size)))

        found = await read_header(receive)

        assert found.client == ("192.0.2.7", 56324)
        assert await stream.read(100) == b"rest"


async def test_a_connection_that_ends_within_the_header() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(LINE[:-1])
    stream.feed_eof()
    with pytest.raises(ProxyHeaderError, match="ended within"):
        await read_header(stream.read)


@pytest.mark.parametrize("value", ['["10.0.0.1/8"]', "[1]", '["localhost"]'])
def test_networks_are_checked_at_the_start(value: str, tmp_path: Path) -> None:
    file = tmp_path / "hypercorn.toml"
    file.write_text(f"proxy_protocol_from = {value}")
    with pytest.raises(ServerConfigurationError, match="Expected addresses or networks"):
        Config.from_toml(file)
