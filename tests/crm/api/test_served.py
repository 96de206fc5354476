"""The API of a server as users run it: a client that knows only the document, and curl."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener, urlopen

import pytest

from tests.demonstration import Demonstrations
from tests.services import require_program
from tests.serving import environment, serving

ADMIN = "admin@quarterdeck.example"
ROOT = Path(__file__).parents[3]
# What a document can promise; that names are free and accounts exist is for the services.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
    "use_after_free",
)


class Served(NamedTuple):
    """A server with demonstration data, and a token of its administrator."""

    folder: Path
    address: str
    token: str


@contextmanager
def serve(demonstrations: Demonstrations, folder: Path) -> Iterator[Served]:
    """Serve a CRM of its own until the block ends."""
    tokens = demonstrations.copy(folder)
    # The limits have tests of their own; what answers 429 here is not tried.
    most = "99999/minute"
    with serving(folder, CRM_LIMIT_API=most, CRM_LIMIT_INVALID_TOKENS=most) as address:
        yield Served(folder, address, tokens["admin"])


@pytest.fixture(scope="module", name="served")
def _served(
    demonstrations: Demonstrations, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    with serve(demonstrations, tmp_path_factory.mktemp("api")) as served:
        yield served


@pytest.fixture
def spoiled(demonstrations: Demonstrations, tmp_path: Path) -> Iterator[Served]:
    """One more server, for requests that archive and change whatever they find."""
    with serve(demonstrations, tmp_path) as served:
        yield served


@pytest.mark.feature("AP4")
@pytest.mark.timeout(300)
def test_no_server_error_and_no_status_that_is_not_described(spoiled: Served) -> None:
    """Some hundred requests made up from the document, good and bad, with checks of the answers."""
    command = [
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"{spoiled.address}/api/v1/openapi.json",
        ),
        *("--header", f"Authorization: Bearer {spoiled.token}"),
        *("--checks", ",".join(CHECKS)),
        *("--phases", "examples,fuzzing,stateful", "--max-examples", "3", "--seed", "1"),
        "--no-color",
    ]

    done = subprocess.run(
        command,
        cwd=spoiled.folder,
        env=environment(spoiled.folder) | {"PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-16000:] + done.stderr[-2000:]
    with urlopen(f"{spoiled.address}/api/v1/openapi.json") as answer:  # noqa: S310 - it is ours
        paths = json.load(answer)["paths"]
    assert f"Tested: {sum(len(path) for path in paths.values())}" in done.stdout


def script_of(page: Path, heading: str = "") -> str:
    """Return the commands of a page, or of one section: the lines after a ``$``."""
    text = page.read_text("utf-8")
    if heading:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S)
    commands = re.findall(r"^\$ ((?:.*\\\n)*.*)$", "".join(blocks), re.M)
    return "\n".join(["set -eu", *commands])


def run(served: Served, script: str) -> str:
    """Run commands of a page in a shell, against the served app."""
    require_program("curl", "curl")
    here = environment(served.folder)
    here["PATH"] = f"{Path(sys.executable).parent}:{here['PATH']}"
    script = script.replace("http://127.0.0.1:8000", served.address)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=served.folder,
        env=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def signed_in(served: Served) -> Callable[..., str]:
    """Sign in as a browser does, and return how it opens pages."""
    opener = build_opener(HTTPCookieProcessor())

    def visit(path: str, **form: str) -> str:
        data = urlencode(form).encode() if form else None
        with opener.open(served.address + path, data) as response:
            return str(response.read().decode())

    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', visit("/auth/login"))
    assert token
    visit("/auth/login", email=ADMIN, password="quarterdeck-demo", csrf_token=token[1])
    return visit


@pytest.mark.feature("AP4")
def test_the_order_of_the_readme_is_on_the_pages(served: Served) -> None:
    script, watch, _ = script_of(ROOT / "README.md", "Use it from a program").partition(
        "CRM_TOKEN="
    )
    assert watch, "the watching, which never ends, is no longer the last command"
    order = json.loads(run(served, script))
    visit = signed_in(served)

    assert order["number"] in visit("/orders/?sort=-number")
    assert order["number"] in visit(f"/orders/{order['id']}")


def test_the_commands_of_the_page_work(served: Served) -> None:
    said = run(served, script_of(ROOT / "docs" / "api.md"))

    assert '"state":"confirmed"' in said
    assert '"city":"Hamburg"' in said
    assert "Nightly import" in said
