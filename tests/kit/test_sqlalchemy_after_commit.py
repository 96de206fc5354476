"""Callbacks after the commit: in order, once, and never after a rollback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from quart import Quart
from sqlalchemy import select

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
