"""The cost of framework and server: a text, a document, a value from the URL, a page of 50 rows.

Run ``python -m bench.hello``. One process each, without access logs; the page is compiled once.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bench.side_by_side import PYTHON, Peer, compare, gunicorn, hypercorn, uvicorn

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


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(folder: Path) -> None:
    def serve(parser: str) -> list[str]:
        silent = folder / f"{parser}.toml"  # no access log, and none of ours from the folder
        silent.write_text(f"http1 = '{parser}'\n")
        command = [PYTHON, "-m", "quarterdeck", "serve", "bench.hello:ours()"]
        return [*command, "--config", str(silent), "--bind", "127.0.0.1:{port}"]

    compare(
        [
            Peer("Quarterdeck, quarterdeck serve", serve("httptools")),
            Peer("Quarterdeck, the same with h11", serve("h11")),
            Peer("Quarterdeck, Hypercorn", hypercorn("bench.hello:ours()")),
            Peer("Quart, Hypercorn", hypercorn("bench.hello:stock()")),
            Peer("Flask, gunicorn 8 threads", gunicorn("bench.hello:flask()")),
            Peer("FastAPI, uvicorn", [*uvicorn("bench.hello:fastapi"), "--factory"]),
        ],
        PATHS,
    )


if __name__ == "__main__":
    main()
