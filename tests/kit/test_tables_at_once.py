"""Rooms make their tables although other processes do so at the same moment."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

from quarterdeck.apscheduler.sqlalchemy.database import Database
from quarterdeck.apscheduler.sqlalchemy.tables import scheduler_tables
from quarterdeck.session.sqlalchemy import SQLAlchemyStore, session_table
from quarterdeck.sqlalchemy import SQLAlchemy
from tests.plain import Quart
from tests.servers import Server

PROCESSES = 4
ROUNDS = 5

# Each process makes the tables of one round after the other; a line of its input starts a round.
WORKER = """
import asyncio, sys
from quart import Quart
from sqlalchemy import MetaData
from quarterdeck._state import close_extensions
from quarterdeck.apscheduler.sqlalchemy.database import Database
from quarterdeck.apscheduler.sqlalchemy.tables import scheduler_tables
from quarterdeck.session.sqlalchemy import SQLAlchemyStore, session_table
from quarterdeck.sqlalchemy import SQLAlchemy

async def main(uri, prefix, rounds):
    app = Quart("worker")
    app.config["SQLALCHEMY_DATABASE_URI"] = uri
    db = SQLAlchemy(app)
    async with app.app_context():
        async with db.engine.connect():
            pass
        for number in range(rounds):
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            name = f"{prefix}{number}"
            tables = scheduler_tables(MetaData(), name)
            async with Database(app, db.engine, tables, create=True).begin():
                pass
            table = session_table(MetaData(), f"{name}_sessions", None)
            await SQLAlchemyStore(db.engine, table, create=True).create_own_tables()
        await db.engine.dispose()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.mark.feature("SC4")
@pytest.mark.timeout(180)
@pytest.mark.external_service("MariaDB", "PostgreSQL")
@pytest.mark.parametrize("name", ["mariadb", "postgresql"])
def test_processes_make_the_tables_at_the_same_moment(
    running: Callable[[str], Server], name: str
) -> None:
    port, prefix = running(name).port, f"t{uuid.uuid4().hex[:8]}_"
    scheme = "mysql+aiomysql://root" if name == "mariadb" else "postgresql+asyncpg://postgres"
    base = "test" if name == "mariadb" else "postgres"
    uri = f"{scheme}@127.0.0.1:{port}/{base}"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, uri, prefix, str(ROUNDS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    for _ in range(ROUNDS):
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()  # empty if it has ended
        for process in started:
            assert process.stdin is not None
            if process.poll() is None:
                process.stdin.write("\n")
                process.stdin.flush()
    ended = [(process.communicate()[1], process.returncode) for process in started]
    assert [code for _, code in ended] == [0] * PROCESSES, [text[-2000:] for text, _ in ended][:1]


@pytest.mark.feature("SC4")
@pytest.mark.external_service("MariaDB")
@pytest.mark.parametrize("room", ["apscheduler", "session"])
async def test_a_table_is_made_after_a_conflict(
    running: Callable[[str], Server], room: str
) -> None:
    """Another process holds the lock of the table for longer than this one may wait."""
    uri = f"mysql+aiomysql://root@127.0.0.1:{running('mariadb').port}/test"
    prefix = f"t{uuid.uuid4().hex[:8]}_"
    tables, sessions = scheduler_tables(MetaData(), prefix), session_table(MetaData(), prefix, None)
    name = sessions.name if room == "session" else tables.job.name
    app = Quart("harbour")
    app.config["SQLALCHEMY_DATABASE_URI"] = uri
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "connect_args": {"init_command": "SET lock_wait_timeout = 1"}
    }
    db = SQLAlchemy(app)
    other = create_async_engine(uri)

    async def hold() -> None:
        async with other.begin() as connection:
            await connection.execute(text(f"CREATE TABLE `{name}` AS SELECT SLEEP(1.8) AS a"))

    async with app.test_app(), app.app_context(), other.connect() as watching:
        holding = asyncio.create_task(hold())
        running_now = text("SELECT count(*) FROM information_schema.processlist "
            "WHERE info LIKE :begin")  # fmt: skip
        while True:
            if await watching.scalar(running_now, {"begin": f"CREATE TABLE `{name}`%"}):
                break
            await asyncio.sleep(0.01)
        if room == "session":
            await SQLAlchemyStore(db.engine, sessions, create=True).create_own_tables()
        else:
            async with Database(app, db.engine, tables, create=True).begin():
                pass
        await holding
    await other.dispose()
