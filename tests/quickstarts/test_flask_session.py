"""Flask-Session: two views, and a store that the configuration names."""

from __future__ import annotations

from pathlib import Path

import pytest
from quart import session

from quarterdeck.app import Quart
from quarterdeck.session import Session

pytestmark = pytest.mark.feature("S1", "S2")


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    app = Quart(__name__)
    app.config.update(
        SECRET_KEY="only for this test",
        SESSION_TYPE="filesystem",
        SESSION_FILE_DIR=str(tmp_path),
        SESSION_PERMANENT=False,
    )
    Session(app)

    @app.route("/set/")
    async def set() -> str:
        session["key"] = "value"
        return "ok"

    @app.route("/get/")
    async def get() -> str:
        return str(session.get("key", "not set"))

    @app.route("/login/")
    async def login() -> str:
        before = session.sid  # type: ignore[attr-defined]
        session.regenerate()  # type: ignore[attr-defined]
        return str(before != session.sid)  # type: ignore[attr-defined]

    return app


async def test_a_value_is_kept_on_the_server(app: Quart, tmp_path: Path) -> None:
    async with app.test_app():
        client = app.test_client()
        assert await (await client.get("/get/")).get_data() == b"not set"
        response = await client.get("/set/")
        assert "value" not in response.headers["Set-Cookie"]
        assert await (await client.get("/get/")).get_data() == b"value"
        assert await (await app.test_client().get("/get/")).get_data() == b"not set"


async def test_the_id_changes_at_sign_in(app: Quart) -> None:
    async with app.test_app():
        client = app.test_client()
        await client.get("/set/")
        assert await (await client.get("/login/")).get_data() == b"True"
        assert await (await client.get("/get/")).get_data() == b"value"
