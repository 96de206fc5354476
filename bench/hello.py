"""The cost of the framework alone: a text, a document, a value from the URL.

Run ``python -m bench.hello``. One process each, on one core if it is pinned:
``taskset -c 0 python -m bench.hello``.
"""

from __future__ import annotations

from typing import Any

from bench.side_by_side import Peer, compare, gunicorn, hypercorn, uvicorn

DOCUMENT = {"message": "Hello", "numbers": [1, 2, 3], "nested": {"a": 1}}


def _routes(app: Any) -> Any:
    async def text() -> str:
        return "Hello"

    async def document() -> Any:
        return DOCUMENT

    async def item(number: int) -> str:
        return str(number)

    app.add_url_rule("/text", "text", text)
    app.add_url_rule("/document", "document", document)
    app.add_url_rule("/item/<int:number>", "item", item)
    app.secret_key = "bench"
    return app


def ours() -> Any:
    from quarterdeck.app import Quart

    return _routes(Quart(__name__))


def stock() -> Any:
    from quart import Quart

    return _routes(Quart(__name__))


def flask() -> Any:
    from flask import Flask

    app = Flask(__name__)
    app.add_url_rule("/text", "text", lambda: "Hello")
    app.add_url_rule("/document", "document", lambda: DOCUMENT)
    app.add_url_rule("/item/<int:number>", "item", lambda number: str(number))
    return app


def fastapi() -> Any:
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse

    app = FastAPI()

    @app.get("/text", response_class=PlainTextResponse)
    async def text() -> str:
        return "Hello"

    @app.get("/document")
    async def document() -> Any:
        return DOCUMENT

    @app.get("/item/{number}", response_class=PlainTextResponse)
    async def item(number: int) -> str:
        return str(number)

    return app


def main() -> None:
    compare(
        [
            Peer("Quart, Hypercorn", hypercorn("bench.hello:stock()")),
            Peer("Quarterdeck, Hypercorn", hypercorn("bench.hello:ours()")),
            Peer("Flask, gunicorn 8 threads", gunicorn("bench.hello:flask()")),
            Peer("FastAPI, uvicorn", [*uvicorn("bench.hello:fastapi"), "--factory"]),
        ],
        ["/text", "/document", "/item/7"],
    )


if __name__ == "__main__":
    main()
