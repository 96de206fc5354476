"""Bodies and forms: limits hold for every way of reading, and nothing is lost silently."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import quart
from quart import request

from quarterdeck.app import Quart

STOCK = quart.Quart
MULTIPART = {"Content-Type": "multipart/form-data; boundary=frontier"}
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def make_app(kind: Callable[[str], quart.Quart] = Quart) -> quart.Quart:
    """An app that reads its body in every way there is."""
    app = kind(__name__)

    @app.post("/form")
    async def form() -> Any:
        fields = await request.form
        files = await request.files
        return {
            "fields": list(fields.items(multi=True)),
            "files": [(name, f.filename, f.read().decode()) for name, f in files.items(True)],
        }

    @app.post("/data")
    async def data() -> Any:
        return str(len(await request.get_data()))

    @app.post("/text")
    async def text() -> Any:
        return await request.get_data(as_text=True)

    @app.post("/json")
    async def json() -> Any:
        return {"got": await request.get_json()}

    @app.post("/pieces")
    async def pieces() -> Any:
        return str(sum([len(piece) async for piece in request.body]))

    return app


async def post(
    app: quart.Quart,
    path: str,
    pieces: Iterable[bytes],
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:
    """Send a body in pieces, without Content-Length, as chunked encoding does."""
    client: Any = app.test_client()
    async with client.request(path, method="POST", headers=headers) as connection:
        for piece in pieces:
            await connection.send(piece)
        await connection.send_complete()
    response = await connection.as_response()
    if response.is_json:
        return response.status_code, await response.get_json()
    return response.status_code, await response.get_data(as_text=True)


def part(name: str, value: bytes, extra: str = "") -> bytes:
    head = f'--frontier\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode() + value + b"\r\n"


END = b"--frontier--\r\n"


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
        assert b"100 bytes" in await connection.receive()
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
        await asyncio.sleep(0.2)
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
        answer = await asyncio.wait_for(connection.receive(), 1)
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
    app.config["BODY_TIMEOUT"] = 0.1

    @app.post("/slow-reader")
    async def slow_reader() -> str:
        size = 0
        async for piece in request.body:
            size += len(piece)
            await asyncio.sleep(0.06)
        return str(size)

    assert await post(app, "/slow-reader", [b"ab"]) == (200, "2")
    client: Any = app.test_client()
    async with client.request("/slow-reader", method="POST") as connection:
        for _ in range(3):
            await connection.send(b"a")
            await asyncio.sleep(0.06)
        await connection.send_complete()
    assert connection.status_code == 200


# --- leaving --------------------------------------------------------------------------


@pytest.mark.parametrize("reading", [True, False])
async def test_a_client_that_leaves_cancels_the_view(reading: bool) -> None:
    app = make_app()
    events = []

    @app.post("/wait")
    async def wait() -> str:
        try:
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
        await asyncio.sleep(0.1)
        await connection.disconnect()
    assert events == ["cancelled", "CancelledError"]
    assert connection.status_code is None


async def test_a_server_that_cancels_is_not_mistaken_for_a_client_that_leaves() -> None:
    app = make_app()

    @app.get("/wait")
    async def wait() -> str:
        await asyncio.sleep(10)
        return ""

    connection: Any = app.test_client().request("/wait")
    await connection.__aenter__()
    task = connection._task
    await asyncio.sleep(0.01)
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


# --- urlencoded -----------------------------------------------------------------------


@pytest.mark.feature("Q1")
async def test_an_urlencoded_form_keeps_order_repeats_and_blanks() -> None:
    body = b"a=1&b=%C3%A9+x&a=2&empty=&alone&%26=%3D&=nameless"
    status, got = await post(make_app(), "/form", [body[:7], body[7:]], URLENCODED)
    assert status == 200
    assert got["fields"] == [  # grouped by name, as a MultiDict has them
        ["a", "1"], ["a", "2"], ["b", "é x"], ["empty", ""], ["alone", ""], ["&", "="],
        ["", "nameless"],
    ]  # fmt: skip


@pytest.mark.hazard("malformed forms give 200 with a silently empty form")
@pytest.mark.parametrize("body", [b"a=\xff", b"a=%ff", b"%c3=1", b"a=1&b=%ed%a0%80"])
async def test_an_urlencoded_form_that_is_not_utf8_is_400(body: bytes) -> None:
    status, got = await post(make_app(), "/form", [body], URLENCODED)
    assert status == 400
    assert "not valid UTF-8" in got


@pytest.mark.parametrize("body", [b"a=%00", b"%00=a"])
async def test_nul_in_an_urlencoded_form_is_400(body: bytes) -> None:
    status, got = await post(make_app(), "/form", [body], URLENCODED)
    assert status == 400
    assert "NUL" in got


@pytest.mark.hazard("the field limit covers multipart only")
async def test_too_many_urlencoded_fields_are_413() -> None:
    app = make_app()
    app.config["MAX_FORM_PARTS"] = 3
    assert (await post(app, "/form", [b"a=1&b=2&c=3"], URLENCODED))[0] == 200
    status, got = await post(app, "/form", [b"a=1&b=2&c=3&d=4"], URLENCODED)
    assert status == 413
    assert "more than 3 fields" in got


async def test_too_much_text_is_413_in_both_encodings() -> None:
    app = make_app()
    app.config["MAX_FORM_MEMORY_SIZE"] = 100
    assert (await post(app, "/form", [b"a=" + b"x" * 98], URLENCODED))[0] == 200
    assert (await post(app, "/form", [b"a=" + b"x" * 99], URLENCODED))[0] == 413
    both = [part("a", b"x" * 60), part("b", b"x" * 40), END]
    assert (await post(app, "/form", both, MULTIPART))[0] == 200
    both = [part("a", b"x" * 60), part("b", b"x" * 41), END]
    assert (await post(app, "/form", both, MULTIPART))[0] == 413
    a_file = [part("f", b"x" * 5000, '; filename="f.txt"'), END]
    assert (await post(app, "/form", a_file, MULTIPART))[0] == 200, "files are not text"


async def longest_stall(work: Any) -> tuple[float, float]:
    """Run something beside a clock: the longest time it stood still, and the time in all."""
    loop = asyncio.get_running_loop()
    worst = 0.0

    async def clock() -> None:
        nonlocal worst
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            worst = max(worst, loop.time() - before)

    ticking = asyncio.create_task(clock())
    await asyncio.sleep(0)
    started = loop.time()
    await work
    ticking.cancel()
    return worst, loop.time() - started


@pytest.mark.hazard("1.6 million urlencoded fields stall the loop 3.2 s")
async def test_a_large_legal_form_does_not_stall_the_loop() -> None:
    app = make_app()
    app.config.update(MAX_FORM_PARTS=None, MAX_FORM_MEMORY_SIZE=None)

    @app.post("/count")
    async def count() -> str:
        return str(len((await request.form).getlist("a")))

    body = b"&".join([b"a=%41"] * 100_000)
    pieces = [body[i : i + 65536] for i in range(0, len(body), 65536)]
    asyncio.get_running_loop().set_debug(False)
    runs = [await longest_stall(post(app, "/count", pieces, URLENCODED)) for _ in range(3)]
    # On a busy machine everything takes longer: there the share of the whole tells.
    assert any(stall < 0.1 or stall < total / 8 for stall, total in runs), runs
    assert (await post(app, "/count", pieces, URLENCODED))[1] == "100000"


# --- multipart ------------------------------------------------------------------------


@pytest.mark.feature("Q2")
async def test_a_multipart_form_keeps_fields_and_files_however_it_is_cut() -> None:
    body = (
        part("name", "Åsa".encode())
        + part("doc", b"first", '; filename="a.txt"')
        + part("doc", b"second\r\n--fron\r\n", '; filename="b.txt"')
        + part("empty", b"")
        + END
    )
    for size in (1, 7, 64, len(body)):
        pieces = [body[i : i + size] for i in range(0, len(body), size)]
        status, got = await post(make_app(), "/form", pieces, MULTIPART)
        assert status == 200
        assert got["fields"] == [["name", "Åsa"], ["empty", ""]]
        assert got["files"] == [
            ["doc", "a.txt", "first"],
            ["doc", "b.txt", "second\r\n--fron\r\n"],
        ]


NAMELESS = b"--frontier\r\nContent-Disposition: form-data\r\n\r\n1\r\n"
BYTE_NAME = b'--frontier\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n1\r\n'

MALFORMED = {
    "nothing at all": (b"", "ends before its last boundary"),
    "another boundary": (b"--other\r\n\r\n", "ends before its last boundary"),
    "no end": (part("a", b"1"), "ends before its last boundary"),
    "cut in the data": (part("a", b"1") + part("b", b"2")[:-3], "ends before its last boundary"),
    "cut in the headers": (b"--frontier\r\nContent-Dis", "ends before its last boundary"),
    "no disposition": (b"--frontier\r\nX-A: 1\r\n\r\n1\r\n" + END, "Content-Disposition"),
    "no name": (NAMELESS + END, "a part has no name"),
    "field not UTF-8": (part("a", b"\xff") + END, "not valid UTF-8"),
    "name not UTF-8": (BYTE_NAME + END, "not valid UTF-8"),
    "NUL in a field": (part("a", b"\0") + END, "NUL character"),
    "endless headers": (b"--frontier\r\n" + b"X-A: 1\r\n" * 10_000, "too long"),
    "endless preamble": (b"x" * 100_000, "too long"),
}


@pytest.mark.hazard("malformed or truncated multipart gives 200 with a partial form")
@pytest.mark.parametrize("case", MALFORMED)
async def test_malformed_multipart_is_400_with_a_reason(case: str) -> None:
    body, reason = MALFORMED[case]
    status, got = await post(make_app(), "/form", [body], MULTIPART)
    assert status == 400
    assert reason in got


async def test_multipart_without_a_boundary_is_400() -> None:
    headers = {"Content-Type": "multipart/form-data"}
    status, got = await post(make_app(), "/form", [part("a", b"1") + END], headers)
    assert status == 400
    assert "names no boundary" in got


@pytest.mark.parametrize("case", ["no end", "another boundary", "field not UTF-8"])
async def test_stock_gives_a_form_for_malformed_multipart(case: str) -> None:
    body, _ = MALFORMED[case]
    assert (await post(make_app(STOCK), "/form", [body], MULTIPART))[0] == 200


async def test_too_many_parts_are_413() -> None:
    app = make_app()
    app.config["MAX_FORM_PARTS"] = 2
    three = [part("a", b"1"), part("b", b"2"), part("c", b"3"), END]
    assert (await post(app, "/form", [three[0], three[1], END], MULTIPART))[0] == 200
    assert (await post(app, "/form", three, MULTIPART))[0] == 413


@pytest.mark.hazard("file names arrive raw")
@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        (r"C:\\fake\\report.pdf", "report.pdf"),
        ("/abs/x.txt", "x.txt"),
        ("a\tb.txt", "ab.txt"),
        ("..", "file"),
        ("报告 1.pdf", "报告 1.pdf"),
        ("", ""),
    ],
)
async def test_file_names_are_names_only(sent: str, name: str) -> None:
    body = part("f", b"x", f'; filename="{sent}"') + END
    status, got = await post(make_app(), "/form", [body], MULTIPART)
    assert status == 200
    assert got["files"] == [["f", name, "x"]]


async def test_a_form_that_was_refused_stays_refused() -> None:
    """An error page that looks at the form again gets no half of it."""
    app = make_app()
    seen = []

    @app.errorhandler(400)
    async def bad(error: Exception) -> tuple[str, int]:
        try:
            await request.form
        except Exception as again:
            seen.append(again is error)
        return "", 400

    assert (await post(app, "/form", [part("a", b"1")], MULTIPART))[0] == 400
    assert seen == [True]


@pytest.mark.feature("Q2")
async def test_a_large_file_goes_to_disk_and_is_saved(tmp_path: Any) -> None:
    app = make_app()
    target = tmp_path / "saved.bin"

    @app.post("/upload")
    async def upload() -> str:
        file = (await request.files)["f"]
        on_disk = bool(getattr(file.stream, "_rolled", False))
        await file.save(target)
        return f"{file.filename} {on_disk}"

    size = 3_000_000
    pieces = [part("f", b"", '; filename="big.bin"')[:-2]]
    pieces += [b"y" * 50_000] * (size // 50_000) + [b"\r\n" + END]
    assert await post(app, "/upload", pieces, MULTIPART) == (200, "big.bin True")
    assert target.stat().st_size == size


# --- JSON and text --------------------------------------------------------------------


@pytest.mark.hazard("NaN, lone surrogates, depth and invalid UTF-8 in JSON")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a": NaN}', "cannot be read"),
        (b"[Infinity]", "cannot be read"),
        (rb'"\ud800"', "cannot be read"),
        (b'"\xff"', "not valid UTF-8"),
        (b"[" * 100_000, "nested"),
        (b"[" * 65 + b"]" * 65, "nested deeper than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper than 64"),
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"{} x", "trailing"),
        (b"1e999", "out of range"),
    ],
)
async def test_json_that_is_none_is_400_with_a_reason(body: bytes, reason: str) -> None:
    status, got = await post(make_app(), "/json", [body], JSON)
    assert status == 400
    assert reason in got


@pytest.mark.parametrize("body", [b'"\xff"', b"[" * 100_000])
async def test_stock_answers_500_to_it(body: bytes) -> None:
    assert (await post(make_app(STOCK), "/json", [body], JSON))[0] == 500


async def test_json_of_64_levels_and_many_brackets_is_fine() -> None:
    app = make_app()
    deep = b"[" * 64 + b"]" * 64
    assert (await post(app, "/json", [deep], JSON))[0] == 200
    wide = b"[" + b",".join([b'{"a":[1]}'] * 200) + b"]"
    assert (await post(app, "/json", [wide], JSON))[0] == 200


async def test_large_json_is_413() -> None:
    app = make_app()
    app.config["MAX_JSON_SIZE"] = 100
    assert (await post(app, "/json", [b'"' + b"x" * 98 + b'"'], JSON))[0] == 200
    assert (await post(app, "/json", [b'"' + b"x" * 99 + b'"'], JSON))[0] == 413


async def test_json_may_be_silent_forced_and_cached() -> None:
    app = make_app()

    @app.post("/silent")
    async def silent() -> Any:
        return {
            "silent": await request.get_json(silent=True),
            "form": dict(await request.form),
        }

    @app.post("/forced")
    async def forced() -> Any:
        first = await request.get_json(force=True)
        return {"same": first is await request.get_json(), "got": first}

    assert await post(app, "/silent", [b"nonsense"], JSON) == (200, {"silent": None, "form": {}})
    assert await post(app, "/forced", [b"[1]"]) == (200, {"same": True, "got": [1]})
    assert await post(app, "/json", [b"[1]"]) == (200, {"got": None})


async def test_text_that_is_not_utf8_is_400() -> None:
    assert (await post(make_app(), "/text", ["é".encode()]))[1] == "é"
    assert (await post(make_app(), "/text", [b"\xff"]))[0] == 400


async def test_a_body_is_read_again_unless_it_was_not_kept() -> None:
    app = make_app()

    @app.post("/twice")
    async def twice() -> Any:
        keep = "drop" not in request.args
        return [len(await request.get_data(cache=keep)), len(await request.get_data())]

    assert (await post(app, "/twice", [b"abc"]))[1] == [3, 3]
    assert (await post(app, "/twice?drop", [b"abc"]))[1] == [3, 0]
