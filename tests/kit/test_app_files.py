"""Files in answers: ranges, etags, static files and their fingerprints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import quart
from quart import (
    send_file,
    url_for,
)

from quarterdeck.app import Blueprint, Quart

from .answers_app import get, make_app, make_folder

STOCK = quart.Quart


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


# --- files ----------------------------------------------------------------------------


@pytest.mark.feature("A1")
@pytest.mark.hazard("send_file answers no 304 and no 206 by default")
@pytest.mark.parametrize(("kind", "again"), [(Quart, 304), (STOCK, 200)])
async def test_a_file_that_is_known_is_304(
    folder: Path, kind: type[quart.Quart], again: int
) -> None:
    app = make_app(folder, kind)
    status, body, headers = await get(app, "/ten")
    assert (status, body) == (200, b"0123456789")
    assert headers["Content-Type"] == "application/octet-stream"
    assert (await get(app, "/ten", If_None_Match=headers["ETag"]))[0] == again
    assert (await get(app, "/ten", If_Modified_Since=headers["Last-Modified"]))[0] == again
    assert (await get(app, "/ten", If_None_Match='"other"'))[0] == 200


RANGES = [
    ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
    ("bytes=7-", 206, b"789", "bytes 7-9/10"),
    ("bytes=-3", 206, b"789", "bytes 7-9/10"),
    ("bytes=-100", 206, b"0123456789", "bytes 0-9/10"),
    ("bytes=8-100", 206, b"89", "bytes 8-9/10"),
    ("bytes=10-", 416, None, "bytes */10"),
    ("bytes=1-2,4-5", 200, b"0123456789", None),
    ("lines=1-2", 200, b"0123456789", None),
    ("nonsense", 200, b"0123456789", None),
    ("bytes=4-2", 200, b"0123456789", None),
]


@pytest.mark.feature("A1")
@pytest.mark.parametrize(("asked", "status", "body", "content_range"), RANGES)
@pytest.mark.parametrize("path", ["/ten", "/buffer"])
async def test_ranges(
    folder: Path, path: str, asked: str, status: int, body: bytes | None, content_range: str | None
) -> None:
    got = await get(make_app(folder), path, Range=asked)
    assert got[0] == status
    assert got[2].get("Content-Range") == content_range
    if body is not None:
        assert got[1] == body
        assert got[2]["Content-Length"] == str(len(body))
        assert got[2]["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("size", [0, 1, 131_071, 131_072, 131_073, 400_000])
async def test_files_of_every_size_arrive_whole(folder: Path, size: int) -> None:
    content = os.urandom(size)
    (folder / "file.bin").write_bytes(content)
    app = make_app(folder)

    @app.get("/file")
    async def file() -> Any:
        return await send_file(folder / "file.bin")

    assert (await get(app, "/file"))[1] == content
    if size:
        assert (await get(app, "/file", Range="bytes=1-"))[1] == content[1:] or size == 1
        assert (await get(app, "/file", Range="bytes=-200000"))[1] == content[-200_000:]


async def test_a_file_that_became_shorter_ends_early(folder: Path) -> None:
    (folder / "file.bin").write_bytes(b"x" * 300_000)
    app = make_app(folder)
    async with app.test_request_context("/"):
        response: Any = await send_file(folder / "file.bin")
        (folder / "file.bin").write_bytes(b"x" * 200_000)
        assert len(await response.get_data(as_text=False)) == 200_000


async def test_a_range_of_a_file_that_changed_is_all_of_it(folder: Path) -> None:
    app = make_app(folder)
    etag = (await get(app, "/ten"))[2]["ETag"]
    assert (await get(app, "/ten", Range="bytes=0-1", If_Range=etag))[0] == 206
    assert (await get(app, "/ten", Range="bytes=0-1", If_Range='"old"'))[0] == 200


async def test_files_can_be_sent_whole_by_configuration(folder: Path) -> None:
    app = make_app(folder)
    app.config["SEND_FILE_CONDITIONAL"] = False
    assert (await get(app, "/ten", Range="bytes=0-1"))[0] == 200


async def test_an_unsatisfiable_range_reaches_the_error_handlers(folder: Path) -> None:
    app = make_app(folder)
    app.register_error_handler(416, lambda error: ("ours", 416))
    assert (await get(app, "/ten", Range="bytes=99-"))[:2] == (416, b"ours")


async def test_head_of_a_stream_does_not_run_it(folder: Path) -> None:
    app = make_app(folder)
    ran = []

    @app.get("/stream")
    async def stream() -> Any:
        async def lines() -> Any:
            ran.append(1)
            yield b"a"

        return lines()

    assert (await app.test_client().head("/stream")).status_code == 200
    assert ran == []
    assert (await get(app, "/stream"))[1] == b"a"


# --- static files ---------------------------------------------------------------------


@pytest.mark.feature("T4", "C6")
async def test_static_files_have_an_address_and_are_cached_briefly(folder: Path) -> None:
    app = make_app(folder)
    async with app.test_request_context("/"):
        assert url_for("static", filename="app.css") == "/static/app.css"
    status, body, headers = await get(app, "/static/app.css")
    assert (status, body) == (200, b"body {}")
    assert headers["Content-Type"].startswith("text/css")
    assert "max-age=43200" in headers["Cache-Control"]
    assert (await get(app, "/static/app.css", If_None_Match=headers["ETag"]))[0] == 304
    assert (await get(app, "/static/none.css"))[0] == 404


@pytest.mark.feature("T4")
async def test_fingerprints_let_static_files_be_kept_for_a_year(folder: Path) -> None:
    app = make_app(folder)
    app.config["STATIC_FINGERPRINT"] = True
    bp = Blueprint("shop", __name__, static_folder=str(folder / "static"), url_prefix="/shop")
    app.register_blueprint(bp)
    async with app.test_app() as running, app.test_request_context("/"):
        url = url_for("static", filename="app.css")
        assert url.startswith("/static/app.css?v=")
        fingerprint = url.partition("=")[2]
        assert url_for("shop.static", filename="app.css") == f"/shop/static/app.css?v={fingerprint}"
        assert url_for("static", filename="none.css") == "/static/none.css"
        assert url_for("static", filename="../x") == "/static/../x"
        client = running.test_client()
        kept = (await client.get(url)).headers["Cache-Control"]
        assert "max-age=31536000" in kept
        other = (await client.get("/static/app.css?v=other")).headers["Cache-Control"]
        assert "max-age=43200" in other


async def test_a_fingerprint_follows_the_content(folder: Path) -> None:
    urls = []
    for content in ("a", "b"):
        (folder / "static" / "app.css").write_text(content)
        app = make_app(folder)
        app.config["STATIC_FINGERPRINT"] = True
        async with app.test_app(), app.test_request_context("/"):
            urls.append(url_for("static", filename="app.css"))
    assert urls[0] != urls[1]
