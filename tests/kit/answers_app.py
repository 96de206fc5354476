"""An app with files to send, and its answers."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import quart
from quart import send_file

from quarterdeck.app import Quart


def make_folder(path: Path) -> Path:
    """Fill a folder that an app may have as its root."""
    (path / "static").mkdir()
    (path / "static" / "app.css").write_text("body {}")
    (path / "templates").mkdir()
    (path / "ten.bin").write_bytes(b"0123456789")
    return path


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
