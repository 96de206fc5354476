"""Behaviour of Flask that views rely on without a thought."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import quart
from quart import jsonify, make_response, redirect, request, session, url_for
from quart.sessions import SecureCookieSessionInterface
from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound

from quarterdeck.app import Blueprint, Quart, send_file, send_from_directory, stream_with_context


async def ask(app: quart.Quart, path: str = "/", **options: Any) -> Any:
    return await app.test_client().open(path, **options)


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    """An app whose root folder has a file; the current folder is another one."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("hello")
    (tmp_path / "secret.txt").write_text("secret")
    app = Quart(__name__, root_path=str(tmp_path))
    app.secret_key = "x"
    return app


# --- files ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["app", "blueprint"])
async def test_a_resource_is_read_in_its_encoding(app: Quart, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "größe.txt"
    await asyncio.to_thread(path.write_text, "größe", "latin-1")
    owner: Any = app if kind == "app" else Blueprint("bp", __name__, root_path=app.root_path)
    async with await owner.open_resource("größe.txt", "r", encoding="latin-1") as file:
        assert await file.read() == "größe"
    async with await owner.open_resource("größe.txt") as file:
        assert await file.read() == "größe".encode("latin-1")
    with pytest.raises(UnicodeDecodeError):  # UTF-8, whatever the machine prefers
        async with await owner.open_resource("größe.txt", "rt") as file:
            await file.read()
    for mode in ("w", "a", "r+"):
        with pytest.raises(ValueError, match="not a mode for reading"):
            await owner.open_resource("größe.txt", mode)


async def test_a_file_of_the_instance_may_be_written(tmp_path: Path) -> None:
    app = Quart(__name__, root_path=str(tmp_path), instance_path=str(tmp_path))
    async with await app.open_instance_resource("note.txt", "w", encoding="utf-16") as file:
        await file.write("é")
    assert await asyncio.to_thread((tmp_path / "note.txt").read_text, "utf-16") == "é"


async def test_a_blueprint_decides_how_long_its_files_are_kept(tmp_path: Path) -> None:
    class Own(Blueprint):
        def get_send_file_max_age(self, filename: str | None) -> int | None:
            return 100

    (tmp_path / "a.css").write_text("a")
    app = Quart(__name__, root_path=str(tmp_path), static_folder=None)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    for cls, name in ((Own, "own"), (Blueprint, "plain")):
        folder = {"static_folder": str(tmp_path), "url_prefix": f"/{name}"}
        app.register_blueprint(cls(name, __name__, static_url_path="/s", **folder))
    for name, age in (("own", 100), ("plain", 3600)):
        response = await ask(app, f"/{name}/s/a.css")
        assert response.cache_control.max_age == age
    assert (await ask(app, "/own/s/missing.css")).status_code == 404


async def test_a_stream_closes_what_it_was_made_from(app: Quart) -> None:
    closed: list[str] = []

    class Pieces:
        """Not a generator: an iterator that holds something."""

        def __init__(self) -> None:
            self.left = iter(["Hello ", request.args["name"]])

        def __iter__(self) -> Any:
            return self

        def __next__(self) -> str:
            return next(self.left)

        def close(self) -> None:
            closed.append("closed")

    app.add_url_rule("/", "index", lambda: stream_with_context(Pieces()))
    assert (await ask(app, "/?name=Ada")).text == "Hello Ada"
    assert closed == ["closed"]


# --- addresses ------------------------------------------------------------------------


async def test_a_handler_of_missing_endpoints_knows_the_options(app: Quart) -> None:
    seen: list[Any] = []

    @app.url_build_error_handlers.append
    def handle(_error: Exception, _endpoint: str, values: dict[str, Any]) -> str:
        seen.append(values)
        return "/handled"

    async with app.test_request_context("/"):
        assert url_for("missing", id=1) == "/handled"
    special = {"_anchor": None, "_method": None, "_scheme": None, "_external": False}
    assert seen == [{"id": 1} | special]


async def test_tests_ask_below_the_root_of_the_app(app: Quart) -> None:
    app.config.update(SERVER_NAME="example.com:1234", APPLICATION_ROOT="/foo")
    app.add_url_rule("/", "index", lambda: request.url)
    app.add_url_rule("/jump", "jump", lambda: redirect(url_for("index")))
    assert (await ask(app)).text == "http://example.com:1234/foo/"
    assert (await ask(app, "/jump", follow_redirects=True)).request.path == "/"
    assert (await ask(app, base_url="http://example.com:1234/")).status_code == 200
    async with app.test_request_context("/"):
        assert request.url == "http://example.com:1234/foo/"


# --- sessions -------------------------------------------------------------------------


async def test_a_session_interface_of_the_class_is_honoured() -> None:
    class Own(SecureCookieSessionInterface):
        pass

    class App(Quart):
        session_interface = Own()

    assert App(__name__).session_interface is App.session_interface
    assert type(Quart(__name__).session_interface) is not type(App.session_interface)
    assert Quart(__name__).session_interface is not Quart(__name__).session_interface


async def test_a_cookie_that_is_sent_again_varies_by_cookie(app: Quart) -> None:
    @app.get("/in")
    async def sign_in() -> str:
        session.permanent = True
        session["name"] = "Ada"
        return ""

    app.add_url_rule("/", "index", lambda: "page")
    client: Any = app.test_client()
    await client.get("/in")
    response = await client.get("/")
    assert "Set-Cookie" in response.headers
    assert response.headers["Vary"] == "Cookie"


# --- answers --------------------------------------------------------------------------

TWO = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


@pytest.mark.parametrize(
    "headers",
    [TWO, tuple(TWO), Headers(TWO), {"Set-Cookie": ["a=1", "b=2"]}],
    ids=["list", "tuple", "Headers", "dict"],
)
@pytest.mark.parametrize("through", ["view", "make_response"])
async def test_two_headers_of_one_name(app: Quart, headers: Any, through: str) -> None:
    @app.get("/")
    async def index() -> Any:
        answer = ("x", 201, headers)
        return answer if through == "view" else await make_response(*answer)

    response = await ask(app)
    assert response.status_code == 201
    assert response.headers.getlist("Set-Cookie") == ["a=1", "b=2"]


async def test_headers_of_a_view_replace_those_of_its_response(app: Quart) -> None:
    app.add_url_rule(
        "/", "index", lambda: (quart.Response("x", headers={"X-A": "1"}), [("X-A", "2")])
    )
    assert (await ask(app)).headers.getlist("X-A") == ["2"]


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("/пр?x=a b", "/%D0%BF%D1%80?x=a%20b"),
        ("/a%20b?x=%C3%BC#c", "/a%20b?x=%C3%BC#c"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
    ],
)
async def test_a_location_is_percent_encoded(app: Quart, location: str, sent: str) -> None:
    app.add_url_rule("/", "index", lambda: redirect(location))
    app.add_url_rule("/made", "made", lambda: ("", 201, {"Location": location}))
    assert (await ask(app)).headers["Location"] == sent
    assert (await ask(app, "/made")).headers["Location"] == sent


