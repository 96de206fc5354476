"""Transactions: blocks, savepoints, and 50 increments that make 50."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from quarterdeck.exceptions import ColumnNotLoadedError, TransactionOwnedError
from quarterdeck.sqlalchemy import Session

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
