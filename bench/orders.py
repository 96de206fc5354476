"""The CRM's order list, 20 of 10,000 orders, against the same page on Flask and on FastAPI.

Run ``python -m bench.orders``. One process each, one SQLite file for all, signed in.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from bench.side_by_side import PYTHON, Peer, Server, compare, gunicorn, uvicorn
from quarterdeck_crm import create_app

ORDERS = 10_000
ACCOUNTS = 200
PATH = "/orders/"
EMAIL, PASSWORD = "bench@example.com", "a-password-to-measure-with"
CRM = [PYTHON, "-m", "quarterdeck_crm"]


def fill(folder: Path) -> Path:
    """Make a database with the CRM's own commands, then put accounts and orders into it."""
    _crm(folder, "db", "upgrade")
    _crm(folder, "user", "create", EMAIL, "--role", "Admin", "--password-stdin", text=PASSWORD)
    path = folder / "crm.sqlite3"
    dice = random.Random(1)
    now = "2026-01-01 00:00:00.000000"
    accounts = [
        (number, f"C{number:05}", f"Company {number} & Sons", 1, now, now, 1)
        for number in range(1, ACCOUNTS + 1)
    ]
    states = ["draft", "confirmed", "shipped", "paid", "cancelled"]
    orders = [
        (
            number, f"Q{number:06}", dice.randint(1, ACCOUNTS), 1, dice.choice(states), "EUR",
            dice.randint(10**6, 10**10), 0,
            (date(2024, 1, 1) + timedelta(dice.randrange(700))).isoformat(), now, now, 1,
        )
        for number in range(1, ORDERS + 1)
    ]  # fmt: skip
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO account (id, code, name, owner_id, created_at, updated_at, version) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            accounts,
        )
        connection.executemany(
            'INSERT INTO "order" (id, number, account_id, owner_id, state, currency, net, freight, '
            "ordered_on, created_at, updated_at, version) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            orders,
        )
    connection.close()
    return path


def write_links(folder: Path) -> None:
    """Tell the peers where the CRM's pages are, since its templates link to them."""
    rules = create_app("testing", INSTANCE=str(folder)).url_map.iter_rules()
    links = {rule.endpoint: re.sub(r"<(?:[^<>:]+:)?(\w+)>", r"{\1}", rule.rule) for rule in rules}
    links.pop("static")
    (folder / "links.json").write_text(json.dumps(links))


def _crm(folder: Path, *arguments: str, text: str | None = None) -> None:
    subprocess.run(
        [*CRM, *arguments], check=True, input=text, text=True, stdout=subprocess.DEVNULL,
        env=os.environ | _settings(folder),
    )  # fmt: skip


def _settings(folder: Path) -> dict[str, str]:
    return {
        "CRM_INSTANCE": str(folder),
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'crm.sqlite3'}",
        "BENCH_FOLDER": str(folder),
        "SECRET_KEY": "only-to-measure-with-" + "0" * 32,
    }


def check(server: Server, path: str) -> None:
    """Exit unless the page shows 20 orders and how many there are."""
    status, _, body = _ask(server.base, "GET", path, {"Cookie": server.cookie or ""})
    rows = body.count('class="row-link"')
    if status != 200 or rows != 20 or f">{ORDERS:,}<" not in body:
        sys.exit(f"'{server.peer.name}' answered {status} with {rows} orders, not the page.")
    print(f"{server.peer.name}: {rows} of {ORDERS:,} orders, {len(body):,} characters")


def sign_in_to_crm(base: str) -> str:
    """Sign in by the form, as a person does; returns the Cookie header."""
    _, first, page = _ask(base, "GET", "/auth/login")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token[1] if token else ""}
    headers = {"Cookie": first, "Content-Type": "application/x-www-form-urlencoded"}
    _, cookie, _ = _ask(base, "POST", "/auth/login", headers, urlencode(form))
    _, page_cookie, _ = _ask(base, "GET", PATH, {"Cookie": cookie})
    return page_cookie or cookie  # the first page adds the secret of the CSRF tokens


def sign_in_to_peer(base: str) -> str:
    return _ask(base, "GET", "/sign-in")[1]


def _ask(
    base: str, method: str, path: str, headers: dict[str, str] | None = None, body: str = ""
) -> tuple[int, str, str]:
    """Return the status, the cookie that was set, and the body."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=30)
    try:
        connection.request(method, path, body or None, headers or {})
        response = connection.getresponse()
        cookie = (response.getheader("Set-Cookie") or "").partition(";")[0]
        return response.status, cookie, response.read().decode()
    finally:
        connection.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        write_links(folder)
        settings = _settings(folder)
        flask = gunicorn("bench.peers.flask_orders:create_app()")
        fastapi = uvicorn("bench.peers.fastapi_orders:create_app")
        serve = [*CRM, "serve", "--bind", "127.0.0.1:{port}"]
        cookie = settings | {"SESSION_TYPE": "null"}  # a signed cookie, as the others have
        compare(
            [
                Peer("crm serve, session in a cookie", serve, cookie, sign_in_to_crm),
                Peer("crm serve, in the database", serve, settings, sign_in_to_crm),
                Peer("Flask, gunicorn 8 threads", flask, settings, sign_in_to_peer),
                Peer("FastAPI, uvicorn", [*fastapi, "--factory"], settings, sign_in_to_peer),
            ],
            [PATH],
            check=check,
        )


if __name__ == "__main__":
    main()
