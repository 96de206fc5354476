"""The CRM's pages on 1,000,000 orders, on SQLite and on MariaDB: milliseconds per page.

There are a fifth as many people as orders, half as many tasks, and a tenth as many deals.

Run ``python -m bench.million``; ``python -m bench.million 100000 MariaDB`` for fewer orders, or
one database; ``python -m bench.million 100000 SQLite --records 1000000`` for the people, tasks
and deals that go with more orders. The pages are asked for in the process, one after the other;
the time is that of the whole answer, the median of three. ``--only /`` asks for one page 15 times,
without and then with people, tasks and deals.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from quart import Quart
from quart.typing import TestClientProtocol
from sqlalchemy import update
from tests.crm.many import accounts_for, make_orders
from tests.crm.many_records import make_records
from tests.servers import mariadb

from quarterdeck.login import hash_password
from quarterdeck_crm import create_app
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, Task, User
from quarterdeck_crm.models.columns import utc_now

EMAIL, PASSWORD = "bench@example.com", "a-password-to-measure-with"
ME = 1000  # the user that asks
ROUNDS, MORE_ROUNDS = 3, 15
FAR = 12_000  # orders before the page that is reached by links
SORTS = ("number", "date", "account", "owner", "net", "state")
TASK_SORTS = ("due", "priority", "title", "created")
DEAL_SORTS = ("name", "value", "expected", "created")
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
OF_RECORDS = (
    "/",
    "/search?q=wool",
    "/search?q=example.com",
    "/accounts/7",
    *(f"/people/?sort={way}{sort}" for sort in ("name", "created") for way in ("", "-")),
    "/people/?page=400&sort=name",
    "/people/?account=7",
    "/people/?contact=no",
    "/people/?contact=yes&sort=-created",
    "/people/?archived=1",
    "/people/?created_from={month}",
    "/people/?q=wool",
    "/people/?q=ada+wool+7",
    "/people/?q=p77@",
    "/people/?q=example.com",
    "/people/?q=0171+1000077",
    "/people/?q=nobody",
    "/people/7",
    *(f"/tasks/?sort={way}{sort}" for sort in TASK_SORTS for way in ("", "-")),
    "/tasks/?state=done",
    "/tasks/?state=done&sort=-created",
    "/tasks/?page=400",
    "/tasks/?assignee=me",
    "/tasks/?assignee=3&sort=title",
    "/tasks/?assignee=none",
    "/tasks/?priority=high",
    "/tasks/?priority=low&state=done&sort=title",
    *(f"/tasks/?due={due}" for due in ("overdue", "today", "week", "none")),
    "/tasks/?account=7",
    "/tasks/?account=7&state=done&sort=title",
    "/tasks/?contact=7",
    "/tasks/?person=7",
    "/tasks/?person=7&state=done&sort=title",
    "/tasks/?order=7",
    "/tasks/?day_from={month}&sort=created",
    "/tasks/?q=wool",
    "/tasks/?q=call+wool+7",
    "/tasks/?q=nobody",
    "/tasks/today",
    "/tasks/7",
    *(f"/deals/?sort={way}{sort}" for sort in DEAL_SORTS for way in ("", "-")),
    "/deals/?state=won",
    "/deals/?state=lost&sort=-value",
    "/deals/?page=400",
    "/deals/?stage=1",
    "/deals/?stage=1&sort=name",
    "/deals/?owner=3",
    "/deals/?owner=none&sort=value",
    "/deals/?account=7&sort=name",
    "/deals/?person=7",
    "/deals/?person=7&sort=name",
    "/deals/?late=1",
    "/deals/?late=1&sort=value",
    "/deals/?expected_from={month}",
    "/deals/?value_from=99000&sort=name",
    "/deals/?created_from={month}&sort=name",
    "/deals/?q=wool",
    "/deals/?q=wool+7",
    "/deals/?q=nobody",
    "/deals/7",
    "/orders/7",
    "/deals/board",
    "/deals/board?q=wool",
    "/deals/board?owner=3",
    "/deals/board?account=7",
    "/deals/board?person=7",
    "/deals/board?value_from=99000",
    "/deals/board?expected_from={month}",
    "/api/v1/people",
    "/api/v1/tasks",
    "/api/v1/deals",
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


async def measure(app: Quart, orders: int, records: int, only: str | None) -> None:
    """Print how many milliseconds each page takes, first without people, tasks and deals.

    Args:
        app: With an empty database.
        orders: How many there are.
        records: The number of orders with which so many people, tasks and deals go.
        only: The one page to ask for, more often than all pages.
    """
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
                session.add(User(id=ME, role=Role.ADMIN, **values))
        client = app.test_client()
        await sign_in(client)
        if only:
            await report(client, only, MORE_ROUNDS)
        else:
            for path in PATHS:
                await report(client, path.format(last=orders // 20))
            if orders > FAR:
                await report(client, await far_page(client))
        if records:
            await add_records(app, orders, records)
            month = utc_now().date() - timedelta(days=30)
            for path in [only] if only else OF_RECORDS:
                rounds = MORE_ROUNDS if only else ROUNDS
                await report(client, path.format(month=month), rounds)


async def add_records(app: Quart, orders: int, records: int) -> None:
    """Make people, tasks and deals."""
    started = time.perf_counter()
    async with app.app_context():
        await make_records(records // 5, records // 2, records // 10, accounts=accounts_for(orders))
        async with db.transaction() as session:
            mine = update(Task).where(Task.assignee_id == 1).values(assignee_id=ME)
            await session.execute(mine)
    print(f"{time.perf_counter() - started:8.0f} seconds to make people, tasks and deals")


async def far_page(client: TestClientProtocol) -> str:
    """Return the path of page 120 of all orders, by the links of the pages before it."""
    link = "/api/v1/orders?sort=-date&per_page=100&page=100"
    for _ in range(20):
        page = await (await client.get(link)).get_json()
        link = page["links"]["next"]
    return link


async def sign_in(client: TestClientProtocol) -> None:
    page = await (await client.get("/auth/login")).get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token[1] if token else ""}
    assert (await client.post("/auth/login", form=form)).status_code == 303


async def report(client: TestClientProtocol, path: str, rounds: int = ROUNDS) -> None:
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        response = await client.get(path)
        await response.get_data()
        seconds.append(time.perf_counter() - started)
        if response.status_code != 200:
            print(f"     {response.status_code} {path}", flush=True)
            return
    print(f"{statistics.median(seconds) * 1000:8.0f} {path}", flush=True)


def main(arguments: Sequence[str] = ()) -> None:
    places = {"SQLite": on_sqlite, "MariaDB": on_mariadb}
    parser = argparse.ArgumentParser(prog="python -m bench.million")
    parser.add_argument("orders", nargs="?", type=int, default=1_000_000)
    parser.add_argument("databases", nargs="*", help="SQLite, MariaDB")
    parser.add_argument("--records", type=int, help="orders' worth of people, tasks and deals")
    parser.add_argument("--only", metavar="PATH", help="the only page to ask for")
    given = parser.parse_args(arguments)
    records = given.orders if given.records is None else given.records
    for name in given.databases or places:
        with tempfile.TemporaryDirectory() as folder, places[name](Path(folder)) as url:
            app = create_app("testing", INSTANCE=folder, DATABASE_URL=url)
            print(f"{name}, {given.orders:,} orders, milliseconds")
            asyncio.run(measure(app, given.orders, records, given.only))


if __name__ == "__main__":
    main(sys.argv[1:])