async def test_json_ends_with_a_line_break(app: Quart) -> None:
    app.add_url_rule("/", "index", lambda: {"a": 1})
    app.add_url_rule("/made", "made", lambda: jsonify([1]))
    assert (await ask(app)).data == b'{"a":1}\n'
    assert (await ask(app, "/made")).data == b"[1]\n"


async def test_fields_as_json_have_their_first_values(app: Quart) -> None:
    @app.route("/", methods=["POST"])
    async def index() -> Any:
        form = await request.form
        return jsonify(args=request.args, deep={"form": form}, values=await request.values)

    response = await ask(app, "/?x=1&x=2&y=3", method="POST", form={"a": ["4", "5"]})
    assert response.json == {
        "args": {"x": "1", "y": "3"},
        "deep": {"form": {"a": "4"}},
        "values": {"x": "1", "y": "3", "a": "4"},
    }
    app.add_url_rule("/args", "args", lambda: jsonify(request.args))
    assert (await ask(app, "/args?x=1&x=2")).json == {"x": "1"}
    async with app.test_request_context("/?x=1"):
        assert app.json.dumps({"a": [1], "q": request.args}) == '{"a":[1],"q":{"x":"1"}}'


async def test_json_of_another_type_is_415(app: Quart) -> None:
    @app.post("/")
    async def index() -> Any:
        return jsonify(await request.get_json(silent="silent" in request.args))

    response = await ask(app, method="POST", data="{}", content_type="text/plain")
    assert response.status_code == 415
    assert "Content-Type" in response.text
    assert (await ask(app, method="POST")).status_code == 415
    silent = await ask(app, "/?silent", method="POST", data="{}", content_type="text/plain")
    assert silent.text == "null\n"


