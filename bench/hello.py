"""The cost of framework and server: a text, a document, a value from the URL, a page of 50 rows.

Run ``python -m bench.hello``. One process each, without access logs; the page is compiled once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.side_by_side import PYTHON, Peer, Result, compare, gunicorn, hypercorn, uvicorn

DOCUMENT = {"message": "Hello", "numbers": [1, 2, 3], "nested": {"a": 1}}
PATHS = ["/text", "/document", "/item/7", "/page"]
PAGE = """<!doctype html>
<title>{{ title }}</title>
<table>
{% for row in rows %}
<tr><td>{{ loop.index }}</td><td>{{ row.name }}</td><td>{{ row.city }}</td>
<td>{% if row.amount > 500 %}<b>{{ row.amount }}</b>{% else %}{{ row.amount }}{% endif %}</td></tr>
{% endfor %}
</table>"""
TEMPLATES = {"page.html": PAGE}


class Row:
    """What the page shows fifty of."""

    def __init__(self, number: int) -> None:
        self.name = f"Company {number} & Sons"
        self.city = f"City <{number}>"
        self.amount = number * 20


ROWS = [Row(number) for number in range(50)]


def _routes(app: Any) -> Any:
    from jinja2 import DictLoader
    from quart import render_template

    app.jinja_loader = DictLoader(TEMPLATES)

    async def text() -> str:
        return "Hello"

    async def document() -> Any:
        return DOCUMENT

    async def item(number: int) -> str:
        return str(number)

    async def page() -> str:
        return await render_template("page.html", title="Companies", rows=ROWS)

    app.add_url_rule("/text", "text", text)
    app.add_url_rule("/document", "document", document)
    app.add_url_rule("/item/<int:number>", "item", item)
    app.add_url_rule("/page", "page", page)
    app.secret_key = "bench"
    return app


def ours() -> Any:
    from quarterdeck.app import Quart

    return _routes(Quart(__name__))


def stock() -> Any:
    from quart import Quart

    return _routes(Quart(__name__))


def flask() -> Any:
    from flask import Flask, render_template
    from jinja2 import DictLoader

    app = Flask(__name__)
    app.jinja_loader = DictLoader(TEMPLATES)  # type: ignore[assignment]
    app.add_url_rule("/text", "text", lambda: "Hello")
    app.add_url_rule("/document", "document", lambda: DOCUMENT)
    app.add_url_rule("/item/<int:number>", "item", lambda number: str(number))
    app.add_url_rule(
        "/page", "page", lambda: render_template("page.html", title="Companies", rows=ROWS)
    )
    app.secret_key = "bench"
    return app


def fastapi() -> Any:
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse, PlainTextResponse
    from jinja2 import Environment

    app = FastAPI()
    template = Environment(autoescape=True).from_string(PAGE)

    @app.get("/text", response_class=PlainTextResponse)
    async def text() -> str:
        return "Hello"

    @app.get("/document")
    async def document() -> Any:
        return DOCUMENT

    @app.get("/item/{number}", response_class=PlainTextResponse)
    async def item(number: int) -> str:
        return str(number)

    @app.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        return template.render(title="Companies", rows=ROWS)

    return app


def litestar() -> Any:
    from jinja2 import Environment
    from litestar import Litestar, MediaType, get

    template = Environment(autoescape=True).from_string(PAGE)

    @get("/text", media_type=MediaType.TEXT)
    async def text() -> str:
        return "Hello"

    @get("/document")
    async def document() -> dict[str, Any]:
        return DOCUMENT

    @get("/item/{number:int}", media_type=MediaType.TEXT)
    async def item(number: int) -> str:
        return str(number)

    @get("/page", media_type=MediaType.HTML)
    async def page() -> str:
        return template.render(title="Companies", rows=ROWS)

    return Litestar([text, document, item, page])


class DjangoUrls:
    """The pages of Django. Its views are plain functions for gunicorn and async for uvicorn."""

    def __init__(self, *, is_async: bool) -> None:
        from django.http import HttpResponse, JsonResponse
        from django.urls import path
        from jinja2 import Environment

        template = Environment(autoescape=True).from_string(PAGE)

        def text(_request: Any) -> Any:
            return HttpResponse("Hello", content_type="text/plain")

        def document(_request: Any) -> Any:
            return JsonResponse(DOCUMENT)

        def item(_request: Any, number: int) -> Any:
            return HttpResponse(str(number), content_type="text/plain")

        def page(_request: Any) -> Any:
            return HttpResponse(template.render(title="Companies", rows=ROWS))

        views = {"text": text, "document": document, "item/<int:number>": item, "page": page}
        self.urlpatterns = [
            path(rule, _awaitable(view) if is_async else view) for rule, view in views.items()
        ]


def _awaitable(view: Any) -> Any:
    async def call(*args: Any, **values: Any) -> Any:
        return view(*args, **values)

    return call


def django(*, is_async: bool = False) -> Any:
    """Django without middleware, as the others have none."""
    import django as package
    from django.conf import settings
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.wsgi import WSGIHandler

    settings.configure(SECRET_KEY="bench", ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None)
    package.setup()
    settings.ROOT_URLCONF = DjangoUrls(is_async=is_async)
    return ASGIHandler() if is_async else WSGIHandler()


def django_async() -> Any:
    return django(is_async=True)


def main() -> None:
    compare_all(PATHS)


def compare_all(paths: Iterable[str], *, rounds: int = 7, seconds: int = 2) -> list[Result]:
    """Load all peers in turns, and return their figures."""
    with tempfile.TemporaryDirectory() as folder:
        return compare(peers(Path(folder)), list(paths), rounds=rounds, seconds=seconds)


def peers(folder: Path) -> list[Peer]:
    """All ways to serve, ours first."""

    def serve(parser: str) -> list[str]:
        silent = folder / f"{parser}.toml"  # no access log, and none of ours from the folder
        silent.write_text(f"http1 = '{parser}'\n")
        command = [PYTHON, "-m", "quarterdeck", "serve", "bench.hello:ours()"]
        return [*command, "--config", str(silent), "--bind", "127.0.0.1:{port}"]

    return [
        Peer("Quarterdeck, quarterdeck serve", serve("httptools")),
        Peer("Quarterdeck, the same with h11", serve("h11")),
        Peer("Quarterdeck, Hypercorn", hypercorn("bench.hello:ours()")),
        Peer("Quart, Hypercorn", hypercorn("bench.hello:stock()")),
        Peer("Flask, gunicorn 8 threads", gunicorn("bench.hello:flask()")),
        Peer("FastAPI, uvicorn", [*uvicorn("bench.hello:fastapi"), "--factory"]),
        Peer("Litestar, uvicorn", [*uvicorn("bench.hello:litestar"), "--factory"]),
        Peer("Django, gunicorn 8 threads", gunicorn("bench.hello:django()")),
        Peer("Django, uvicorn", [*uvicorn("bench.hello:django_async"), "--factory"]),
    ]


if __name__ == "__main__":
    main()
