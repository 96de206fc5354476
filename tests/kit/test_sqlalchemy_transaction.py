"""Transactions: blocks, savepoints, callbacks after the commit, and writers that wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from quarterdeck.exceptions import ColumnNotLoadedError, TransactionOwnedError
from quarterdeck.sqlalchemy import Session, driver, sqlite

from .sqlalchemy_app import Post, User, add_users, db, make_app, sql


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


async def fail_with(*users: str) -> None:
    async with db.transaction() as session:
        session.add_all([User(name=name) for name in users])
        await session.flush()
        raise MindChanged


@pytest.mark.feature("D6")
async def test_a_block_commits_at_its_end(app: Quart) -> None:
    async with db.transaction() as session:
        session.add(User(name="Ada"))
        await session.flush()
        assert await names() == []
    assert await names() == ["Ada"]


@pytest.mark.feature("D6")
async def test_a_block_rolls_back_on_an_error(app: Quart) -> None:
    with pytest.raises(MindChanged):
        await fail_with("Ada")
    assert await names() == []


async def test_a_block_rolls_back_on_cancellation(app: Quart) -> None:
    entered = asyncio.Event()

    async def work() -> None:
        async with app.app_context(), db.transaction() as session:
            session.add(User(name="Ada"))
            await session.flush()
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    await asyncio.wait([task])
    await add_users("Grace")  # the write lock is free
    assert await names() == ["Grace"]


async def test_an_inner_block_is_a_savepoint(app: Quart) -> None:
    async with db.transaction() as session:
        session.add(User(name="Ada"))
        with pytest.raises(MindChanged):
            await fail_with("Eve")
        async with db.transaction():
            session.add(User(name="Grace"))
    assert await names() == ["Ada", "Grace"]


async def test_a_duplicate_inside_a_savepoint_spares_the_rest(app: Quart) -> None:
    async def add(name: str) -> None:
        async with db.transaction() as session:
            session.add(User(name=name))

    async with db.transaction():
        await add("Ada")
        with pytest.raises(IntegrityError):
            await add("Ada")
        await add("Grace")
    assert await names() == ["Ada", "Grace"]


@pytest.mark.parametrize("verb", ["commit", "rollback"])
async def test_a_block_ends_by_itself(app: Quart, verb: str) -> None:
    async with db.transaction() as session:
        with pytest.raises(TransactionOwnedError, match=rf"session\.{verb}\(\)"):
            await getattr(session, verb)()


async def test_what_was_loaded_before_stays_readable_after_a_rollback(app: Quart) -> None:
    """As ``current_user`` when a form is shown again."""
    await add_users("Ada")
    user = await User.query.options(selectinload(User.posts)).one()
    other: list[User] = []

    async def fail() -> None:
        async with db.transaction() as session:
            user.name = "Eve"
            other.append(User(name="Grace"))
            session.add(other[0])
            await session.flush()
            raise MindChanged

    with pytest.raises(MindChanged):
        await fail()
    assert (user.name, user.posts) == ("Ada", [])
    assert other[0] not in db.session
    user.name = "Ada Lovelace"
    await db.session.commit()
    assert await names() == ["Ada Lovelace"]


async def test_a_failed_commit_keeps_what_was_loaded_before(app: Quart) -> None:
    await add_users("Ada")
    user = await User.query.one()
    with pytest.raises(IntegrityError):
        await add_users("Ada")
    assert user.name == "Ada"
    await add_users("Grace")
    assert await names() == ["Ada", "Grace"]


async def test_what_the_block_loaded_says_that_it_expired(app: Quart) -> None:
    await add_users("Ada")
    found: list[User] = []

    async def fail() -> None:
        async with db.transaction():
            found.append(await User.query.one())
            raise MindChanged

    with pytest.raises(MindChanged):
        await fail()
    with pytest.raises(ColumnNotLoadedError, match=r"await session\.refresh\(user"):
        _ = found[0].name
    await db.session.refresh(found[0])
    assert found[0].name == "Ada"


async def test_what_was_changed_before_the_block_expires_with_it(app: Quart) -> None:
    await add_users("Ada")
    user = await User.query.one()
    user.balance = 5
    with pytest.raises(MindChanged):
        await fail_with("Grace")
    with pytest.raises(ColumnNotLoadedError):
        _ = user.balance
    await db.session.refresh(user)
    assert user.balance == 0


class TestAfterCommit:
    """``db.after_commit``."""

    async def test_runs_after_the_commit(self, app: Quart) -> None:
        seen: list[object] = []

        async def publish() -> None:
            seen.append(await names())

        async with db.transaction() as session:
            session.add(User(name="Ada"))
            db.after_commit(publish)
            db.after_commit(lambda: seen.append("second"))
            assert seen == []
        assert seen == [["Ada"], "second"]

    async def test_is_forgotten_on_a_rollback(self, app: Quart) -> None:
        seen: list[int] = []

        async def fail() -> None:
            async with db.transaction():
                db.after_commit(lambda: seen.append(1))
                raise MindChanged

        with pytest.raises(MindChanged):
            await fail()
        await add_users("Ada")
        assert seen == []

    async def test_goes_with_its_savepoint(self, app: Quart) -> None:
        seen: list[int] = []

        async def fail() -> None:
            async with db.transaction():
                async with db.transaction():
                    db.after_commit(lambda: seen.append(2))
                raise MindChanged

        async with db.transaction():
            db.after_commit(lambda: seen.append(1))
            with pytest.raises(MindChanged):
                await fail()
            async with db.transaction():
                db.after_commit(lambda: seen.append(3))
        assert seen == [1, 3]

    async def test_is_forgotten_with_an_unused_session(self, app: Quart) -> None:
        seen: list[int] = []
        db.after_commit(lambda: seen.append(1))
        await db.session.remove()
        await add_users("Ada")
        assert seen == []

    async def test_works_with_a_commit_by_hand_and_with_begin(self, app: Quart) -> None:
        seen: list[int] = []
        db.session.after_commit(lambda: seen.append(1))
        await db.session.commit()
        async with db.new_session() as session:
            async with session.begin():
                session.after_commit(lambda: seen.append(2))
            transaction = await session.begin()
            session.after_commit(lambda: seen.append(3))
            await transaction.commit()
        assert seen == [1, 2, 3]

    async def test_an_error_in_it_is_logged_and_the_rest_runs(
        self, app: Quart, caplog: pytest.LogCaptureFixture
    ) -> None:
        seen: list[int] = []

        def fail() -> None:
            raise ValueError("the hub is down")

        with caplog.at_level(logging.ERROR):
            async with db.transaction():
                db.after_commit(fail)
                db.after_commit(lambda: seen.append(1))
        assert "the hub is down" in caplog.text
        assert seen == [1]

    async def test_runs_even_if_the_caller_is_cancelled_meanwhile(self, app: Quart) -> None:
        started, go_on, seen = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def publish() -> None:
            started.set()
            await go_on.wait()
            seen.set()

        async def work() -> None:
            async with app.app_context(), db.transaction() as session:
                session.add(User(name="Ada"))
                db.after_commit(publish)

        task = asyncio.create_task(work())
        await started.wait()
        task.cancel()
        go_on.set()
        await asyncio.wait([task])
        assert task.cancelled()
        async with asyncio.timeout(30):
            await seen.wait()
        assert await names() == ["Ada"]


async def test_foreign_keys_are_checked(app: Quart) -> None:
    db.session.add(Post(title="Orphan", author_id=99))
    with pytest.raises(IntegrityError):
        await db.session.commit()


async def test_autocommit_is_left_alone(app: Quart) -> None:
    engine = db.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(
            sql("INSERT INTO {user} (name, balance, biography) VALUES ('Ada', 0, '')")
        )
        assert await names() == ["Ada"]


async def by_a_locked_row() -> None:
    async with db.transaction() as session:
        user = await session.get_one(User, 1, with_for_update=True)
        await asyncio.sleep(0)
        user.balance += 1


async def by_a_statement() -> None:
    async with db.transaction() as session:
        await session.execute(update(User).values(balance=User.balance + 1))


async def by_declared_work() -> None:
    async def work(session: Session) -> None:
        user = await session.get_one(User, 1, with_for_update=True)
        user.balance += 1

    await User.query.get(1)  # what was read before is read anew by the lock
    await db.run(work)


@pytest.mark.feature("D9")
@pytest.mark.hazard("lost updates")
@pytest.mark.parametrize("way", [by_a_locked_row, by_a_statement, by_declared_work])
async def test_50_increments_make_50_in_each_way_of_the_docs(
    app: Quart, way: Callable[[], Awaitable[None]]
) -> None:
    await add_users("Ada")

    async def increment() -> None:
        async with app.app_context():
            await way()

    await asyncio.gather(*(increment() for _ in range(50)))
    assert (await User.query.one()).balance == 50


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
