"""The note "Learning Flask": environment files, the first program, status codes and cookies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from quart import abort, jsonify, make_response, request

from quarterdeck.app import Quart


@pytest.fixture
def app() -> Quart:
    return Quart(__name__)


def test_chapter_2_environment_files(tmp_path: Path) -> None:
    """The real environment wins over ``.env``, which wins over ``.flaskenv``."""
    (tmp_path / "run_app.py").write_text(
        "from quarterdeck.app import Quart\n"
        "app = Quart(__name__)\n"
        "@app.cli.command('names')\n"
        "def names():\n"
        "    import os\n"
        "    print(os.environ['ONE'], os.environ['TWO'], os.environ['THREE'])\n"
    )
    (tmp_path / ".env").write_text("ONE=env\nTWO=env\n")
    (tmp_path / ".flaskenv").write_text("QUART_APP=run_app\nONE=flaskenv\nTWO=f\nTHREE=flaskenv\n")
    program = (
        "from quarterdeck.commands import load_environment; load_environment();"
        "from quart.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "names"],
        cwd=tmp_path,
        env={"ONE": "real", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "real env flaskenv\n", done.stderr


def test_chapter_2_keys_are_upper_case(app: Quart) -> None:
    app.config.from_mapping(GREETING="hello", greeting="no")
    assert app.config["GREETING"] == "hello"
    assert "greeting" not in app.config


class TestChapter3:
    @pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 408, 409, 415, 502, 505])
    async def test_abort(self, app: Quart, code: int) -> None:
        @app.route("/")
        async def view() -> str:
            abort(code)

        assert (await app.test_client().get("/")).status_code == code

    async def test_json(self, app: Quart) -> None:
        @app.route("/error")
        async def error() -> Any:
            return jsonify(message="Error!"), 500

        @app.route("/object")
        async def one() -> Any:
            return jsonify({"name": "Ada", "gender": "female"})

        @app.route("/arguments")
        async def other() -> Any:
            return jsonify(name="Ada", gender="female")

        client = app.test_client()
        failed = await client.get("/error")
        assert (failed.status_code, await failed.get_json()) == (500, {"message": "Error!"})
        assert failed.mimetype == "application/json"
        expected = {"name": "Ada", "gender": "female"}
        for path in ("/object", "/arguments"):
            assert await (await client.get(path)).get_json() == expected

    async def test_methods(self, app: Quart) -> None:
        @app.route("/", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
        async def view() -> str:
            return request.method

        client = app.test_client()
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            response = await getattr(client, method.lower())("/")
            assert await response.get_data(as_text=True) == method
        head = await client.head("/")
        assert (head.status_code, await head.get_data()) == (200, b"")
        allowed = (await client.options("/")).headers["Allow"]
        assert {"GET", "HEAD", "OPTIONS", "PATCH"} <= set(allowed.split(", "))

    async def test_cookies(self, app: Quart) -> None:
        @app.route("/")
        async def view() -> Any:
            response: Any = await make_response("x")
            response.set_cookie("name", "ada", httponly=True)
            response.status_code = 201
            response.mimetype = "text/plain"
            return response

        response = await app.test_client().get("/")
        assert (response.status_code, response.status) == (201, "201 CREATED")
        assert response.mimetype == "text/plain"
        assert response.headers["Set-Cookie"] == "name=ada; HttpOnly; Path=/"
