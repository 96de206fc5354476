"""Answers that are compressed, and those that are left alone."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from quart import Quart, Response, make_response, send_file

from quarterdeck.compress import Compress
from quarterdeck.exceptions import ConfigurationError, ExtensionAlreadyInitializedError

PAGE = "<p>" + "harbour " * 1000 + "</p>"
ACCEPT = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    (tmp_path / "style.css").write_text("body { margin: 0 }\n" * 200)
    app = Quart(__name__, static_folder=str(tmp_path), static_url_path="/static")
    Compress(app)

    @app.get("/")
    async def page() -> str:
        return PAGE

    @app.get("/short")
    async def short() -> str:
        return "<p>Hello</p>"

    @app.get("/picture")
    async def picture() -> Response:
        return Response(PAGE, content_type="image/png")

    @app.get("/version")
    async def version() -> Response:
        response = await make_response({"text": PAGE})
        assert isinstance(response, Response)
        response.set_etag("7")
        return response

    @app.get("/stream")
    async def stream() -> Response:
        async def parts() -> AsyncIterator[str]:
            yield PAGE
            yield PAGE

        return Response(parts(), content_type="text/html")

    @app.get("/private")
    async def private() -> Response:
        response = await send_file(tmp_path / "style.css")
        response.headers["Cache-Control"] = "private"
        return response

    @app.get("/as-it-is")
    async def as_it_is() -> Response:
        return Response(PAGE, headers={"Cache-Control": "no-transform"}, content_type="text/html")

    return app


async def test_a_page_is_compressed_for_those_who_accept_it(app: Quart) -> None:
    client = app.test_client()
    response = await client.get("/", headers=ACCEPT)
    body = await response.get_data(as_text=False)
    assert gzip.decompress(body).decode() == PAGE
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Content-Length"] == str(len(body))

    for accepted in ("", "br", "gzip;q=0"):
        response = await client.get("/", headers={"Accept-Encoding": accepted})
        assert await response.get_data(as_text=True) == PAGE
        assert response.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path", ["/short", "/picture", "/version", "/stream", "/private", "/as-it-is"]
)
async def test_what_is_left_alone(app: Quart, path: str) -> None:
    response = await app.test_client().get(path, headers=ACCEPT)
    assert response.status_code == 200
    assert "Content-Encoding" not in response.headers


async def test_the_length_does_not_tell_what_the_page_holds(app: Quart) -> None:
    client = app.test_client()
    lengths = {(await client.get("/", headers=ACCEPT)).headers["Content-Length"] for _ in range(20)}
    assert len(lengths) > 5


async def test_a_static_file_is_compressed_once_and_not_sent_again(app: Quart) -> None:
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    client = app.test_client()
    plain = await client.get("/static/style.css")
    packed = await client.get("/static/style.css", headers=ACCEPT)
    body = await packed.get_data(as_text=False)
    assert gzip.decompress(body) == await plain.get_data(as_text=False)
    assert packed.headers["ETag"] != plain.headers["ETag"]

    known = {"If-None-Match": packed.headers["ETag"]}
    again = await client.get("/static/style.css", headers=ACCEPT | known)
    assert again.status_code == 304
    assert await again.get_data(as_text=False) == b""
    assert (await client.get("/static/style.css", headers=known)).status_code == 200

    part = await client.get("/static/style.css", headers=ACCEPT | {"Range": "bytes=0-9"})
    assert part.status_code == 206
    assert await part.get_data(as_text=False) == b"body { mar"


async def test_a_file_that_changed_is_read_again(app: Quart, tmp_path: Path) -> None:
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    client = app.test_client()
    await client.get("/static/style.css", headers=ACCEPT)
    (tmp_path / "style.css").write_text("p { color: red }\n" * 100)
    packed = await client.get("/static/style.css", headers=ACCEPT)
    assert gzip.decompress(await packed.get_data(as_text=False)).startswith(b"p { color: red }")


async def test_large_bodies_do_not_block_the_loop(app: Quart) -> None:
    @app.get("/large")
    async def large() -> str:
        return PAGE * 100

    response = await app.test_client().get("/large", headers=ACCEPT)
    assert gzip.decompress(await response.get_data(as_text=False)).decode() == PAGE * 100


async def test_one_view_alone() -> None:
    app = Quart(__name__)
    app.config["COMPRESS_REGISTER"] = False
    compress = Compress(app)

    @app.get("/")
    async def page() -> str:
        return PAGE

    @app.get("/packed")
    @compress.compressed()
    async def packed() -> tuple[str, int]:
        return PAGE, 201

    client = app.test_client()
    assert "Content-Encoding" not in (await client.get("/", headers=ACCEPT)).headers
    response = await client.get("/packed", headers=ACCEPT)
    assert response.status_code == 201
    assert response.headers["Content-Encoding"] == "gzip"


def test_a_wrong_configuration_is_named() -> None:
    app = Quart(__name__)
    app.config["COMPRESS_LEVEL"] = 10
    with pytest.raises(ConfigurationError, match="COMPRESS_LEVEL"):
        Compress(app)


def test_a_second_one_is_refused() -> None:
    app = Quart(__name__)
    Compress(app)
    with pytest.raises(ExtensionAlreadyInitializedError):
        Compress(app)
