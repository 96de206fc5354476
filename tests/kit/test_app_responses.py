"""Templates in answers, and all that a request tells."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
import quart
from markupsafe import Markup
from quart import (
    get_template_attribute,
    render_template,
    render_template_string,
    request,
    stream_template_string,
)

from quarterdeck.app import Quart
from quarterdeck.exceptions import NotAwaitedError

from .answers_app import get, make_app, make_folder

STOCK = quart.Quart


@dataclasses.dataclass
class Point:
    x: int


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


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
        with pytest.raises(NotAwaitedError, match="later"):
            await _render(later)
    app = make_app(folder)
    app.config["JINJA_ASYNC"] = True
    async with app.app_context():
        assert await _render(later) == "later"


async def _render(later: Any) -> str:
    made = []

    def call() -> Any:
        made.append(later())
        return made[0]

    try:
        return await render_template_string("{{ call() }}", call=call)
    finally:
        made[0].close()


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
