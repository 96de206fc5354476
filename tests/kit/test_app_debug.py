"""``quart --debug run``: tracebacks for programs on this machine, and a reload of changed code."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.app import Quart
from quarterdeck.app.traceback_page import error_response
from tests.servers import free_port

pytestmark = pytest.mark.feature("L3")

APP = """
from quart import request
from quarterdeck.app import Quart

app = Quart(__name__)
app.secret_key = "a key that no page may show"

@app.get("/")
async def index():
    password = "hunter" + "2"
    raise ValueError(request.args["q"])

@app.get("/version")
async def version():
    return "first"
"""
SECONDS = 30


class DevelopmentServer:
    def __init__(self, folder: Path) -> None:
        self.module = folder / "app.py"
        self.module.write_text(APP)
        self.log = folder / "log"
        self.port = free_port()
        command = [sys.executable, "-m", "quart", "--debug", "run", "--port", str(self.port)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | {"QUART_APP": "app:app"},
                stdout=log,
                stderr=log,
            )

    def get(self, path: str) -> tuple[http.client.HTTPResponse, str]:
        """Send a request, again as long as no server is listening."""
        deadline = time.monotonic() + SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                return response, response.read().decode()
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)
            finally:
                connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentServer]:
    server = DevelopmentServer(tmp_path_factory.mktemp("debug"))
    yield server
    server.process.terminate()
    server.process.wait(SECONDS)


@pytest.mark.hazard("Quart's page of an error runs scripts of the visitor and shows all variables")
def test_a_traceback_shows_code_and_no_values(server: DevelopmentServer) -> None:
    response, page = server.get("/?q=%3Cscript%3Ealert(1)%3C/script%3E")

    assert response.status == 500
    assert response.headers["Cache-Control"] == "no-store"
    assert "<h1>ValueError: &lt;script&gt;alert(1)&lt;/script&gt;</h1>" in page
    assert re.search(r"File &#34;.*app\.py&#34;, line \d+, in index", page)
    assert "raise ValueError(request.args[&#34;q&#34;])" in page
    assert "<script>" not in page
    assert "hunter2" not in page
    assert "a key that no page may show" not in page


def test_the_error_is_in_the_log_too(server: DevelopmentServer) -> None:
    server.get("/?q=for-the-log")

    assert "Exception on GET /" in server.log.read_text()
    assert "ValueError: for-the-log" in server.log.read_text()


def test_changed_code_is_served_without_a_restart_by_hand(server: DevelopmentServer) -> None:
    assert server.get("/version")[1] == "first"

    server.module.write_text(APP.replace("first", "second"))

    deadline = time.monotonic() + SECONDS
    while server.get("/version")[1] != "second":
        assert time.monotonic() < deadline, server.log.read_text()
        time.sleep(0.05)


def error() -> ValueError:
    try:
        raise ValueError("lost <at> sea")
    except ValueError as error:
        return error


def make_app(**config: Any) -> Quart:
    app = Quart(__name__)
    app.config.update(config)
    return app


@pytest.mark.parametrize("client", [("192.0.2.7", 1), ("2001:db8::7", 1), ("::ffff:192.0.2.7", 1)])
async def test_another_machine_gets_no_traceback(client: tuple[str, int]) -> None:
    response = error_response(make_app(DEBUG=True), {"client": client}, error())

    assert response.status_code == 500
    assert "lost" not in await response.get_data(as_text=True)


@pytest.mark.parametrize("key", ["DEBUG", "TESTING"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_this_machine_gets_one(host: str, key: str) -> None:
    response = error_response(make_app(**{key: True}), {"client": (host, 1)}, error())

    assert "lost &lt;at&gt; sea" in await response.get_data(as_text=True)


@pytest.mark.parametrize("scope", [{}, {"client": None}, {"client": ("unix", 0)}])
def test_a_client_without_an_address_gets_none(scope: dict[str, Any]) -> None:
    response = error_response(make_app(DEBUG=True), scope, error())

    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Content-Security-Policy" not in response.headers


def test_without_debug_the_server_gets_the_error() -> None:
    with pytest.raises(ValueError, match="lost"):
        error_response(make_app(), {"client": ("127.0.0.1", 1)}, error())
