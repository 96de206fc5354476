"""The CRM on MariaDB, as ``make test`` shows it; ``--database`` runs all other tests there."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import quarterdeck_crm.demo.generate  # noqa: F401 - its import reads files: not on an event loop
from quarterdeck import migrate
from quarterdeck.exceptions import TransactionConflictError
from quarterdeck_crm.accounts.details import add_contact
from quarterdeck_crm.accounts.services import archive_account
from quarterdeck_crm.attachments.services import add_attachment
from quarterdeck_crm.attachments.storage import Kept
from quarterdeck_crm.deals.services import create_deal
from quarterdeck_crm.duplicates.services import merge
from quarterdeck_crm.errors import MergedError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Role
from quarterdeck_crm.notes.services import add_note
from quarterdeck_crm.orders.checks import check_order
from quarterdeck_crm.people.services import create_person
from quarterdeck_crm.tasks.services import create_task
from tests.servers import Server

from .cli.test_cli import run_in
from .cli.test_serve import served
from .conftest import Auth, MakeUser
from .trading import Trade

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
        assert (response.status, json.load(response)["status"]) == (200, "ready")
        connection.close()


def test_a_server_that_is_down_is_one_sentence(tmp_path: Path) -> None:
    database = {"DATABASE_URL": "mysql://ada:secret@127.0.0.1:1/crm"}
    for command in (("check",), ("serve", "--bind", "127.0.0.1:0"), ("db", "upgrade")):
        done = run_in(tmp_path)(*command, **database)
        assert done.exit_code == 1
        assert "does not answer" in done.output
        assert "secret" not in done.output


async def empty_tables(app: Quart, maria: Server) -> None:
    """Make all tables, or empty them, and start a server that a test has stopped."""
    maria.heal()
    async with app.app_context():
        await migrate.upgrade()
        for table in reversed(db.metadata.sorted_tables):
            await db.session.execute(table.delete())
        await db.session.commit()


class TestPages:
    """Requests of somebody who has signed in."""

    @pytest.fixture(params=DRIVERS)
    def settings(self, maria: Server, request: pytest.FixtureRequest) -> dict[str, Any]:
        """With the time limits of production, which tests do not have."""
        limits = {"SQLALCHEMY_CONNECT_TIMEOUT_SECONDS": 2, "SQLALCHEMY_QUERY_TIMEOUT_SECONDS": 4}
        return {"DATABASE_URL": url(maria, request.param, "pages")} | limits

    @pytest.fixture(autouse=True)
    async def _tables(self, app: Quart, maria: Server) -> None:
        await empty_tables(app, maria)

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
        self, maria: Server, app: Quart, make_user: MakeUser
    ) -> None:
        auth = Auth(app.test_client())
        await auth.login(await make_user(Role.ADMIN))
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

    @pytest.mark.hazard("a check and a write that another request comes between")
    async def test_an_account_is_not_archived_while_an_order_is_placed_on_it(
        self, app: Quart, trade: Trade
    ) -> None:
        """SQLite has no such moment: a transaction that writes begins with the write lock."""
        account = await trade.account()
        values = {"account_id": account.id, "currency": "EUR", "ordered_on": date(2026, 11, 26)}

        async with app.app_context(), db.new_session() as session, session.transaction():
            await check_order(session, values=values, lines=[])
            async with db.new_session() as other:
                await other.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))
                archived = await other.get_one(Account, account.id)
                with pytest.raises(TransactionConflictError):
                    await archive_account(other, actor=None, account=archived)

    @pytest.mark.hazard("a check and a write that another request comes between")
    async def test_what_is_added_while_an_account_is_merged_is_not_lost(
        self, app: Quart, trade: Trade
    ) -> None:
        """It goes to the account that stays, or is refused. SQLite has no such moment."""
        await trade.deal()  # with it come the stages
        for number, (add, expected) in enumerate(ADDED):
            kept, gone = [await trade.account(name=f"{name} {number}") for name in ("A", "B")]
            error: MergedError | None = None
            async with app.app_context(), db.new_session() as session, session.transaction():
                seen = await session.get_one(Account, gone.id)
                async with db.new_session() as other, other.transaction():
                    await merge(
                        other, actor=None, kind="account", keep=(kept.id, 1), other=(gone.id, 1)
                    )
                try:
                    row = await add(session, seen)
                except MergedError as refusal:
                    error = refusal
            if expected == "refused":
                assert error is not None, add
                assert error.into == kept.id
            else:
                assert row.account_id == kept.id, add


async def _add_deal(session: AsyncSession, account: Account) -> Any:
    values = {"name": "Deal", "account_id": account.id, "currency": "EUR"}
    return await create_deal(session, actor=None, values=values)


async def _add_task(session: AsyncSession, account: Account) -> Any:
    return await create_task(session, actor=None, values={"title": "T", "account_id": account.id})


async def _add_person(session: AsyncSession, account: Account) -> Any:
    values = {"name": "Ada", "accounts": [{"account_id": account.id}]}
    return await create_person(session, actor=None, values=values)


async def _add_contact(session: AsyncSession, account: Account) -> Any:
    return await add_contact(session, actor=None, account=account, values={"name": "Ada"})


async def _add_note(session: AsyncSession, account: Account) -> Any:
    return await add_note(session, actor=None, subject=account, body="Hello")


async def _add_file(session: AsyncSession, account: Account) -> Any:
    file = Kept("offer.pdf", "0" * 32, "application/pdf", 1)
    return await add_attachment(session, actor=None, subject=account, file=file)


ADDED = [
    (_add_deal, "moved"),
    (_add_task, "moved"),
    *((add, "refused") for add in (_add_person, _add_contact, _add_note, _add_file)),
]
