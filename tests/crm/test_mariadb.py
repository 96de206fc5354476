"""The CRM on MariaDB, as ``make test`` shows it; ``--database`` runs all other tests there."""

from __future__ import annotations

import asyncio
import http.client
import time
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import text

from quarterdeck import migrate
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role
from tests.servers import Server

from .conftest import Auth, MakePerson
from .test_cli import run_in
from .test_cli_serve import served

pytestmark = pytest.mark.external_service("MariaDB")

DRIVERS = ["aiomysql", "asyncmy"]
WIDE = "𠮷野家 🚢"


def url(maria: Server, driver: str, name: str) -> str:
    return f"mysql+{driver}://root@127.0.0.1:{maria.port}/{name}_{driver}"


@pytest.mark.feature("D1", "G1", "AP6")
@pytest.mark.parametrize("driver", DRIVERS)
def test_the_url_is_all_it_takes(maria: Server, driver: str, tmp_path: Path) -> None:
    crm, database = run_in(tmp_path), {"DATABASE_URL": url(maria, driver, "journey")}

    early = crm("check", **database)
    assert "not there yet. Run 'crm db upgrade' first" in early.stdout
    for command in (("db", "upgrade"), ("db", "check"), ("demo", "--orders", "20"), ("check",)):
        done = crm(*command, **database)
        assert done.exit_code == 0, done.output

    with served(tmp_path, **database) as (_, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b'{"status":"ready"}')
        connection.close()


def test_a_server_that_is_down_is_one_sentence(tmp_path: Path) -> None:
    database = {"DATABASE_URL": "mysql://ada:secret@127.0.0.1:1/crm"}
    for command in (("check",), ("serve", "--bind", "127.0.0.1:0"), ("db", "upgrade")):
        done = run_in(tmp_path)(*command, **database)
        assert done.exit_code == 1
        assert "does not answer" in done.output
        assert "secret" not in done.output


class TestPages:
    """Requests of somebody who has signed in."""

    @pytest.fixture(params=DRIVERS)
    def settings(self, maria: Server, request: pytest.FixtureRequest) -> dict[str, Any]:
        """With the time limits of production, which tests do not have."""
        limits = {"SQLALCHEMY_CONNECT_TIMEOUT_SECONDS": 2, "SQLALCHEMY_QUERY_TIMEOUT_SECONDS": 4}
        return {"DATABASE_URL": url(maria, request.param, "pages")} | limits

    @pytest.fixture(autouse=True)
    async def _tables(self, app: Quart, maria: Server) -> None:
        maria.heal()
        async with app.app_context():
            await migrate.upgrade()
            for table in reversed(db.metadata.sorted_tables):
                await db.session.execute(table.delete())
            await db.session.commit()

    async def test_every_table_is_innodb_and_utf8mb4(self, app: Quart) -> None:
        async with app.app_context():
            found = await db.session.execute(
                text(
                    "SELECT engine, table_collation LIKE 'utf8mb4%' FROM information_schema.tables"
                    " WHERE table_schema = DATABASE() AND table_name <> 'alembic_version'"
                )
            )
        assert set(map(tuple, found)) == {("InnoDB", 1)}

    async def test_four_byte_characters_go_in_and_out(self, as_admin: Auth) -> None:
        saved = await as_admin.post("/accounts/new", name=WIDE, version="0", owner_id="")
        assert saved.status_code == 303

        page = await as_admin.get("/accounts/", query_string={"q": "🚢"})

        assert WIDE in await page.get_data(as_text=True)

    @pytest.mark.hazard("no read timeout")
    async def test_a_frozen_server_is_a_503_within_5_seconds(
        self, maria: Server, app: Quart, make_person: MakePerson
    ) -> None:
        auth = Auth(app.test_client())
        await auth.login(await make_person(Role.ADMIN))
        maria.freeze()
        try:
            started = time.monotonic()
            pages = await asyncio.gather(*(auth.get(path) for path in ("/", "/orders/")))
            assert time.monotonic() - started < 5
        finally:
            maria.thaw()
        assert {page.status_code for page in pages} == {503}
        assert "Retry-After" in pages[0].headers
        assert (await auth.get("/orders/")).status_code == 200
