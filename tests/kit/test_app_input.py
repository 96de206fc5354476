"""Bodies: limits of size and time hold for every way of reading."""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from quart import request

from .input_app import JSON, MULTIPART, STOCK, URLENCODED, make_app, part, post

# --- sizes ----------------------------------------------------------------------------

READERS = [
    ("/data", None),
    ("/text", None),
    ("/json", JSON),
    ("/pieces", None),
    ("/form", URLENCODED),
    ("/form", {**MULTIPART}),
]


@pytest.mark.hazard("MAX_CONTENT_LENGTH is not enforced on chunked multipart or async for")
@pytest.mark.parametrize(("path", "headers"), READERS)
async def test_the_body_limit_holds_without_content_length(
    path: str, headers: dict[str, str] | None
) -> None:
    app = make_app()
    app.config.update(MAX_CONTENT_LENGTH=100_000, MAX_FORM_MEMORY_SIZE=None)
    pieces = [part("f", b"", '; filename="f"')[:-2]] + [b"x" * 1000] * 101
    status, _ = await post(app, path, pieces, headers)
    assert status == 413


@pytest.mark.parametrize("path", ["/pieces", "/form"])
async def test_stock_takes_any_number_of_pieces(path: str) -> None:
    app = make_app(STOCK)
    app.config["MAX_CONTENT_LENGTH"] = 100_000

    async def slowly() -> int:
        client: Any = app.test_client()
        async with client.request(path, method="POST", headers=MULTIPART) as connection:
            await connection.send(part("f", b"")[:-2])
            for _ in range(200):
                await connection.send(b"x" * 1000)
                await asyncio.sleep(0.001)
            await connection.send_complete()
        return int((await connection.as_response()).status_code)

    assert await slowly() == 200


@pytest.mark.parametrize(("path", "headers"), READERS)
async def test_a_content_length_over_the_limit_is_refused_before_the_body_comes(
    path: str, headers: dict[str, str] | None
) -> None:
    app = make_app()
    app.config["MAX_CONTENT_LENGTH"] = 100
    client: Any = app.test_client()
    headers = {**(headers or {}), "Content-Length": "101"}
    async with client.request(path, method="POST", headers=headers) as connection:
        assert b"100 Bytes" in await connection.receive()
    assert connection.status_code == 413


async def test_a_view_may_set_a_limit_of_its_own() -> None:
    app = make_app()

    @app.post("/small")
    async def small() -> str:
        request.max_content_length = 10
        return str(len(await request.get_data()))

    assert (await post(app, "/small", [b"x" * 10]))[0] == 200
    assert (await post(app, "/small", [b"x" * 11]))[0] == 413
    assert (await post(app, "/data", [b"x" * 11]))[0] == 200


async def test_memory_stays_flat_while_a_large_body_is_read_in_pieces() -> None:
    app = make_app()
    app.config["MAX_CONTENT_LENGTH"] = None
    connection: Any = app.test_client().request("/pieces", method="POST")
    piece = b"x" * 65536
    left = 640  # 40 MB

    async def receive() -> Any:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": piece, "more_body": left > 0}

    connection._asgi_receive = receive
    tracemalloc.start()
    async with connection:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert await (await connection.as_response()).get_data(as_text=True) == str(640 * 65536)
    assert peak < 5_000_000


async def test_a_view_that_does_not_read_holds_little() -> None:
    """The watcher for a client that leaves reads ahead, but not without end."""
    app = make_app()
    app.config["MAX_CONTENT_LENGTH"] = None
    taken = 0

    @app.post("/idle")
    async def idle() -> str:
        for _ in range(100):  # turns of the event loop, in each of which it could read
            await asyncio.sleep(0)
        return ""

    async def receive() -> Any:
        nonlocal taken
        taken += 65536
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    connection: Any = app.test_client().request("/idle", method="POST")
    connection._asgi_receive = receive
    async with connection:
        pass
    assert connection.status_code == 200
    assert taken <= 4 * 65536


# --- time -----------------------------------------------------------------------------


