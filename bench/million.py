"""The CRM's pages on 1,000,000 orders, on SQLite and on MariaDB: milliseconds per page.

Run ``python -m bench.million``; ``python -m bench.million 100000 MariaDB`` for fewer orders, or
one database. The pages are asked for in the process, one after the other; the time is that of
the whole answer, the median of three.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from quart import Quart
from quart.typing import TestClientProtocol
from tests.crm.many import make_orders
from tests.servers import mariadb

from quarterdeck.login import hash_password
from quarterdeck_crm import create_app
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, User

EMAIL, PASSWORD = "bench@example.com", "a-password-to-measure-with"
ROUNDS = 3
SORTS = ("number", "date", "account", "owner", "net", "state")
PATHS = (
    "/",
    *(f"/orders/?sort={way}{sort}" for sort in SORTS for way in ("", "-")),
    *(f"/orders/?page=500&sort={sort}" for sort in SORTS),
    *(f"/orders/?page={{last}}&sort={sort}" for sort in SORTS),
    *(f"/orders/?state={state}" for state in ("open", "draft", "paid")),
    "/orders/?state=open&sort=date",
    "/orders/?state=open&sort=net",
    "/orders/?state=paid&sort=account",
    "/orders/?account=7",
    "/orders/?account=7&sort=net",
    "/orders/?owner=3",
    "/orders/?owner=3&sort=net",
    "/orders/?owner=3&state=open&sort=date",
    "/orders/?q=wool",
    "/orders/?q=q0000",
    "/orders/?q=harbour+oak&sort=net",
    "/orders/?q=nobody",
    "/search?q=wool",
    "/accounts/",
    "/accounts/?q=wool",
    "/accounts/?sort=-orders",
    "/accounts/7",
    "/board/",
    "/api/v1/orders",
)


@contextmanager
def on_sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite+aiosqlite:///{folder / 'crm.sqlite3'}"


@contextmanager
def on_mariadb(folder: Path) -> Iterator[str]:
    server = mariadb(folder)
    server.command += ["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=256M"]
    server.start()
    try:
        yield f"mysql+asyncmy://root@127.0.0.1:{server.port}/crm"
    finally:
        server.kill()


async def measure(app: Quart, orders: int) -> None:
    """Print how many milliseconds each page takes."""
    async with app.test_app():
        async with app.app_context():
            await db.create_database()
            await db.create_all()
            started = time.perf_counter()
            await make_orders(orders)
            print(f"{time.perf_counter() - started:8.0f} seconds to make them")
            hashed = await hash_password(PASSWORD)
            async with db.transaction() as session:
                values = {"email": EMAIL, "name": "Bench", "password_hash": hashed}
                session.add(User(id=1000, role=Role.ADMIN, **values))
        client = app.test_client()
        await sign_in(client)
        for path in PATHS:
            await report(client, path.format(last=orders // 20))
        link = "/api/v1/orders?sort=-date&per_page=100&page=100"
        for _ in range(20):
            page = await (await client.get(link)).get_json()
            link = page["links"]["next"]
        await report(client, link)


async def sign_in(client: TestClientProtocol) -> None:
    page = await (await client.get("/auth/login")).get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token[1] if token else ""}
    assert (await client.post("/auth/login", form=form)).status_code == 303


async def report(client: TestClientProtocol, path: str) -> None:
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        response = await client.get(path)
        await response.get_data()
        seconds.append(time.perf_counter() - started)
        if response.status_code != 200:
            print(f"     {response.status_code} {path}", flush=True)
            return
    print(f"{statistics.median(seconds) * 1000:8.0f} {path}", flush=True)


def main(arguments: Sequence[str] = ()) -> None:
    orders = int(arguments[0]) if arguments else 1_000_000
    places = {"SQLite": on_sqlite, "MariaDB": on_mariadb}
    for name in arguments[1:] or places:
        with tempfile.TemporaryDirectory() as folder, places[name](Path(folder)) as url:
            app = create_app("testing", INSTANCE=folder, DATABASE_URL=url)
            print(f"{name}, {orders:,} orders, milliseconds")
            asyncio.run(measure(app, orders))


if __name__ == "__main__":
    main(sys.argv[1:])
