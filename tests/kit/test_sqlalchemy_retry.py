"""``db.run``: work is retried after a conflict, and after nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from quarterdeck.exceptions import RepeatedTransactionError, TransactionConflictError
from quarterdeck.sqlalchemy import Session, driver, retry

from .sqlalchemy_app import User, add_users, db, make_app

pytestmark = pytest.mark.feature("D6", "D7")


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        yield app


class Unlucky:
    """Adds a user; another transaction is in the way the first times."""

    def __init__(self, conflicts: int) -> None:
        self.conflicts = conflicts
        self.calls = 0
        self.told = 0

    async def __call__(self, session: Session) -> str:
        self.calls += 1
        session.add(User(name="Ada"))
        session.after_commit(self.tell)
        await session.flush()
        if self.calls <= self.conflicts:
            raise TransactionConflictError("made up")
        return "done"

    def tell(self) -> None:
        self.told += 1


async def test_it_is_done_anew_in_a_new_transaction(app: Quart) -> None:
    work = Unlucky(conflicts=3)
    assert await db.run(work) == "done"
    assert (work.calls, work.told) == (4, 1)
    assert await User.query.count() == 1


async def test_what_is_done_anew_is_logged(app: Quart, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "quarterdeck.sqlalchemy"):
        await db.run(Unlucky(conflicts=1))
    assert (
        "transaction retried, 1 of 3: another transaction is in the way: made up" in caplog.messages
    )


@pytest.mark.parametrize("retries", [0, 2])
async def test_the_number_of_times_is_bounded(app: Quart, retries: int) -> None:
    work = Unlucky(conflicts=100)
    with pytest.raises(TransactionConflictError, match="made up"):
        await db.run(work, retries=retries)
    assert (work.calls, work.told) == (retries + 1, 0)
    assert await User.query.count() == 0


async def test_the_time_is_bounded(app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "MAX_SECONDS", 0)
    work = Unlucky(conflicts=100)
    with pytest.raises(TransactionConflictError):
        await db.run(work)
    assert work.calls == 1


async def test_pauses_are_random_and_double(app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return 0.0

    monkeypatch.setattr("random.uniform", uniform)
    await db.run(Unlucky(conflicts=3))
    assert bounds == [(0, 0.05), (0, 0.1), (0, 0.2)]


async def test_nothing_is_done_anew_that_was_not_declared(app: Quart) -> None:
    work = Unlucky(conflicts=1)
    with pytest.raises(TransactionConflictError):
        async with db.transaction() as session:
            await work(session)
    assert work.calls == 1


async def test_other_errors_are_not_tried_again(app: Quart) -> None:
    await add_users("Ada")
    work = Unlucky(conflicts=0)
    with pytest.raises(IntegrityError):
        await db.run(work)
    assert work.calls == 1


async def test_a_request_that_met_a_conflict_each_time_is_a_503(app: Quart) -> None:
    @app.post("/")
    async def add() -> str:
        return await db.run(Unlucky(conflicts=100), retries=1)

    response = await app.test_client().post("/")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert "try again in a moment" in await response.get_data(as_text=True)


class TestRefusals:
    """What came before in the transaction would be lost on the second time."""

    async def test_inside_a_transaction(self, app: Quart) -> None:
        async with db.transaction():
            with pytest.raises(RepeatedTransactionError, match=r"inside 'db\.transaction\(\)'"):
                await db.run(Unlucky(conflicts=0))

    async def test_with_changes_that_wait(self, app: Quart) -> None:
        db.session.add(User(name="Grace"))
        with pytest.raises(RepeatedTransactionError, match="changes in the session"):
            await db.run(Unlucky(conflicts=0))
        await db.session.flush()
        with pytest.raises(RepeatedTransactionError, match="commit before"):
            await db.run(Unlucky(conflicts=0))
        await db.session.commit()
        assert await db.run(Unlucky(conflicts=0)) == "done"

    async def test_with_a_statement_that_waits(self, app: Quart) -> None:
        await add_users("Grace")
        await db.session.execute(update(User).values(balance=1))
        with pytest.raises(RepeatedTransactionError):
            await db.run(Unlucky(conflicts=0))
        await db.session.rollback()
        assert await db.run(Unlucky(conflicts=0)) == "done"

    async def test_reading_before_is_no_matter(self, app: Quart) -> None:
        await add_users("Grace")
        grace = await User.query.one()
        assert await db.run(Unlucky(conflicts=1)) == "done"
        assert grace.name == "Grace"


@pytest.mark.sqlite_only
async def test_a_busy_sqlite_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "quarterdeck.sqlalchemy")
    monkeypatch.setitem(driver.CONNECT_ARGS, "timeout", 0.05)
    monkeypatch.setattr(retry, "FIRST_DELAY_SECONDS", 0.0)
    app = make_app(tmp_path)
    attempts: list[Session] = []

    async def add(session: Session) -> None:
        attempts.append(session)
        session.add(User(name="Ada"))

    async with app.test_app(), app.app_context():
        await db.create_all()
        async with db.new_session() as holder:
            await holder.execute(update(User).values(balance=1))
            with pytest.raises(TransactionConflictError, match="write lock"):
                await db.run(add, retries=1)
            assert attempts == []  # it never got its turn
            waiting = asyncio.create_task(_run_in(app, add))
            # One was of the work above; a log has no event.
            while caplog.text.count("transaction retried") < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await holder.commit()
        await waiting
        assert await User.query.count() == 1


async def _run_in(app: Quart, work: Callable[[Session], Awaitable[None]]) -> None:
    async with app.app_context():
        await db.run(work, retries=50)