@pytest.mark.hazard("BODY_TIMEOUT does not cover async for")
@pytest.mark.parametrize(("path", "headers"), READERS)
async def test_a_body_that_trickles_is_cut(path: str, headers: dict[str, str] | None) -> None:
    app = make_app()
    app.config["BODY_TIMEOUT"] = 0.1
    client: Any = app.test_client()
    async with client.request(path, method="POST", headers=headers) as connection:
        for _ in range(20):
            await connection.send(b"a")
            await asyncio.sleep(0.01)
        answer = await asyncio.wait_for(connection.receive(), 10)
    assert connection.status_code == 408
    assert b"did not arrive in time" in answer


async def test_a_view_may_set_a_time_of_its_own() -> None:
    app = make_app()

    @app.post("/hasty")
    async def hasty() -> str:
        request.body_timeout = 0.05  # type: ignore[assignment]  # Quart says int
        return str(len(await request.get_data()))

    client: Any = app.test_client()
    async with client.request("/hasty", method="POST") as connection:
        await connection.receive()
    assert connection.status_code == 408


async def test_the_time_a_view_takes_itself_does_not_count() -> None:
    app = make_app()
    app.config["BODY_TIMEOUT"] = 0.4
    took = asyncio.Semaphore(0)

    @app.post("/slow-reader")
    async def slow_reader() -> str:
        size = 0
        async for piece in request.body:
            size += len(piece)
            took.release()
            await asyncio.sleep(0.5)
        return str(size)

    client: Any = app.test_client()
    async with client.request("/slow-reader", method="POST") as connection:
        for _ in range(3):  # the next piece comes while the view is busy with the last one
            await connection.send(b"a")
            await took.acquire()
        await connection.send_complete()
    assert connection.status_code == 200


# --- leaving --------------------------------------------------------------------------


@pytest.mark.parametrize("reading", [True, False])
async def test_a_client_that_leaves_cancels_the_view(reading: bool) -> None:
    app = make_app()
    events = []
    started = asyncio.Event()

    @app.post("/wait")
    async def wait() -> str:
        try:
            started.set()
            if reading:
                await request.get_data()
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            events.append("cancelled")
            raise
        return ""

    @app.teardown_request
    async def teardown(error: BaseException | None) -> None:
        await asyncio.sleep(0)
        events.append(type(error).__name__)

    client: Any = app.test_client()
    async with client.request("/wait", method="POST") as connection:
        await connection.send(b"some")
        await started.wait()
        await connection.disconnect()
    assert events == ["cancelled", "CancelledError"]
    assert connection.status_code is None


async def test_a_view_that_lost_its_cancellation_does_not_wait_for_a_client_that_left() -> None:
    """In Python 3.11, ``asyncio.wait_for`` drops one that comes together with its result."""
    app = make_app()
    started, ended = asyncio.Event(), asyncio.Event()

    @app.post("/wait")
    async def wait() -> str:
        started.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(10)
        await request.get_data()
        return ""

    @app.teardown_request
    async def teardown(error: BaseException | None) -> None:
        ended.set()

    left = asyncio.Event()

    async def receive() -> Any:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope: Any = {
        "type": "http", "asgi": {}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/wait", "raw_path": b"/wait", "root_path": "", "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-length", b"4")], "extensions": {},
    }  # fmt: skip
    serving = asyncio.create_task(app(scope, receive, send))
    await started.wait()
    left.set()
    async with asyncio.timeout(20):
        await ended.wait()
        await serving


async def test_a_server_that_cancels_is_not_mistaken_for_a_client_that_leaves() -> None:
    app = make_app()
    started = asyncio.Event()

    @app.get("/wait")
    async def wait() -> str:
        started.set()
        await asyncio.sleep(10)
        return ""

    connection: Any = app.test_client().request("/wait")
    await connection.__aenter__()
    task = connection._task
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_client_that_leaves_after_the_answer_disturbs_nothing() -> None:
    app = make_app()
    finished = []

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(0.08)
        return "ok"

    @app.teardown_request
    async def teardown(error: BaseException | None) -> None:
        finished.append(error)

    async with app.test_client().request("/slow") as connection:
        await connection.send_complete()
        assert await connection.receive() == b"ok"
        await connection.disconnect()
    assert finished == [None]
