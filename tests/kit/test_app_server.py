"""The application object behind Hypercorn, spoken to in raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import request

from quarterdeck.app import Quart


@pytest.fixture
def app() -> Quart:
    app = Quart(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 50_000
    app.started, app.cancelled = asyncio.Event(), asyncio.Event()  # type: ignore[attr-defined]

    @app.get("/")
    async def index() -> Any:
        return "fine", "299 Quite fine"

    @app.get("/slow")
    async def slow() -> str:
        app.started.set()  # type: ignore[attr-defined]
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            app.cancelled.set()  # type: ignore[attr-defined]
            raise
        return ""

    @app.post("/form")
    async def form() -> Any:
        return {
            "fields": await request.form,
            "files": [f.filename for f in (await request.files).values()],
        }

    @app.errorhandler(400)
    @app.errorhandler(413)
    async def refused(error: Any) -> Any:
        return f"our page: {error.description}", error.code

    return app


@pytest.fixture
async def address(app: Quart, unused_tcp_port: int) -> AsyncIterator[tuple[str, int]]:
    config = Config()
    config.bind = [f"127.0.0.1:{unused_tcp_port}"]
    config.accesslog = None
    config.errorlog = None
    stop = asyncio.Event()
    server = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                break
    yield "127.0.0.1", unused_tcp_port
    stop.set()
    await server


async def speak(address: tuple[str, int], *pieces: bytes) -> bytes:
    """Send the pieces and return all that is answered."""
    reader, writer = await asyncio.open_connection(*address)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


CLOSE = b"Host: localhost\r\nConnection: close\r\n"


@pytest.mark.hazard("GET ?x is a 500 outside the error handlers")
async def test_a_target_without_a_path_reaches_the_error_page(address: Any) -> None:
    answer = await speak(address, b"GET ?x HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"our page: The request target must be a path" in answer


async def test_a_status_with_a_reason_is_sent_with_its_number(address: Any) -> None:
    """Hypercorn writes no reasons at all: the number is what arrives."""
    answer = await speak(address, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 299 \r\n")
    assert answer.endswith(b"\r\n\r\nfine")


async def test_head_and_keep_alive(address: Any) -> None:
    host = b"Host: localhost\r\n\r\n"
    answer = await speak(
        address, b"HEAD / HTTP/1.1\r\n" + host, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n"
    )
    assert answer.count(b"HTTP/1.1 299") == 2
    assert answer.count(b"fine") == 1


async def test_a_client_that_hangs_up_cancels_the_view(app: Quart, address: Any) -> None:
    _, writer = await asyncio.open_connection(*address)
    writer.write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await writer.drain()
    async with asyncio.timeout(30):
        await app.started.wait()  # type: ignore[attr-defined]
        writer.close()
        await app.cancelled.wait()  # type: ignore[attr-defined]


MULTIPART = (
    b"POST /form HTTP/1.1\r\n"
    + CLOSE
    + b"Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
)
FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="../x.bin"\r\n\r\n'


@pytest.mark.hazard("MAX_CONTENT_LENGTH is not enforced on chunked multipart or async for")
async def test_a_chunked_upload_over_the_limit_is_413(address: Any) -> None:
    body = chunked(FILE, *[b"x" * 10_000] * 6, b"\r\n--b--\r\n")
    answer = await speak(address, MULTIPART, body)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"our page: The request is larger than 50.0 kB." in answer


async def test_a_chunked_upload_within_the_limit(address: Any) -> None:
    answer = await speak(address, MULTIPART, chunked(FILE, b"x" * 40_000, b"\r\n--b--\r\n"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b'{"fields":{},"files":["x.bin"]}\n')


async def test_a_truncated_upload_is_400(address: Any) -> None:
    answer = await speak(address, MULTIPART, chunked(FILE, b"x"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"it ends before its last boundary" in answer
