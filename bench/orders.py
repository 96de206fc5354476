"""The CRM's order list, 20 of 10,000 orders, against the same page on Flask and on FastAPI.

Run ``python -m bench orders``. One process each, one SQLite file for all, signed in.
``bench.orders_mariadb`` does the same on MariaDB.
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
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.side_by_side import PYTHON, Peer, Server, compare, gunicorn, uvicorn
from quarterdeck_crm import create_app

Row = tuple[Any, ...]

ORDERS = 10_000
ACCOUNTS = 200
PATH = "/orders/"
EMAIL, PASSWORD = "bench@example.com", "a-password-to-measure-with"
NOW = "2026-01-01 00:00:00.000000"
ACCOUNT_COLUMNS = "account (id, code, name, owner_id, created_at, updated_at, version)"
ORDER_COLUMNS = (
    "{order} (id, number, account_id, owner_id, state, currency, net, freight, "
    "ordered_on, created_at, updated_at, version)"
)
CRM = [PYTHON, "-m", "quarterdeck_crm"]
SERVE = [*CRM, "serve", "--bind", "127.0.0.1:{port}"]


def make_database(settings: dict[str, str]) -> None:
    """Make the tables and who signs in, with the CRM's own commands."""
    _crm(settings, "db", "upgrade")
    _crm(settings, "user", "create", EMAIL, "--role", "Admin", "--password-stdin", text=PASSWORD)


def accounts() -> list[Row]:
    return [
        (number, f"C{number:05}", f"Company {number} & Sons", 1, NOW, NOW, 1)
        for number in range(1, ACCOUNTS + 1)
    ]


def orders() -> list[Row]:
    """Return the rows; the net is in millionths, as SQLite has it."""
    dice = random.Random(1)
    states = ["draft", "confirmed", "shipped", "paid", "cancelled"]
    return [
        (
            number, f"Q{number:06}", dice.randint(1, ACCOUNTS), 1, dice.choice(states), "EUR",
            dice.randint(10**6, 10**10), 0,
            (date(2024, 1, 1) + timedelta(dice.randrange(700))).isoformat(), NOW, NOW, 1,
        )
        for number in range(1, ORDERS + 1)
    ]  # fmt: skip


def insert(columns: str, mark: str) -> str:
    """Return an INSERT of ``"table (a, b)"`` with a mark for each value."""
    marks = ", ".join([mark] * (columns.count(",") + 1))
    return f"INSERT INTO {columns} VALUES ({marks})"  # noqa: S608 - all of it is ours


def write_links(folder: Path) -> None:
    """Tell the peers where the CRM's pages are, since its templates link to them."""
    rules = create_app("testing", INSTANCE=str(folder)).url_map.iter_rules()
    links = {rule.endpoint: re.sub(r"<(?:[^<>:]+:)?(\w+)>", r"{\1}", rule.rule) for rule in rules}
    links.pop("static")
    (folder / "links.json").write_text(json.dumps(links))


def _crm(settings: dict[str, str], *arguments: str, text: str | None = None) -> None:
    subprocess.run(
        [*CRM, *arguments], check=True, input=text, text=True, stdout=subprocess.DEVNULL,
        env=os.environ | settings,
    )  # fmt: skip


def settings_for(folder: Path, ours: str, flask: str, fastapi: str) -> dict[str, str]:
    """Return the environment of all servers; each has a database URL for its driver."""
    return {
        "CRM_INSTANCE": str(folder),
        "DATABASE_URL": ours,
        "BENCH_FLASK_URL": flask,
        "BENCH_FASTAPI_URL": fastapi,
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


def peers(settings: dict[str, str]) -> list[Peer]:
    """The others, on the databases of the settings."""
    flask = gunicorn("bench.peers.flask_orders:create_app()")
    fastapi = [*uvicorn("bench.peers.fastapi_orders:create_app"), "--factory"]
    return [
        Peer("Flask, gunicorn 8 threads", flask, settings, sign_in_to_peer),
        Peer("FastAPI, uvicorn", fastapi, settings, sign_in_to_peer),
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "crm.sqlite3"
        url = f"sqlite+aiosqlite:///{path}"
        settings = settings_for(folder, url, f"sqlite:///{path}", url)
        make_database(settings)
        with sqlite3.connect(path) as connection:
            connection.executemany(insert(ACCOUNT_COLUMNS, "?"), accounts())
            connection.executemany(insert(ORDER_COLUMNS.format(order='"order"'), "?"), orders())
        connection.close()
        write_links(folder)
        cookie = settings | {"SESSION_TYPE": "null"}  # a signed cookie, as the others have
        compare(
            [
                Peer("crm serve, session in a cookie", SERVE, cookie, sign_in_to_crm),
                Peer("crm serve, in the database", SERVE, settings, sign_in_to_crm),
                *peers(settings),
            ],
            [PATH],
            check=check,
        )


if __name__ == "__main__":
    main()
