"""The SQLite driver: one thread hop per statement, results that stream."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from quart import Quart
from sqlalchemy import insert, make_url, select, text
from sqlalchemy.exc import OperationalError

from quarterdeck.sqlalchemy import driver
from quarterdeck.sqlalchemy.driver import Connection

from .sqlalchemy_app import Event, User, add_users, db, make_app

pytestmark = pytest.mark.sqlite_only

COUNT = 1234
FOREVER = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
)


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        yield app


@pytest.fixture(name="hops")
def _hops(app: Quart, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What went to the thread of a connection."""
    hops = []
    execute = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, function: Any, *args: Any, **kw: Any) -> Any:
        hops.append(args)
        return await execute(self, function, *args, **kw)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    return hops


@pytest.mark.hazard("four thread hops per statement")
async def test_reading_takes_one_hop_per_statement(hops: list[Any]) -> None:
    await db.session.scalars(select(User))
    await db.session.get(User, 1)
    await db.session.remove()
    assert len(hops) == 2


async def test_writing_adds_begin_and_commit(hops: list[Any]) -> None:
    await add_users("Ada")
    assert [args[0].split()[0] for args in hops if args] == ["BEGIN", "INSERT"]
    assert len(hops) == 3


async def test_a_transaction_in_which_nothing_happens_costs_nothing(hops: list[Any]) -> None:
    db.session.add(User(name="Ada"))
    await db.session.remove()
    await db.session.commit()
    await db.session.rollback()
    assert hops == []


@pytest.fixture(name="_rows")
async def _rows_(app: Quart) -> None:
    async with db.transaction() as session:
        await session.execute(insert(Event), [{"kind": str(n)} for n in range(COUNT)])


@pytest.mark.usefixtures("_rows")
class TestLargeResults:
    async def test_all_at_once(self) -> None:
        kinds = (await db.session.scalars(select(Event.kind).order_by(Event.id))).all()
        assert kinds == [str(n) for n in range(COUNT)]

    async def test_one_after_the_other(self) -> None:
        kinds = [event.kind async for event in Event.query.order_by(Event.id)]
        assert kinds == [str(n) for n in range(COUNT)]

    @pytest.mark.parametrize("size", [1, 499, 500, 501, 700, 1233, 1234, 1235])
    async def test_in_portions(self, size: int) -> None:
        result = await db.session.stream(select(Event.kind).order_by(Event.id))
        parts = [part async for part in result.partitions(size)]
        assert [row.kind for part in parts for row in part] == [str(n) for n in range(COUNT)]
        assert {len(part) for part in parts[:-1]} <= {size}

    async def test_row_by_row(self) -> None:
        driver = await driver_connection()
        cursor = await driver.cursor().execute("SELECT id FROM event ORDER BY id")
        assert await cursor.fetchone() == (1,)
        assert len(await cursor.fetchmany(800)) == 800
        assert len(await cursor.fetchall()) == COUNT - 801
        assert await cursor.fetchone() is None
        assert await cursor.fetchmany() == []

    async def test_one_only(self) -> None:
        result = await db.session.stream(select(Event.kind).order_by(Event.id))
        first = await result.fetchone()
        assert first is not None
        assert first.kind == "0"
        await result.close()
        await add_users("Ada")  # the open statement does not hold up a writer

    async def test_given_up_half_way(self) -> None:
        async with db.new_session() as session:
            async for event in Event.query.with_session(session):
                if event.id == 600:
                    break
        await add_users("Ada")


async def test_many_rows_at_once_are_counted(app: Quart) -> None:
    async with db.engine.begin() as connection:
        result = await connection.exec_driver_sql(
            "INSERT INTO event (kind) VALUES (?)", [("a",), ("b",), ("c",)]
        )
        assert result.rowcount == 3


async def test_an_error_leaves_the_connection_usable(app: Quart) -> None:
    with pytest.raises(OperationalError, match="no such table"):
        await db.session.execute(text("SELECT * FROM nowhere"))
    assert await User.query.count() == 0


@pytest.mark.hazard("cancelled request")
async def test_a_cancelled_statement_stops(app: Quart) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await db.session.execute(FOREVER)
    assert time.monotonic() - started < 10  # it would not end
    await db.session.remove()
    assert await User.query.count() == 0


class Hold:
    """Keeps the thread of a connection until the test lets it go: as a call or a parameter."""

    def __init__(self) -> None:
        self._begun, self._over = threading.Event(), threading.Event()

    def __call__(self) -> int:
        self._begun.set()
        self._over.wait()
        return 1

    def __conform__(self, _protocol: object) -> int:
        return self()

    async def begun(self) -> None:
        await asyncio.to_thread(self._begun.wait)

    def end(self) -> None:
        self._over.set()


async def driver_connection() -> Connection:
    """Return the connection of the current db session."""
    connection = await db.session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, Connection)
    return driver


async def busy_connection(hold: Hold) -> Connection:
    """Return the connection of the current db session while its thread does something else."""
    driver = await driver_connection()
    driver._tx.put_nowait((None, hold))
    await hold.begun()
    return driver


async def queued(driver: Connection) -> None:
    """Wait until something waits for the thread."""
    while driver._tx.empty():  # noqa: ASYNC110 - the queue of a thread has no event
        await asyncio.sleep(0)


@pytest.mark.hazard("cancelled request")
async def test_a_statement_that_is_cancelled_before_its_thread_begins_stops(app: Quart) -> None:
    driver = await busy_connection(hold := Hold())

    task = asyncio.create_task(driver.cursor().execute(FOREVER.text))
    await queued(driver)
    task.cancel()
    await asyncio.wait([task])
    hold.end()

    async with asyncio.timeout(10):
        await driver.cursor().execute("SELECT 1")


@pytest.mark.hazard("cancelled request")
async def test_a_statement_that_is_cancelled_before_it_runs_stops(app: Quart) -> None:
    """Its thread has begun with it, and binds the parameter."""
    driver, hold = await driver_connection(), Hold()

    task = asyncio.create_task(driver.cursor().execute(f"{FOREVER.text} WHERE i > ?", (hold,)))
    await hold.begun()
    task.cancel()
    await asyncio.wait([task])
    hold.end()

    async with asyncio.timeout(10):
        await driver.cursor().execute("SELECT 1")


async def test_a_connection_that_is_stopped_while_it_closes_is_closed(app: Quart) -> None:
    """As when a request is cancelled once more while it cleans up."""
    driver = await busy_connection(hold := Hold())

    closing = asyncio.create_task(driver.close())
    await queued(driver)
    driver.stop()
    hold.end()

    async with asyncio.timeout(10):
        await closing


async def test_the_end_of_an_app_waits_for_the_threads_of_closed_connections(app: Quart) -> None:
    """Each still answers the event loop, which may be closed right after the app has ended."""
    connection = await driver.connector(make_url("sqlite://"), {})()
    busy = threading.Event()
    connection._tx.put_nowait((None, busy.wait))
    connection.stop()  # as the pool does with the connection of a cancelled task

    ending = asyncio.create_task(db.dispose())
    await asyncio.sleep(0.05)
    assert not ending.done()
    busy.set()
    await ending
    assert not connection._thread.is_alive()
