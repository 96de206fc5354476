"""Trusted proxies: the address, scheme and host of the client, and nobody else's word for it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from quart import redirect, request, session, url_for, websocket

from quarterdeck.app import Quart
from quarterdeck.exceptions import ConfigurationError
from quarterdeck.security import Security
from tests.wire import connected

from .serving_app import served

pytestmark = pytest.mark.feature("AP6")

PROXY = "127.0.0.1"
ALL = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"]
ALL += ["X-Forwarded-Port", "X-Forwarded-Prefix"]


def make_app(**config: Any) -> Quart:
    app = Quart(__name__)
    app.config["SECRET_KEY"] = "only for tests"
    app.config.update(config)
    Security(app)

    @app.get("/")
    async def index() -> dict[str, Any]:
        return {
            "client": request.remote_addr,
            "scheme": request.scheme,
            "host": request.host,
            "url": url_for("index", _external=True),
        }

    @app.get("/away")
    async def away() -> Any:
        session["seen"] = True
        return redirect(url_for("index", _external=True))

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send(f"{websocket.remote_addr} {websocket.scheme} {websocket.host}")

    return app


async def seen(app: Quart, headers: dict[str, str], client: str = PROXY) -> dict[str, Any]:
    answer = await app.test_client().get(
        "/", headers=headers, scope_base={"client": (client, 4711)}
    )
    return dict(await answer.get_json())


@pytest.mark.hazard("forged X-Forwarded-For is believed")
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"},
        {"Forwarded": "for=192.0.2.7;proto=https"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/x"},
    ],
)
@pytest.mark.parametrize("names", [ALL, ["Forwarded"]])
async def test_headers_of_others_are_ignored(headers: dict[str, str], names: list[str]) -> None:
    app = make_app(TRUSTED_PROXIES=["10.0.0.0/8"], TRUSTED_PROXY_HEADERS=names)

    found = await seen(app, headers)

    assert found == {
        "client": PROXY,
        "scheme": "http",
        "host": "localhost",
        "url": "http://localhost/",
    }


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),  # the client made the first one up
        ("192.0.2.7, 10.0.0.1", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7, 10.0.0.1, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.9, 192.0.2.7", "192.0.2.7"),  # made up, and looks like a proxy
        ("10.0.0.9, 10.0.0.1", "10.0.0.9"),  # all are proxies: one of them asks by itself
        ("192.0.2.7:5555", "192.0.2.7"),
        ("[2001:db8::7]:5555, 10.0.0.1", "2001:db8::7"),
        ("::ffff:192.0.2.7, ::ffff:10.0.0.1", "192.0.2.7"),
        ("192.0.2.7, unknown", PROXY),
        ("192.0.2.7, nonsense, 10.0.0.1", "10.0.0.1"),
        ("", PROXY),
    ],
)
async def test_the_chain_is_read_from_the_right_as_far_as_it_is_trusted(
    chain: str, client: str
) -> None:
    app = make_app(TRUSTED_PROXIES=[PROXY, "10.0.0.0/8"])

    assert (await seen(app, {"X-Forwarded-For": chain}))["client"] == client


@pytest.mark.parametrize(
    ("text", "client", "scheme"),
    [
        ("for=192.0.2.7;proto=https", "192.0.2.7", "https"),
        ('For="[2001:db8::7]:5555" ; Proto=https;by=10.0.0.1', "2001:db8::7", "https"),
        ("for=198.51.100.1;proto=http, for=192.0.2.7;proto=https", "192.0.2.7", "https"),
        ("for=192.0.2.7;proto=https, for=10.0.0.1;proto=http", "192.0.2.7", "https"),
        ('for="_hidden";proto=https', PROXY, "https"),
        # A quote that the client left open must not swallow what the proxy has added.
        ('for="x, for=192.0.2.7;proto=https', "192.0.2.7", "https"),
        ('for=198.51.100.1;x="\\, for=192.0.2.7;host="a, for=198.51.100.2"', "192.0.2.7", "http"),
        ('for=192.0.2.7, for="', PROXY, "http"),
        ("for=192.0.2.7;;proto=https,,", "192.0.2.7", "https"),
    ],
)
async def test_forwarded(text: str, client: str, scheme: str) -> None:
    app = make_app(TRUSTED_PROXIES=[PROXY, "10.0.0.0/8"], TRUSTED_PROXY_HEADERS=["Forwarded"])

    found = await seen(app, {"Forwarded": text})

    assert (found["client"], found["scheme"]) == (client, scheme)


async def test_a_damaged_header_is_read_in_a_short_time() -> None:
    app = make_app(TRUSTED_PROXIES=[PROXY], TRUSTED_PROXY_HEADERS=["Forwarded"])
    texts = [part * (60_000 // len(part)) + '"' for part in (";   ", ",", 'a="', "a=b;", 'a="\\')]

    async with asyncio.timeout(5):
        for text in texts:
            assert (await seen(app, {"Forwarded": text}))["client"] == PROXY


async def test_only_headers_that_the_proxy_sets_are_read() -> None:
    """nginx passes on the others as the client sent them."""
    app = make_app(TRUSTED_PROXIES=[PROXY])

    found = await seen(
        app,
        {
            "X-Forwarded-For": "192.0.2.7",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Port": "81",
            "X-Forwarded-Prefix": "/evil",
            "Forwarded": "for=198.51.100.1",
        },
    )

    assert found["client"] == "192.0.2.7"
    assert found["url"] == "http://localhost/"


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"X-Forwarded-Host": "shop.example"}, "http://shop.example/"),
        (
            {"X-Forwarded-Host": "shop.example", "X-Forwarded-Proto": "https"},
            "https://shop.example/",
        ),
        ({"X-Forwarded-Host": "shop.example:8443"}, "http://shop.example:8443/"),
        ({"X-Forwarded-Port": "8080"}, "http://localhost:8080/"),
        ({"X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"}, "https://localhost/"),
        ({"X-Forwarded-Prefix": "/shop/"}, "http://localhost/shop/"),
        ({"X-Forwarded-Host": "a b"}, "http://localhost/"),
        ({"X-Forwarded-Prefix": "//evil.example"}, "http://localhost/"),
        ({"X-Forwarded-Proto": "gopher"}, "http://localhost/"),
        # Two proxies: the value of the outer one counts.
        (
            {
                "X-Forwarded-For": "192.0.2.7, 127.0.0.1",
                "X-Forwarded-Proto": "https, http",
                "X-Forwarded-Host": "shop.example, inner",
            },
            "https://shop.example/",
        ),
        # A third value, further left, was made up by the client.
        (
            {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": "evil.example, shop.example"},
            "http://shop.example/",
        ),
    ],
)
async def test_external_urls_are_those_of_the_client(headers: dict[str, str], url: str) -> None:
    app = make_app(TRUSTED_PROXIES=[PROXY], TRUSTED_PROXY_HEADERS=ALL)

    assert (await seen(app, headers))["url"] == url


async def test_cookies_redirects_and_hsts_know_the_scheme() -> None:
    app = make_app(TRUSTED_PROXIES=[PROXY])
    client = app.test_client()
    proxied = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}

    answer = await client.get("/away", headers=proxied, scope_base={"client": (PROXY, 4711)})

    assert answer.headers["Location"] == "https://localhost/"
    assert "Strict-Transport-Security" in answer.headers


# --- on the server ----------------------------------------------------------------------


async def test_a_websocket_and_the_access_log_know_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = logging.getLogger("tests.proxies")
    caplog.set_level(logging.INFO, log.name)
    settings = {"accesslog": log, "access_log_format": "%(h)s %(s)s"}
    forwarded = {"X_Forwarded_For": "198.51.100.1, 192.0.2.7:5555", "X_Forwarded_Proto": "https"}
    async with served(make_app(TRUSTED_PROXIES=[PROXY]), **settings) as (address, _):
        async with connected(address, "/ws", **forwarded) as wire:
            _, text = await wire.receive()
            await wire.close_code()
            await wire.ended()
        async with connected(address) as wire:
            head = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 2001:db8::7\r\n\r\n"
            await wire.send(head.encode())
            await wire.read_head()
            body = await wire.reader.readexactly(int(wire.headers["content-length"]))

    assert text.decode() == "192.0.2.7 wss localhost"
    assert json.loads(body)["client"] == "2001:db8::7"
    first, second = (one.getMessage() for one in caplog.records if one.name == log.name)
    assert first.startswith("192.0.2.7:5555 ")
    assert second == "2001:db8::7 200"


async def test_a_proxy_on_a_unix_socket() -> None:
    app = make_app(TRUSTED_PROXIES="unix, 10.0.0.0/8")
    scope: dict[str, Any] = {"client": None}

    answer = await app.test_client().get(
        "/", headers={"X-Forwarded-For": "192.0.2.7, 10.0.0.1"}, scope_base=scope
    )

    assert (await answer.get_json())["client"] == "192.0.2.7"


# --- mistakes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"TRUSTED_PROXIES": ["10.0.0.1/8"]}, "'TRUSTED_PROXIES' is .* has host bits set"),
        ({"TRUSTED_PROXIES": "localhost"}, "addresses or networks such as"),
        ({"TRUSTED_PROXY_HEADERS": ["X-Real-IP"]}, "holds 'X-Real-IP'. Choose of X-Forwarded-For"),
        ({"TRUSTED_PROXY_HEADERS": [*ALL, "Forwarded"]}, "Name only those that your proxy sets"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(config: dict[str, Any], message: str) -> None:
    app = Quart(__name__)
    app.config.update(config)
    with pytest.raises(ConfigurationError, match=message):
        Security(app)
