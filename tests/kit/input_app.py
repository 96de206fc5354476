"""An app that reads its body in every way there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

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
