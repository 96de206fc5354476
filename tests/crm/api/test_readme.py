"""The README's example: an order made by ``curl`` appears on the pages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tests.crm.test_cli import Crm, crm, environment, ready, upgraded
from tests.crm.test_cli_serve import served
from tests.services import require_program

__all__ = ["crm", "ready", "upgraded"]  # fixtures

README = Path(__file__).parents[3] / "README.md"


def example() -> str:
    """Return the commands of the README's console block that calls ``curl``."""
    blocks = re.findall(r"^```console\n(.*?)^```$", README.read_text("utf-8"), re.M | re.S)
    (block,) = [block for block in blocks if "curl" in block]
    return re.sub(r"^\$ ", "", block, flags=re.M)


def orders_page(address: str) -> str:
    """Sign in through the form and return the list of orders."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(f"{address}/auth/login") as page:
        token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.read().decode())
    assert token
    form = {
        "email": "admin@quarterdeck.example",
        "password": "quarterdeck-demo",
        "csrf_token": token[1],
    }
    browser.open(f"{address}/auth/login", urllib.parse.urlencode(form).encode()).close()
    with browser.open(f"{address}/orders/?sort=-number") as page:
        return str(page.read().decode())


@pytest.mark.feature("AP4")
@pytest.mark.external_service("curl")
def test_an_order_made_by_curl_appears_on_the_pages(ready: Crm, tmp_path: Path) -> None:
    require_program("curl", "curl")
    assert ready("demo", "--orders", "5").exit_code == 0
    program = tmp_path / "bin" / "crm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m quarterdeck_crm "$@"\n')
    program.chmod(0o755)

    with served(tmp_path) as (_, port):
        address = f"http://127.0.0.1:{port}"
        script = example().replace("http://127.0.0.1:8000", address)
        script = script.replace("$PWD/.venv/bin", str(program.parent))
        env = environment(tmp_path) | {"PATH": os.environ["PATH"]}
        done = subprocess.run(
            ["bash", "-euc", script],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        order = json.loads(done.stdout)

        assert order["number"] in orders_page(address)
