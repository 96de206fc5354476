"""Files, ranges, etags, JSON and templates in answers."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import quart
from markupsafe import Markup
from quart import (
    get_template_attribute,
    jsonify,
    render_template,
    render_template_string,
    request,
    send_file,
    stream_template_string,
    url_for,
)

from quarterdeck.app import Blueprint, Quart

STOCK = quart.Quart


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "app.css").write_text("body {}")
    (tmp_path / "templates").mkdir()
    (tmp_path / "ten.bin").write_bytes(b"0123456789")
    return tmp_path


def make_app(folder: Path, kind: type[quart.Quart] = Quart) -> quart.Quart:
    app = kind(__name__, root_path=str(folder))

    @app.get("/ten")
    async def ten() -> Any:
        return await send_file(folder / "ten.bin")

    @app.get("/buffer")
    async def buffer() -> Any:
        return await send_file(BytesIO(b"0123456789"), mimetype="text/plain")

    return app


async def get(app: quart.Quart, path: str, **headers: str) -> tuple[int, bytes, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await app.test_client().get(path, headers=sent)
    return response.status_code, await response.get_data(as_text=False), response.headers


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


# --- JSON -----------------------------------------------------------------------------


@dataclasses.dataclass
class Point:
    x: int


class Color(enum.Enum):
    RED = "red"


class Name(str):
    __slots__ = ()


@pytest.mark.feature("A1", "D8")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.10"), '"1.10"'),
        (datetime(2026, 11, 21, 9, 5, tzinfo=UTC), '"2026-11-21T09:05:00Z"'),
        (date(2026, 11, 21), '"2026-11-21"'),
        (timedelta(hours=1), '"PT3600S"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Color.RED, '"red"'),
        (Point(1), '{"x":1}'),
        ({3}, "[3]"),
        ((1, 2), "[1,2]"),
        (b"ab", '"YWI="'),
        (Markup("<b>"), '"<b>"'),
        (Name("n"), '"n"'),
        ({"b": 1, "a": {"é": None}}, '{"b":1,"a":{"é":null}}'),
        ({1: 2}, '{"1":2}'),
        (10**30, "1" + "0" * 30),
        (float("nan"), "null"),
    ],
)
async def test_values_as_json(value: Any, text: str) -> None:
    assert Quart(__name__).json.dumps(value) == text


def test_what_has_no_json_form_is_named() -> None:
    with pytest.raises(TypeError, match="'object' has no JSON form"):
        Quart(__name__).json.dumps(object())


def test_json_is_sorted_and_indented_when_asked() -> None:
    provider: Any = Quart(__name__).json
    assert provider.dumps({"b": 1, "a": 2}, sort_keys=True) == '{"a":2,"b":1}'
    assert provider.dumps({"a": 1}, indent=2) == '{\n  "a": 1\n}'
    provider.sort_keys = True
    assert provider.dumps({"b": 1, "a": 2}) == '{"a":2,"b":1}'


@pytest.mark.feature("A1")
async def test_json_answers_of_every_form(folder: Path) -> None:
    app = make_app(folder)
    app.add_url_rule("/dict", "dict", lambda: {"a": 1})
    app.add_url_rule("/list", "list", lambda: ["a"])
    app.add_url_rule("/words", "words", lambda: jsonify(a=1))
    app.add_url_rule("/many", "many", lambda: jsonify(1, 2))
    for path, text in (
        ("/dict", b'{"a":1}\n'),
        ("/list", b'["a"]\n'),
        ("/words", b'{"a":1}\n'),
        ("/many", b"[1,2]\n"),
    ):
        status, body, headers = await get(app, path)
        assert (status, body, headers["Content-Type"]) == (200, text, "application/json")


async def test_tojson_is_safe_in_a_script(folder: Path) -> None:
    app = make_app(folder)
    async with app.app_context():
        source = "{{ value|tojson }}"
        text = await render_template_string(source, value={"b": "</script>", "a": "'"})
    assert text == r'{"a":"\u0027","b":"\u003c/script\u003e"}'
    assert json.loads(text) == {"a": "'", "b": "</script>"}


# --- templates ------------------------------------------------------------------------


@pytest.mark.feature("T1", "T2", "T3")
async def test_templates_with_all_that_the_notes_teach(folder: Path) -> None:
    (folder / "templates" / "base.html").write_text(
        "<title>{% block title %}Base{% endblock %}</title>{% block body %}{% endblock %}"
    )
    (folder / "templates" / "_row.html").write_text("[{{ name }}]")
    (folder / "templates" / "macros.html").write_text(
        "{% macro link(text) %}<a href='{{ url_for('ten') }}'>{{ text }}</a>{% endmacro %}"
    )
    (folder / "templates" / "page.html").write_text(
        "{% extends 'base.html' %}{% import 'macros.html' as m %}"
        "{% block title %}Page - {{ super() }}{% endblock %}"
        "{% block body %}"
        "{% for key, value in rows.items() %}{{ key }}={{ value|money }};{% else %}none{% endfor %}"
        "{% if rows.get('a')|is_large %}large{% endif %} {{ point.x }} {{ names[0] }}"
        " {{ double(4) }}"
        "{{ html }} {{ html|safe }} {{ mark }} {{ ' a b '|trim|title|upper|lower|capitalize }}"
        "{{ '<i>x</i>'|striptags }}{% for name in names %}{% include '_row.html' %}{% endfor %}"
        "{{ m.link('ten') }} {{ request.path }} {{ greeting('you') }}"
        "{% endblock %}"
    )
    app = make_app(folder)

    @app.template_filter("money")
    def money(value: int) -> str:
        return f"{value:.2f}"

    @app.template_filter()
    def is_large(value: int) -> bool:
        return value > 1

    @app.template_global()
    def greeting(name: str) -> str:
        return f"Hello {name}"

    @app.context_processor
    async def inject() -> dict[str, Any]:
        return {"point": Point(7)}

    @app.get("/page")
    async def page() -> str:
        return await render_template(
            "page.html",
            rows={"a": 2},
            names=["x", "y"],
            html="<b>",
            mark=Markup("<u>"),
            double=lambda n: n * 2,
        )

    status, body, _ = await get(app, "/page")
    assert status == 200
    assert body.decode() == (
        "<title>Page - Base</title>a=2.00;large 7 x 8&lt;b&gt; <b> <u> A bx[x][y]"
        "<a href='/ten'>ten</a> /page Hello you"
    )


@pytest.mark.feature("T3")
@pytest.mark.hazard("get_template_attribute cannot work with async Jinja")
async def test_a_macro_is_called_from_python(folder: Path) -> None:
    (folder / "templates" / "macros.html").write_text("{% macro hi(n) %}hi {{ n }}{% endmacro %}")
    async with make_app(folder).app_context():
        assert get_template_attribute("macros.html", "hi")("ann") == "hi ann"
    async with make_app(folder, STOCK).app_context():
        with pytest.raises(RuntimeError):
            get_template_attribute("macros.html", "hi")("ann")


async def test_async_jinja_on_request(folder: Path) -> None:
    async def later() -> str:
        return "later"

    app = make_app(folder)
    async with app.app_context():
        assert "coroutine" in await _render(later)
    app = make_app(folder)
    app.config["JINJA_ASYNC"] = True
    async with app.app_context():
        assert await _render(later) == "later"


async def _render(later: Any) -> str:
    made = []

    def call() -> Any:
        made.append(later())
        return made[0]

    text = await render_template_string("{{ call() }}", call=call)
    made[0].close()
    return text


@pytest.mark.parametrize("is_async", [False, True])
async def test_templates_stream_in_the_request_context(folder: Path, is_async: bool) -> None:
    app = make_app(folder)
    app.config["JINJA_ASYNC"] = is_async

    @app.get("/stream")
    async def stream() -> Any:
        return await stream_template_string(
            "{% for i in range(3) %}{{ i }}{{ request.path }} {% endfor %}"
        )

    assert (await get(app, "/stream"))[1] == b"0/stream 1/stream 2/stream "


@pytest.mark.feature("T1")
async def test_escaping_is_on_for_html_only(folder: Path) -> None:
    for name in ("a.html", "a.txt"):
        (folder / "templates" / name).write_text("{{ value }}")
    async with make_app(folder).app_context():
        assert await render_template("a.html", value="<") == "&lt;"
        assert await render_template("a.txt", value="<") == "<"


# --- requests -------------------------------------------------------------------------


@pytest.mark.feature("Q1")
async def test_what_a_request_tells(folder: Path) -> None:
    app = make_app(folder)

    @app.post("/p/<name>")
    async def tell(name: str) -> Any:
        values = await request.values
        return {
            "method": request.method,
            "args": request.args.to_dict(),
            "list": request.args.getlist("a"),
            "form": (await request.form).to_dict(),
            "values": [values["a"], values["f"]],
            "cookie": request.cookies["c"],
            "header": request.headers["X-Test"],
            "path": request.path,
            "full_path": request.full_path,
            "script_root": request.script_root,
            "url": request.url,
            "base_url": request.base_url,
            "url_root": request.url_root,
            "host_url": request.host_url,
            "host": request.host,
            "data": len(await request.data),
            "json": await request.get_json(silent=True),
            "endpoint": request.endpoint,
            "view_args": request.view_args,
        }

    client = app.test_client()
    client.set_cookie("localhost", "c", "cookie")
    response = await client.post("/p/ann?a=1&a=2", form={"f": "x"}, headers={"X-Test": "yes"})
    assert await response.get_json() == {
        "method": "POST",
        "args": {"a": "1"},
        "list": ["1", "2"],
        "form": {"f": "x"},
        "values": ["1", "x"],
        "cookie": "cookie",
        "header": "yes",
        "path": "/p/ann",
        "full_path": "/p/ann?a=1&a=2",
        "script_root": "",
        "url": "http://localhost/p/ann?a=1&a=2",
        "base_url": "http://localhost/p/ann",
        "url_root": "http://localhost/",
        "host_url": "http://localhost/",
        "host": "localhost",
        "data": 0,
        "json": None,
        "endpoint": "tell",
        "view_args": {"name": "ann"},
    }


@pytest.mark.hazard("the test client drops data=dict")
async def test_the_test_client_takes_a_dictionary_for_a_form(folder: Path) -> None:
    app = make_app(folder)

    @app.post("/form")
    async def form() -> Any:
        return (await request.form).to_dict()

    client: Any = app.test_client()
    assert await (await client.post("/form", data={"a": "1"})).get_json() == {"a": "1"}


async def test_a_missing_field_is_400(folder: Path) -> None:
    app = make_app(folder)

    @app.get("/need")
    async def need() -> str:
        return str(request.args["q"])

    assert (await get(app, "/need"))[0] == 400


@pytest.mark.feature("C6")
def test_the_folders_are_named_at_creation(tmp_path: Path) -> None:
    app = Quart(
        __name__,
        root_path=str(tmp_path),
        template_folder="pages",
        static_folder="assets",
        static_url_path="/a",
        instance_path=str(tmp_path / "inst"),
        instance_relative_config=True,
    )
    assert app.template_folder == "pages"
    assert app.static_folder == os.path.join(tmp_path, "assets")
    assert app.static_url_path == "/a"
    assert str(app.instance_path) == str(tmp_path / "inst")