async def test_a_range_without_accept_ranges(app: Quart) -> None:
    @app.get("/")
    async def index() -> Any:
        response: Any = await make_response("abcdef")
        return await response.make_conditional(request, complete_length=6)

    response = await ask(app, headers={"Range": "bytes=0-2"})
    assert (response.status_code, response.text) == (206, "abc")


# --- files ----------------------------------------------------------------------------


async def test_a_path_is_relative_to_the_root_folder(app: Quart) -> None:
    app.add_url_rule("/", "index", lambda: send_file("files/a.txt"))
    app.add_url_rule("/<path:name>", "below", lambda name: send_from_directory("files", name))
    assert (await ask(app)).text == "hello"
    assert (await ask(app, "/a.txt")).text == "hello"
    assert (await ask(app, "/b.txt")).status_code == 404
    assert (await ask(app, "/..%5Csecret.txt")).status_code in {400, 404}


async def test_a_path_that_leads_out_of_the_folder(app: Quart) -> None:
    async with app.test_request_context("/"):
        with pytest.raises(NotFound):
            await send_from_directory("files", "../secret.txt")


FLASK = {"download_name": "b.txt", "etag": "own", "max_age": 60}
QUART = {"attachment_filename": "b.txt", "add_etags": False, "cache_timeout": 60}


@pytest.mark.parametrize(("options", "etag"), [(FLASK, '"own"'), (QUART, None)])
@pytest.mark.parametrize("kind", [Quart, quart.Quart])
async def test_arguments_of_both(
    tmp_path: Path, options: Any, etag: str | None, kind: type[quart.Quart]
) -> None:
    (tmp_path / "a.txt").write_text("hello")
    app = kind(__name__, root_path=str(tmp_path))
    options = {("path_or_file" if options is FLASK else "filename_or_io"): "a.txt", **options}

    @app.get("/")
    async def index() -> Any:
        return await send_file(as_attachment=True, **options)

    response = await ask(app)
    assert response.headers["Content-Disposition"] == "attachment; filename=b.txt"
    assert response.headers.get("ETag") == etag
    assert response.headers["Cache-Control"] == "public, max-age=60"
    partial = await ask(app, headers={"Range": "bytes=1-2"})
    assert (partial.status_code, await partial.get_data(as_text=True)) == (206, "el")


async def test_a_file_that_is_not_conditional(app: Quart) -> None:
    app.add_url_rule("/", "index", lambda: send_file("files/a.txt", conditional=False))
    assert (await ask(app, headers={"Range": "bytes=1-2"})).text == "hello"


@pytest.mark.parametrize("open_file", [lambda _: BytesIO(b"hello"), lambda path: path.open("rb")])
async def test_an_open_file(app: Quart, open_file: Callable[[Path], Any], tmp_path: Path) -> None:
    file = open_file(tmp_path / "files/a.txt")
    app.add_url_rule("/", "index", lambda: send_file(file, download_name="x.txt", last_modified=0))
    response = await ask(app)
    assert response.text == "hello"
    assert response.headers["Content-Disposition"] == "inline; filename=x.txt"
    assert response.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    file.close()


