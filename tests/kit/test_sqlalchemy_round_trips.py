"""MariaDB is asked for nothing that its last answer has told already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from quart import Quart
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from quarterdeck.sqlalchemy import mysql
from tests.servers import Server

from .sqlalchemy_app import User, add_users, db, make_app

pytestmark = [
    pytest.mark.external_service("MariaDB"),
    pytest.mark.parametrize("driver", ["aiomysql", "asyncmy"]),
    pytest.mark.feature("D7"),
]

COUNTERS = ("Com_admin_commands", "Com_rollback", "Com_select")  # a ping is an admin command
OPEN = text("SELECT count(*) FROM information_schema.innodb_trx")


@pytest.fixture(name="built")
def _built(maria: Server, driver: str, tmp_path: Path) -> Quart:
    uri = f"mysql+{driver}://root@127.0.0.1:{maria.port}/t_{uuid4().hex}"
    app = make_app(tmp_path, SQLALCHEMY_DATABASE_URI=uri)

    @app.get("/")
    async def count() -> str:
        return str(await User.query.count())

    return app


@pytest.fixture(name="app")
async def _app(built: Quart) -> AsyncIterator[Quart]:
    async with built.test_app():
        async with built.app_context():
            await db.create_database()
            await db.create_all()
            await add_users("Ada")
        yield built


async def counters(app: Quart) -> dict[str, int]:
    async with app.app_context():
        rows = await db.session.execute(text("SHOW GLOBAL STATUS LIKE 'Com_%'"))
        found: dict[str, Any] = {name: int(value) for name, value in rows if name in COUNTERS}
    return found


async def used_by(app: Quart, requests: int) -> list[int]:
    """Return how many commands some requests take, without those that this takes itself."""
    before = await counters(app)
    idle = await counters(app)
    for _ in range(requests):
        assert (await app.test_client().get("/")).status_code == 200
    after = await counters(app)
    return [after[name] - idle[name] - (idle[name] - before[name]) for name in COUNTERS]


async def test_a_request_sends_its_statements_and_one_rollback(app: Quart) -> None:
    assert await used_by(app, 10) == [0, 10, 10]


async def test_a_connection_that_has_rested_is_asked_first(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql, "RESTED_SECONDS", 0.0)
    assert await used_by(app, 10) == [10, 10, 10]


@pytest.mark.parametrize("ending", ["rollback", "commit"])
async def test_a_statement_after_the_end_of_a_transaction_begins_another(
    app: Quart, ending: str
) -> None:
    """What is read with locks is rolled back too when the session is removed."""
    async with app.app_context():
        await getattr(db.session, ending)()
        await db.session.execute(text("SELECT name FROM user FOR UPDATE"))
        await db.session.remove()
        async with db.engine.connect() as connection:
            assert await connection.scalar(OPEN) == 0


async def test_a_failed_statement_leaves_no_transaction_open(app: Quart) -> None:
    async with app.app_context():
        with pytest.raises(IntegrityError):
            await db.session.execute(
                text("INSERT INTO user (name, balance, biography) VALUES ('Ada', 0, '')")
            )
        await db.session.rollback()
        await db.session.remove()
        async with db.engine.connect() as connection:
            assert await connection.scalar(OPEN) == 0
