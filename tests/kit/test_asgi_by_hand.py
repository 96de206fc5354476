"""The example of an application without a framework, on its own server and on Hypercorn."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "by_hand" / "asgi_by_hand.py"
SERVERS = {
    "its own": [EXAMPLE.name, "0"],
    "Hypercorn": ["-m", "hypercorn", "asgi_by_hand:app", "--bind", "127.0.0.1:0"],
}

pytestmark = pytest.mark.feature("M2")


@pytest.fixture(scope="module", params=SERVERS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, *SERVERS[request.param]],
        cwd=EXAMPLE.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", said)):
        line = process.stdout.readline()
        assert line, f"the server stopped: {said}"
        said += line
    yield int(found[1])
    process.terminate()
    process.communicate(timeout=20)


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_it_answers(port: int) -> None:
    assert ask(port, "GET", "/?name=%3CAda%3E") == (200, "<h1>Hello, &lt;Ada&gt;.</h1>")
    assert ask(port, "GET", "/elsewhere") == (404, "Not found")


def test_it_reads_a_body(port: int) -> None:
    assert ask(port, "POST", "/count", bytes(200_000)) == (200, "200000 bytes")