async def test_what_cannot_be_sent(app: Quart, tmp_path: Path) -> None:
    async with app.test_request_context("/"):
        with pytest.raises(TypeError, match="needs a path"):
            await send_file()
        with pytest.raises(TypeError, match="download_name"):
            await send_file(BytesIO(), "text/plain", as_attachment=True)
        with (tmp_path / "secret.txt").open() as file, pytest.raises(ValueError, match="'rb'"):
            await send_file(file)


@pytest.mark.parametrize("function", [send_file, quart.send_file])
async def test_a_name_with_other_letters(app: Quart, function: Any, tmp_path: Path) -> None:
    path = tmp_path / "files" / "a.txt"
    app.add_url_rule(
        "/",
        "index",
        lambda: function(path, as_attachment=True, attachment_filename="Grüße 1.txt"),
    )
    header = (await ask(app)).headers["Content-Disposition"]
    assert header == "attachment; filename=\"Grue 1.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%201.txt"


# --- streams --------------------------------------------------------------------------


def plain() -> Iterator[str]:
    yield request.path
    yield "!"


async def asynchronous() -> AsyncIterator[str]:
    yield request.path
    yield "!"


@pytest.mark.parametrize("function", [plain, asynchronous])
@pytest.mark.parametrize("called", [True, False], ids=["generator", "function"])
async def test_a_stream_keeps_the_request(app: Quart, function: Any, called: bool) -> None:
    decorated = stream_with_context(function)  # outside a request, too
    assert not inspect.isasyncgen(decorated)

    @app.get("/stream")
    async def stream() -> Any:
        return stream_with_context(function()) if called else decorated()

    assert (await ask(app, "/stream")).text == "/stream!"


# --- URLs -----------------------------------------------------------------------------


async def test_the_root_of_the_application_outside_a_request(app: Quart) -> None:
    app.add_url_rule("/page", "page", lambda: "")
    app.config.update(SERVER_NAME="shop.example", APPLICATION_ROOT="/app")
    async with app.app_context():
        assert url_for("page") == "http://shop.example/app/page"
        app.config["PREFERRED_URL_SCHEME"] = "https"
    async with app.app_context():
        assert url_for("page") == "https://shop.example/app/page"
        assert url_for("page", _external=False) == "/app/page"


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost", "localhost:5000"])
async def test_a_server_name_does_not_choose_the_host(app: Quart, host: str) -> None:
    app.config["SERVER_NAME"] = "localhost:5000"
    app.add_url_rule("/", "index", lambda: "ok")
    assert (await ask(app, headers={"Host": host})).text == "ok"


@pytest.mark.parametrize("strict", [True, False])
async def test_subdomains_are_still_matched(strict: bool) -> None:
    app = Quart(__name__, subdomain_matching=strict)
    app.config["SERVER_NAME"] = "shop.example"
    app.add_url_rule("/", "index", lambda: "shop")
    app.add_url_rule("/", "admin", lambda: "admin", subdomain="admin")
    assert (await ask(app, headers={"Host": "shop.example"})).text == "shop"
    assert (await ask(app, headers={"Host": "admin.shop.example"})).text == "admin"
    if not strict:
        assert (await ask(app, headers={"Host": "127.0.0.1"})).text == "shop"


async def test_hosts_are_matched_whatever_the_server_name() -> None:
    app = Quart(__name__, host_matching=True, static_host="a.example")
    app.config["SERVER_NAME"] = "a.example"
    app.add_url_rule("/", "a", lambda: "a", host="a.example")
    app.add_url_rule("/", "b", lambda: "b", host="b.example")
    assert (await ask(app, headers={"Host": "b.example"})).text == "b"


async def test_an_argument_of_a_url_may_be_named_self(app: Quart) -> None:
    app.add_url_rule("/<self>", "page", lambda self: str(self))
    async with app.test_request_context("/"):
        assert app.url_for("page", self="2") == "/2"


@pytest.mark.parametrize(
    ("debug", "key", "reloads"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
def test_templates_reload_with_debug(debug: bool, key: bool | None, reloads: bool) -> None:
    app = Quart(__name__)
    app.config.update(DEBUG=debug, TEMPLATES_AUTO_RELOAD=key)
    assert app.jinja_env.auto_reload is reloads
