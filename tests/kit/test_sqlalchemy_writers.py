"""SQLite has one writer: others wait for their turn, and a cancelled one frees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from quarterdeck.sqlalchemy import driver, sqlite

from .sqlalchemy_app import User, add_users, db, make_app


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        yield app


class MindChanged(Exception):
    """What ends a block early."""


async def names() -> list[str]:
    """What everybody else sees."""
    async with db.new_session() as session:
        return list(await session.scalars(select(User.name).order_by(User.id)))


@pytest.mark.sqlite_only
class TestWriters:
    """SQLite has one writer at a time; the others wait."""

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> asyncio.Semaphore:
        """Released by each transaction that asks for the write lock."""
        asked, begin = asyncio.Semaphore(0), driver.Connection.begin_immediate

        async def begin_immediate(connection: driver.Connection) -> None:
            if not connection.in_transaction:
                asked.release()
            await begin(connection)

        monkeypatch.setattr(driver.Connection, "begin_immediate", begin_immediate)
        return asked

    @pytest.mark.hazard("lost updates")
    async def test_50_increments_make_50(self, app: Quart) -> None:
        await add_users("Ada")

        async def increment() -> None:
            async with app.app_context(), db.transaction():
                user = await User.query.one()
                await asyncio.sleep(0)
                user.balance += 1

        await asyncio.gather(*(increment() for _ in range(50)))
        assert (await User.query.one()).balance == 50

    @pytest.mark.hazard("database is locked")
    async def test_a_reader_that_turns_writer_waits(
        self, app: Quart, asked: asyncio.Semaphore
    ) -> None:
        """With a deferred transaction the second one fails at once: its snapshot is old."""
        await add_users("Ada", "Grace")
        first_wrote = asyncio.Event()
        await asked.acquire()

        async def first() -> None:
            async with db.new_session() as session:
                await session.execute(update(User).values(balance=1))
                await asked.acquire()
                first_wrote.set()
                await asked.acquire()
                await session.commit()

        async def second() -> None:
            async with db.new_session() as session:
                user = (await session.scalars(select(User).limit(1))).one()
                await first_wrote.wait()
                await session.execute(
                    update(User).where(User.id == user.id).values(balance=User.balance + 1)
                )
                await session.commit()

        await asyncio.gather(first(), second())
        assert (await User.query.get(1)).balance == 2  # type: ignore[union-attr]

    @pytest.mark.hazard("cancelled request")
    async def test_a_writer_cancelled_while_it_waits_takes_no_lock(
        self, app: Quart, asked: asyncio.Semaphore
    ) -> None:
        async def write() -> None:
            async with app.app_context():
                await add_users("Eve")

        async with db.transaction() as session:
            session.add(User(name="Ada"))
            await session.flush()
            waiting = [asyncio.create_task(write()) for _ in range(3)]
            for _ in ("Ada", *waiting):
                await asked.acquire()
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
        async with asyncio.timeout(30):
            await add_users("Grace")
        assert await names() == ["Ada", "Grace"]

    @pytest.mark.hazard("cancelled request")
    @pytest.mark.parametrize("steps", range(12))
    async def test_a_writer_cancelled_at_any_step_frees_the_lock(
        self, app: Quart, steps: int
    ) -> None:
        async def write() -> None:
            async with app.app_context():
                await add_users("Ada")

        task = asyncio.create_task(write())
        for _ in range(steps):
            await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.wait([task])
        async with asyncio.timeout(30):
            await add_users("Grace")
        assert (await names())[-1] == "Grace"

    async def test_writers_get_their_turn_in_the_order_of_coming(
        self, app: Quart, asked: asyncio.Semaphore
    ) -> None:
        async def write(name: str) -> None:
            async with app.app_context():
                await add_users(name)

        warm_up = (write(f"early{n}") for n in range(10))  # or opening files decides the order
        await asyncio.gather(*warm_up)
        expected = [f"user{n}" for n in range(8)]
        async with db.transaction() as session:
            session.add(User(name="Ada"))
            await session.flush()
            while not asked.locked():
                await asked.acquire()
            tasks = []
            for name in expected:
                tasks.append(asyncio.create_task(write(name)))
                await asked.acquire()
        await asyncio.gather(*tasks)
        assert (await names())[11:] == expected

    async def test_a_transaction_that_sqlite_ended_can_go_on(self, app: Quart) -> None:
        await add_users("Ada")
        async with db.new_session() as session:
            with pytest.raises(IntegrityError):
                await session.execute(
                    text("INSERT OR ROLLBACK INTO user SELECT 2, name, 0, '' FROM user")
                )
            await session.execute(update(User).values(balance=1))
            await session.commit()
        await add_users("Grace")

    async def test_another_process_is_waited_for_too(self, app: Quart, tmp_path: Path) -> None:
        """Two engines on one file have a queue each, and SQLite between them."""
        other = make_app(tmp_path)

        async def write(app: Quart, name: str) -> None:
            async with app.app_context():
                await add_users(name)

        async with other.test_app():
            await asyncio.gather(
                *(write(which, f"{which is app}{n}") for n in range(10) for which in (app, other))
            )
        assert len(await names()) == 20

    async def test_readers_are_not_held_up_by_a_writer(self, app: Quart) -> None:
        async with db.transaction() as session:
            session.add(User(name="Ada"))
            await session.flush()
            async with asyncio.timeout(4):  # less than a reader waits for a lock
                assert await names() == []

    @pytest.mark.feature("D7")
    async def test_a_lock_that_stays_is_a_503(
        self, app: Quart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(driver.CONNECT_ARGS, "timeout", 0.1)
        other = make_app(tmp_path)

        @other.post("/")
        async def write() -> str:
            async with db.transaction():
                return ""

        async with other.test_app(), db.transaction() as session:
            session.add(User(name="Ada"))
            await session.flush()
            response = await other.test_client().post("/")
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"

    @pytest.mark.feature("D7")
    async def test_a_turn_that_does_not_come_is_a_503(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(driver.CONNECT_ARGS, "timeout", 0.1)
        app = make_app(tmp_path)

        @app.post("/")
        async def write() -> str:
            await add_users("Grace")
            return ""

        async with app.test_app(), app.app_context():
            await db.create_all()
            client = app.test_client()
            async with db.transaction():
                assert (await client.post("/")).status_code == 503
            assert (await client.post("/")).status_code == 200

    @pytest.mark.parametrize(
        ("statement", "writes"),
        [
            ("SELECT 1", False),
            ("\n  select name from user", False),
            ("PRAGMA foreign_keys", False),
            ("WITH n AS (SELECT 1) SELECT * FROM n", False),
            ("WITH n AS (SELECT 1) INSERT INTO t SELECT * FROM n", True),
            ("INSERT INTO t VALUES (1)", True),
            ("CREATE TABLE t (id)", True),
            ("SAVEPOINT a", True),
            ("VACUUM", False),
        ],
    )
    def test_only_writing_begins_a_transaction(self, statement: str, writes: bool) -> None:
        assert sqlite.writes(statement) is writes

    async def test_tables_are_made_in_the_transaction_too(self, app: Quart) -> None:
        async def fail() -> None:
            async with db.transaction() as session:
                await session.execute(text("CREATE TABLE t (id INTEGER)"))
                raise MindChanged

        with pytest.raises(MindChanged):
            await fail()
        tables = await db.session.scalars(text("SELECT name FROM sqlite_master"))
        assert "t" not in tables.all()
