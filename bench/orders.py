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
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import create_engine, insert

from bench.side_by_side import PYTHON, Peer, Result, Server, compare, gunicorn, uvicorn
from quarterdeck_crm import create_app
from quarterdeck_crm.models import Account, Order, OrderState

Row = dict[str, Any]

ORDERS = 10_000
ACCOUNTS = 200
PATH = "/orders/"
EMAIL, PASSWORD = "bench@example.com", "a-password-to-measure-with"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CRM = [PYTHON, "-m", "quarterdeck_crm"]
SERVE = [*CRM, "serve", "--bind", "127.0.0.1:{port}"]


def make_database(settings: dict[str, str]) -> None:
    """Make the tables and who signs in, with the CRM's own commands."""
    _crm(settings, "db", "upgrade")
    _crm(settings, "user", "create", EMAIL, "--role", "Admin", "--password-stdin", text=PASSWORD)


def accounts() -> list[Row]:
    return [
        {"id": number, "code": f"C{number:05}", "name": f"Company {number} & Sons", "owner_id": 1}
        for number in range(1, ACCOUNTS + 1)
    ]


def orders() -> list[Row]:
    dice = random.Random(1)
    return [
        {
            "id": number,
            "number": f"Q{number:06}",
            "account_id": dice.randint(1, ACCOUNTS),
            "owner_id": 1,
            "state": dice.choice(list(OrderState)),
            "currency": "EUR",
            "net": Decimal(dice.randint(10**6, 10**10)) / 10**6,
            "ordered_on": date(2024, 1, 1) + timedelta(dice.randrange(700)),
        }
        for number in range(1, ORDERS + 1)
    ]


def fill(url: str) -> None:
    """Put accounts and orders into the tables of a database with one user.

    Args:
        url: With a synchronous driver.
    """
    engine = create_engine(url)
    same = {"created_at": NOW, "updated_at": NOW, "version": 1}
    with engine.begin() as connection:
        connection.execute(insert(Account), [row | same for row in accounts()])
        connection.execute(insert(Order), [row | same for row in orders()])
    engine.dispose()


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
    """Sign in by the form, as a user does; returns the Cookie header."""
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
    """Return the status, the cookies that were set, and the body."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=120)
    try:
        connection.request(method, path, body or None, headers or {})
        response = connection.getresponse()
        cookies = response.headers.get_all("Set-Cookie") or []
        cookie = "; ".join(each.partition(";")[0] for each in cookies)
        return response.status, cookie, response.read().decode()
    finally:
        connection.close()


def peers(settings: dict[str, str], workers: int = 1) -> list[Peer]:
    """The others, on the databases of the settings."""
    flask = gunicorn("bench.peers.flask_orders:create_app()", workers)
    fastapi = [*uvicorn("bench.peers.fastapi_orders:create_app", workers), "--factory"]
    return [
        Peer("Flask, gunicorn 8 threads", flask, settings, sign_in_to_peer),
        Peer("FastAPI, uvicorn", fastapi, settings, sign_in_to_peer),
    ]


@contextmanager
def filled() -> Iterator[dict[str, str]]:
    """Give the environment of servers on an SQLite file with the orders."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "crm.sqlite3"
        url = f"sqlite+aiosqlite:///{path}"
        settings = settings_for(folder, url, f"sqlite:///{path}", url)
        make_database(settings)
        fill(f"sqlite:///{path}")
        write_links(folder)
        yield settings


def main() -> None:
    compare_all()


def compare_all(*, rounds: int = 7, seconds: int = 2) -> list[Result]:
    """Load all peers in turns, and return their figures."""
    with filled() as settings:
        cookie = settings | {"SESSION_TYPE": "null"}  # a signed cookie, as the others have
        return compare(
            [
                Peer("crm serve, session in a cookie", SERVE, cookie, sign_in_to_crm),
                Peer("crm serve, in the database", SERVE, settings, sign_in_to_crm),
                *peers(settings),
            ],
            [PATH],
            check=check,
            rounds=rounds,
            seconds=seconds,
        )


if __name__ == "__main__":
    main()
