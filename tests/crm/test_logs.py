"""What the logs of the CRM hold: a line for each request, and no secrets."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from quart import Quart

from quarterdeck_crm.demo.cli import PASSWORD
from quarterdeck_crm.demo.users import ADMIN_EMAIL
from tests.demonstration import Demonstrations
from tests.servers import free_port
from tests.serving import INSTANCE, environment

from .conftest import Auth

pytestmark = pytest.mark.feature("AP6")

KEY = "the-key-of-this-test-" + "k3y" * 12


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_the_page_for_500_shows_the_id_of_the_request(
    auth: Auth, app: Quart, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setitem(app.view_functions, "board.index", broken)
    response = await auth.get("/board/", headers={"Accept": accept})

    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in await response.get_data(as_text=True)


async def test_other_error_pages_do_not(auth: Auth) -> None:
    response = await auth.get("/none")
    assert response.headers["X-Request-ID"] not in await response.get_data(as_text=True)


@pytest.mark.sqlite_only
@pytest.mark.timeout(240)  # it may have to make the demonstration first
def test_production_writes_json_without_secrets(
    tmp_path: Path, demonstrations: Demonstrations
) -> None:
    """Requests that carry secrets, also in errors."""
    token = demonstrations.copy(tmp_path)["admin"]
    settings = {"CRM_CONFIG": "production", "SECRET_KEY": KEY, "CRM_INSECURE_HTTP": "1"}
    settings |= {"CRM_METRICS_TOKEN": "metrics-s3cret-0123456789"}
    url, log = f"http://127.0.0.1:{free_port()}", tmp_path / "log"
    with log.open("w") as said_file:
        process = subprocess.Popen(
            [sys.executable, "-m", "quarterdeck_crm", "serve", "--bind", url.partition("//")[2]],
            cwd=tmp_path, env=environment(tmp_path, **settings), stdout=said_file, stderr=said_file,
        )  # fmt: skip
    try:
        with httpx.Client(
            base_url=url, trust_env=False, transport=httpx.HTTPTransport(retries=60)
        ) as client:
            secrets = ask(client, token, tmp_path)
    finally:
        process.terminate()
        assert process.wait(30) == 0

    text = log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    for secret in (*secrets, KEY, PASSWORD, token, "s3cret"):
        assert secret not in text, secret
    access = [line for line in lines if line["logger"] == "hypercorn.access"]
    by_path = {line["path"]: line for line in reversed(access)}
    signed_in = by_path["/api/v1/orders"]
    assert {"time", "request_id", "duration", "worker"} < signed_in.keys()
    assert signed_in["route"] == "/api/v1/orders"
    assert (signed_in["user"], signed_in["status"]) == ("1", 200)
    assert signed_in["address"] == "127.0.0.1"
    assert by_path["/auth/reset/***"]["route"] == "/auth/reset/<token>"
    broken = [line for line in lines if "exception" in line]
    assert broken, "the dropped table should have given an error with its statement"
    assert {line["request_id"] for line in broken} <= {line["request_id"] for line in access}


def ask(client: httpx.Client, token: str, folder: Path) -> list[str]:
    """Send requests with secrets, good and bad ones; return the secrets of the answers."""
    bearer = {"Authorization": f"Bearer {token}"}
    form = {"email": ADMIN_EMAIL, "password": PASSWORD}
    page = client.get("/auth/login").text
    (csrf,) = re.findall(r'name="csrf_token"[^>]*? value="([^"]+)"', page)
    client.post("/auth/login", data=form | {"csrf_token": csrf})
    client.post("/auth/login", data=form)  # refused: without the CSRF token
    cookies = [value for value in client.cookies.values() if len(value) > 10]
    assert client.get("/api/v1/orders", headers=bearer).status_code == 200
    client.get("/metrics", headers={"Authorization": "Bearer metrics-s3cret-0123456789"})
    client.get("/accounts/?q=a&access_token=s3cret-in-query")
    client.get("/auth/reset/s3cret-of-the-link")
    client.post("/auth/reset/s3cret-of-the-link")  # refused: without the CSRF token
    client.post("/api/v1/orders", headers=bearer, content=b'{"s3cret": ')
    with sqlite3.connect(folder / INSTANCE / "crm.sqlite3") as database:
        database.execute("DROP TABLE api_token")
    database.close()
    assert client.get("/api/v1/orders", headers=bearer).status_code >= 500
    return [csrf, *cookies]
