"""``session.sid``: known in the request that begins the session, and after each new id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from quart import session

from .apps import make_app

pytestmark = pytest.mark.feature("S2")


async def test_the_id_is_that_of_the_cookie_from_the_first_request_on(tmp_path: Path) -> None:
    app = make_app({"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": str(tmp_path)})

    def sid() -> Any:
        return session.sid  # type: ignore[attr-defined]

    @app.post("/begin")
    async def begin() -> Any:
        before = sid()
        session["name"] = "ada"
        return [before, sid()]

    @app.post("/renew")
    async def renew() -> Any:
        before = sid()
        session.regenerate()  # type: ignore[attr-defined]
        return [before, sid()]

    @app.get("/sid")
    async def show() -> Any:
        return sid()

    def cookie(client: Any) -> str:
        (value,) = (each.value for each in client.cookie_jar if each.name == "session")
        return str(value)

    async with app.test_app():
        client = app.test_client()
        first = await (await client.post("/begin")).get_json()
        assert first == [cookie(client)] * 2
        assert await (await client.get("/sid")).get_data(as_text=True) == first[0]
        old, new = await (await client.post("/renew")).get_json()
        assert old == first[0] != new
        assert new == cookie(client)
        assert await (await client.get("/sid")).get_data(as_text=True) == new


async def test_a_foreign_id_is_not_taken_over(tmp_path: Path) -> None:
    app = make_app({"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": str(tmp_path)})

    @app.get("/sid")
    async def show() -> Any:
        session["name"] = "ada"
        return session.sid  # type: ignore[attr-defined]

    async with app.test_app():
        client = app.test_client()
        client.set_cookie("localhost", "session", "made-by-a-stranger" * 3)
        shown = await (await client.get("/sid")).get_data(as_text=True)
        assert "stranger" not in str(shown)
