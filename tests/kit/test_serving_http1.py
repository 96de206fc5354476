"""HTTP/1.1 parsed with httptools and with h11: both see the same requests, or refuse them."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import h2.connection
import h2.events
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quarterdeck import serving
from quarterdeck.exceptions import ServerConfigurationError
from tests.certificates import make_certificate
from tests.wire import TEXT, Address, Wire, connected

from .serving_app import listening, make_app

PARSERS = ["httptools", "h11"]
GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"


async def mirror(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what was received."""
    if scope["type"] != "http":
        raise NotImplementedError
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"]
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "version": scope["http_version"],
        "headers": [[part.decode("latin-1") for part in pair] for pair in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    text = b"" if scope["method"] == "HEAD" else json.dumps(seen).encode()
    headers = [(b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


@asynccontextmanager
async def served(app: Any, **keys: Any) -> AsyncIterator[Address]:
    config, sockets, address = listening(**keys)
    stop = asyncio.Event()
    task = asyncio.create_task(
        serving.serve(app, config, shutdown_trigger=stop.wait, sockets=sockets)
    )
    try:
        yield address
    finally:
        stop.set()
        await task


async def responses(wire: Wire) -> list[tuple[int, Any]]:
    """Return all responses until the server closes."""
    async with asyncio.timeout(20):
        data = await wire.reader.read()
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status == 100:
            continue
        (size,) = re.findall(rb"(?i)content-length: (\d+)", head)
        body, data = data[: int(size)], data[int(size) :]
        found.append((status, json.loads(body) if status == 200 and body else None))
    return found


async def answers(address: Address, data: bytes, cuts: list[int]) -> list[tuple[int, Any]]:
    async with connected(address) as wire:
        begin = 0
        for end in sorted({cut for cut in cuts if cut < len(data)} | {len(data)}):
            await wire.send(data[begin:end])
            await asyncio.sleep(0)
            begin = end
        return await responses(wire)


# --- the same requests ------------------------------------------------------------------

LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

names = st.sampled_from(
    [b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Expect", b"X-A", b"Upgrade"]
)
values = st.one_of(
    st.sampled_from(
        [b"x", b"5", b"0", b"chunked", b"gzip, chunked", b"close", b"keep-alive", b"100-continue"]
    ),
    st.sampled_from([b" 5", b"+5", b"5, 5", b"0x5", b"-1", b"identity", b"h2c", b"Upgrade", b""]),
    st.binary(max_size=6),
)
lines = st.builds(lambda name, value: name + b": " + value, names, values)
heads = st.builds(
    lambda method, target, version, lines, end: end.join(
        [method + b" " + target + b" " + version, *lines, b"", b""]
    ),
    st.sampled_from([b"GET", b"POST", b"HEAD", b"get", b"PURGE", b"FOO", b"CONNECT", b"G\0"]),
    st.sampled_from([b"/", b"/a%20b?c=d", b"*", b"http://x/y", b"?x", b"/\xff", b"x", b"/a b"]),
    st.sampled_from([b"HTTP/1.1"] * 8 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.2", b"ICE/1.0", b""]),
    st.lists(lines, max_size=3).map(lambda more: [b"Host: x", *more]),
    st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r"]),
)
bodies = st.one_of(
    st.sampled_from(
        [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nA: b\r\n\r\n", b"zz\r\n"]
    ),
    st.sampled_from([b"5;a=b\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", b"5\nhello\n0\n\n", b"\r\n"]),
    st.binary(max_size=10),
)
requests = st.builds(lambda head, body: head + body, heads, bodies)

END = b"0\r\n\r\n"
#: Forms by which requests were hidden in others.
HOSTILE = [
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + END,
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x" + b"\r\nTransfer-Encoding: chunked" * 2 + b"\r\n\r\n" + END,
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n" + END,
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff5\r\n" + END,
    b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\nHost: x\n\n",
    b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    b"SOURCE / ICE/1.0\r\nHost: x\r\n\r\n",
]


async def of_both(data: bytes, cuts: list[int]) -> list[list[tuple[int, Any]]]:
    keys = {"read_timeout": 0.5, "keep_alive_timeout": 0.5}
    async with (
        served(mirror, http1="httptools", **keys) as ours,
        served(mirror, http1="h11", **keys) as theirs,
    ):
        return list(await asyncio.gather(answers(ours, data, cuts), answers(theirs, data, cuts)))


def compare(data: bytes, cuts: list[int]) -> None:
    """Ours gives the answers that h11 gives; or it refuses where h11 is lenient, and ends."""
    ours, theirs = asyncio.run(of_both(data, cuts))
    if ours != theirs:
        *same, (status, _) = ours
        assert same == theirs[: len(same)]
        assert status in {400, 408, 431}


@pytest.mark.parametrize("data", HOSTILE)
@pytest.mark.parametrize("is_second", [False, True], ids=["first", "second"])
def test_hostile_requests_mean_the_same(data: bytes, is_second: bool) -> None:
    compare((GET % 1 if is_second else b"") + data + LAST, [])


@settings(max_examples=12, deadline=None)
@given(st.lists(requests, min_size=1, max_size=3), st.lists(st.integers(0, 200), max_size=3))
@example([GET % 1, GET % 2], [3, 30, 31])
@example([b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"], [])
def test_any_requests_mean_the_same(sent: list[bytes], cuts: list[int]) -> None:
    compare(b"".join(sent) + LAST, cuts)


# --- one after the other ----------------------------------------------------------------


@pytest.mark.parametrize("http1", PARSERS)
async def test_requests_without_a_pause_are_answered_in_order(http1: str) -> None:
    count = 500
    requests = [GET % number for number in range(count)]
    requests[7] = b"POST /7 HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 90_000
    async with served(mirror, http1=http1) as address, connected(address) as wire:
        await wire.send(b"".join(requests) + LAST)
        found = await responses(wire)
    assert [answer["path"] for _, answer in found[:-1]] == [f"/{each}" for each in range(count)]
    assert len(found[7][1]["body"]) == 90_000


@pytest.mark.parametrize("http1", PARSERS)
async def test_a_websocket_may_follow_a_request_without_a_pause(http1: str) -> None:
    handshake = (
        b"GET /ws/echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    async with served(make_app(), http1=http1) as address, connected(address) as wire:
        await wire.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + handshake)
        await wire.read_head()
        assert wire.status == 200
        assert await wire.reader.readexactly(13) == b"late but fine"
        await wire.read_head()
        assert wire.status == 101
        await wire.message("hello")
        assert await wire.receive() == (TEXT, b"hello")


@pytest.mark.parametrize("http1", PARSERS)
async def test_a_client_may_wait_for_100_continue(http1: str) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    async with served(mirror, http1=http1) as address, connected(address) as wire:
        await wire.send(head)
        await wire.read_head()
        assert wire.status == 100
        await wire.send(b"hello" + LAST)
        found = await responses(wire)
    assert [(status, answer["body"]) for status, answer in found] == [(200, "hello"), (200, "")]


@pytest.mark.parametrize("http1", PARSERS)
@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: ", b"b"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"A: b\r\n"),
        (b"GET /", b"a"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ", b"b"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"b"),
    ],
    ids=["value", "headers", "target", "trailer", "extension"],
)
async def test_a_head_without_end_is_refused_and_not_kept(
    http1: str, begin: bytes, piece: bytes
) -> None:
    async with served(mirror, http1=http1) as address, connected(address) as wire:
        await wire.send(begin)
        with suppress(ConnectionError):
            for _ in range(10):
                await wire.send(piece * (20_000 // len(piece)))
                await asyncio.sleep(0)
        await wire.read_head()
        assert wire.status in {400, 431}
        assert wire.headers["connection"] == "close"


async def test_clients_that_offer_http2_get_it(tmp_path: Path) -> None:
    certificate, key, issuer = make_certificate(tmp_path, "tls")
    context = ssl.create_default_context()
    issuer.configure_trust(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = h2.connection.H2Connection()
    client.initiate_connection()
    pairs = {":method": "GET", ":path": "/a", ":scheme": "https", ":authority": "localhost"}
    client.send_headers(1, list(pairs.items()), end_stream=True)
    body = b""
    async with served(mirror, certfile=str(certificate), keyfile=str(key)) as address:
        reader, writer = await asyncio.open_connection(
            *address, ssl=context, server_hostname="localhost"
        )
        async with asyncio.timeout(20):
            while not body.endswith(b"}"):
                writer.write(client.data_to_send())
                for event in client.receive_data(await reader.read(65_536)):
                    if isinstance(event, h2.events.DataReceived):
                        body += event.data
        writer.transport.abort()
    assert json.loads(body)["version"] == "2"


@pytest.mark.parametrize("http1", PARSERS)
async def test_http1_over_tls_keeps_its_connection(tmp_path: Path, http1: str) -> None:
    certificate, key, issuer = make_certificate(tmp_path, "tls")
    context = ssl.create_default_context()
    issuer.configure_trust(context)
    keys = {"certfile": str(certificate), "keyfile": str(key), "http1": http1}
    async with served(mirror, **keys) as address:
        reader, writer = await asyncio.open_connection(
            *address, ssl=context, server_hostname="localhost"
        )
        writer.write(GET % 1 + LAST)
        found = await responses(Wire(reader, writer))
        writer.transport.abort()
    assert [answer["path"] for _, answer in found] == ["/1", "/last"]


def test_an_unknown_parser_is_named(tmp_path: Path) -> None:
    file = tmp_path / "hypercorn.toml"
    file.write_text("http1 = 'fast'\n")
    with pytest.raises(ServerConfigurationError, match=r"'http1'.*'fast'.*'httptools', 'h11'"):
        serving.Config.from_toml(file)


# --- responses --------------------------------------------------------------------------


def responding(*messages: dict[str, Any]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            for message in messages:
                await send({"type": "http.response.body", **message})

    return app


START = {"type": "http.response.start", "status": 200}


async def raw_response(app: Any, http1: str, request: bytes = LAST) -> bytes:
    async with served(app, http1=http1) as address, connected(address) as wire:
        await wire.send(request)
        async with asyncio.timeout(20):
            return await wire.reader.read()


@pytest.mark.parametrize("http1", PARSERS)
@pytest.mark.parametrize(
    ("name", "value"),
    [(b"x-a", b"b\r\nSet-Cookie: c=d"), (b"x-a", b"b\nc"), (b"x-a", b"b\0"), (b"x a", b"b")],
)
async def test_a_header_that_would_split_the_response_is_a_500(
    http1: str, name: bytes, value: bytes
) -> None:
    app = responding(START | {"headers": [(name, value)]}, {"body": b"x"})
    answer = await raw_response(app, http1)
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"c=d" not in answer


@pytest.mark.parametrize("http1", PARSERS)
@pytest.mark.parametrize("body", [b"abc", b"abcdefg"], ids=["short", "long"])
async def test_a_wrong_content_length_ends_the_connection(http1: str, body: bytes) -> None:
    """Or a client would read the next response as a part of this one."""
    start = START | {"headers": [(b"content-length", b"5")]}
    answer = await raw_response(responding(start, {"body": body}), http1, GET % 1 + LAST)
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b"abcdefg" not in answer


@pytest.mark.parametrize("http1", PARSERS)
async def test_a_stream_is_chunked_and_its_end_is_marked(http1: str) -> None:
    app = responding(START | {"headers": []}, {"body": b"one", "more_body": True}, {"body": b"two"})
    head, _, body = (await raw_response(app, http1)).partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    assert body == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


@pytest.mark.parametrize("http1", PARSERS)
async def test_an_app_that_fails_within_a_response_leaves_it_unfinished(http1: str) -> None:
    app = responding(START | {"headers": []}, {"body": b"one", "more_body": True})
    answer = await raw_response(app, http1)
    assert answer.endswith(b"3\r\none\r\n")


@pytest.mark.parametrize("http1", PARSERS)
async def test_an_app_without_an_answer_is_a_500_with_a_text(http1: str) -> None:
    answer = await raw_response(responding(), http1)
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"failed without an answer" in answer


@pytest.mark.parametrize("http1", PARSERS)
@pytest.mark.parametrize(("method", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
async def test_responses_without_a_body_have_none(http1: str, method: bytes, status: int) -> None:
    start = {"type": "http.response.start", "status": status, "headers": []}
    request = LAST.replace(b"GET", method)
    answer = await raw_response(responding(start, {"body": b""}), http1, request)
    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("http1", PARSERS)
async def test_other_host_names_are_404(http1: str) -> None:
    async with (
        served(mirror, http1=http1, server_names=["x"]) as address,
        connected(address) as one,
        connected(address) as other,
    ):
        await one.send(LAST)
        await other.send(LAST.replace(b"Host: x", b"Host: y"))
        assert [status for status, _ in await responses(one)] == [200]
        assert [status for status, _ in await responses(other)] == [404]


@pytest.mark.parametrize("http1", PARSERS)
async def test_a_client_that_closes_its_side_ends_the_handler(http1: str) -> None:
    """What the app still sends goes nowhere, and is not complained about."""
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await receive()
        await send(START | {"headers": []})
        await send({"type": "http.response.body", "body": b"x" * 10, "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        for _ in range(10):
            await send({"type": "http.response.body", "body": b"x" * 10, "more_body": True})
        ended.set()

    async with served(app, http1=http1) as address, connected(address) as wire:
        await wire.send(GET % 1)
        await wire.read_head()
        wire.writer.write_eof()
        async with asyncio.timeout(20):
            await ended.wait()
            await wire.reader.read()


@pytest.mark.parametrize("http1", PARSERS)
@pytest.mark.parametrize("names_server", [False, True])
async def test_responses_do_not_tell_the_version_of_the_server(
    http1: str, names_server: bool
) -> None:
    """By default they name no server; never the parser, nor Hypercorn."""
    keys = {"include_server_header": True} if names_server else {}
    async with served(mirror, http1=http1, **keys) as address, connected(address) as wire:
        await wire.send(LAST)
        head = (await wire.reader.read()).lower().split(b"\r\n")
    found = [line for line in head if line.startswith(b"server:")]
    assert found == ([b"server: quarterdeck"] if names_server else [])
